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


def copy_attention(attention: MultiheadAttention, other: torch.nn.MultiheadAttention) -> None:
    """Give PyTorch's attention our weights."""
    projections = (attention.query, attention.key, attention.value)
    other.in_proj_weight.copy_(torch.cat([layer.weight for layer in projections]))
    other.in_proj_bias.copy_(torch.cat([layer.bias for layer in projections]))
    other.out_proj.load_state_dict(attention.out.state_dict())


@torch.no_grad()
@pytest.mark.parametrize('norm_first', [True, False])
def test_layers_equal_those_of_pytorch(norm_first: bool) -> None:
    """Without positions a layer is ``torch.nn.TransformerEncoderLayer`` or ``TransformerDecoderLayer``."""
    torch.manual_seed(0)
    sizes = dict(num_layers=1, num_heads=2, feedforward_dims=16)
    reference_sizes = dict(d_model=8, nhead=2, dim_feedforward=16, batch_first=True, norm_first=norm_first)
    tokens, slots = torch.randn(2, 6, 8), torch.randn(2, 4, 8)

    encoder = TransformerEncoder(8, **sizes, norm_first=norm_first).eval()
    (layer,), other = encoder.layers, torch.nn.TransformerEncoderLayer(**reference_sizes).eval()
    copy_attention(layer.attention, other.self_attn)
    other.linear1.load_state_dict(layer.feedforward[0].state_dict())
    other.linear2.load_state_dict(layer.feedforward[3].state_dict())
    expected = encoder.norm(other(tokens))
    torch.testing.assert_close(encoder(tokens, torch.zeros_like(tokens)), expected)

    decoder = TransformerDecoder(8, **sizes, norm_first=norm_first).eval()
    (layer,), other = decoder.layers, torch.nn.TransformerDecoderLayer(**reference_sizes).eval()
    copy_attention(layer.self_attention, other.self_attn)
    copy_attention(layer.cross_attention, other.multihead_attn)
    other.linear1.load_state_dict(layer.feedforward[0].state_dict())
    other.linear2.load_state_dict(layer.feedforward[3].state_dict())
    (decoded,) = decoder(slots, torch.zeros_like(slots), tokens, torch.zeros_like(tokens))
    torch.testing.assert_close(decoded, decoder.norm(other(slots, tokens)))


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
