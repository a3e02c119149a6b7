import math

import pytest
import torch

from mmrcf.models.layers import MultiheadAttention, TransformerDecoder, TransformerEncoder, sine_positions


def test_attention_is_the_scaled_dot_product_of_the_paper() -> None:
    attention = MultiheadAttention(8, num_heads=2)
    tokens = torch.randn(1, 5, 8)
    query, key, value = (
        layer(tokens)[0].reshape(5, 2, 4) for layer in (attention.query, attention.key, attention.value)
    )
    heads = [
        torch.softmax(query[:, head] @ key[:, head].T / math.sqrt(4), dim=-1) @ value[:, head] for head in range(2)
    ]
    expected = attention.out(torch.cat(heads, dim=-1))
    assert torch.allclose(attention(tokens, tokens, tokens)[0], expected, atol=1e-6)


def test_padded_keys_have_no_influence() -> None:
    encoder = TransformerEncoder(8, num_layers=2, num_heads=2, feedforward_dims=16).eval()
    tokens, positions = torch.randn(2, 6, 8), torch.randn(2, 6, 8)
    padding = torch.zeros(2, 6, dtype=torch.bool)
    padding[:, 4:] = True
    other = tokens.clone()
    other[:, 4:] = 100.0
    short = encoder(tokens[:, :4], positions[:, :4])
    for variant in (tokens, other):
        assert torch.allclose(encoder(variant, positions, padding)[:, :4], short, atol=1e-5)


def test_decoder_gives_every_layer_and_the_last_one_last() -> None:
    decoder = TransformerDecoder(8, num_layers=3, num_heads=2, feedforward_dims=16).eval()
    slots, queries = torch.randn(2, 4, 8), torch.randn(2, 4, 8)
    decoded = decoder(slots, queries, torch.randn(2, 6, 8), torch.randn(2, 6, 8))
    assert [tuple(layer.shape) for layer in decoded] == [(2, 4, 8)] * 3
    assert not torch.allclose(decoded[1], decoded[2])


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match='embed_dims=10 must be a multiple of num_heads=4'):
        MultiheadAttention(10, num_heads=4)


def test_grids_of_different_sizes_share_one_coordinate_system() -> None:
    # The centre cell of a 3 x 3 grid lies where the centre cell of a 5 x 5 grid lies.
    like = torch.zeros(1, 16, 1, 1)
    coarse = sine_positions([(3, 3)], 3, 3, like)
    fine = sine_positions([(5, 5)], 5, 5, like)
    assert torch.allclose(coarse[0, 4], fine[0, 12], atol=1e-6)
    assert not torch.allclose(coarse[0, 0], fine[0, 0], atol=1e-2)


def test_positions_follow_the_valid_part_and_tell_cells_apart() -> None:
    like = torch.zeros(1, 16, 1, 1)
    alone = sine_positions([(2, 3)], 2, 3, like).reshape(2, 3, 16)
    padded = sine_positions([(2, 3)], 4, 5, like).reshape(4, 5, 16)
    assert torch.allclose(padded[:2, :3], alone, atol=1e-6)
    cells = alone.reshape(6, 16)
    distances = torch.cdist(cells, cells) + torch.eye(6) * 10
    assert distances.min() > 0.1
