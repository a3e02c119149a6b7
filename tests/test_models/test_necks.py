"""One contract over every neck, and the arithmetic of Eq. 1 and 2."""

import pytest
import torch
import torch.nn.functional as F

from mmrcf.models.layers import TokenGroup, sine_positions
from mmrcf.models.necks import RobustContextFusion
from mmrcf.registry import MODELS

ENCODER = dict(num_layers=1, num_heads=4, feedforward_dims=32)
NAMES = ['rcf', 'rcf-depthwise', 'rcf-no-weight', 'full-encoder', 'full-decoder', 'rcf-positions-once', 'single']


@pytest.fixture(params=NAMES)
def neck(request, neck_configs):
    torch.manual_seed(0)
    return MODELS.build(dict(in_channels=6, embed_dims=16, encoder=ENCODER, **neck_configs[request.param])).eval()


def inputs(neck, batch: int = 2, height: int = 4, width: int = 5):
    target = torch.randn(batch, 6, height, width)
    return target, [torch.randn_like(target) for _ in range(neck.num_references)]


def test_contract_shapes(neck) -> None:
    target, references = inputs(neck)
    fused = neck(target, references, [(4, 5)] * 2)
    assert fused.target_map.shape == (2, 16, 4, 5)
    assert fused.tokens.shape == fused.positions.shape
    assert fused.padding is None
    assert torch.equal(fused.target_map, fused.tokens[:, :20].transpose(1, 2).reshape(2, 16, 4, 5))


def test_batched_equals_single_when_sizes_differ(neck) -> None:
    target, references = inputs(neck)
    extents = [(4, 5), (3, 2)]
    together = neck(target, references, extents)
    for i, (height, width) in enumerate(extents):
        alone = neck(
            target[i : i + 1, :, :height, :width],
            [r[i : i + 1, :, :height, :width] for r in references],
            [(height, width)],
        )
        assert torch.allclose(together.target_map[i, :, :height, :width], alone.target_map[0], atol=1e-5)


def test_located_content_is_part_of_what_a_token_says(neck) -> None:
    target, references = inputs(neck)
    extents = [(4, 5), (3, 2)]
    flat = torch.ones_like(target)
    plain = neck.grid_tokens(flat, extents).tokens
    assert (plain == 1).all()
    neck.add_position_to_content = True
    tokens = neck.grid_tokens(torch.ones(2, 16, 4, 5), extents).tokens
    assert len(tokens[0].unique(dim=0)) == 20
    # Relative to the valid part: the same places of frames of other sizes say the same.
    centres = neck.grid_tokens(torch.ones(2, 16, 3, 3), [(3, 3), (1, 1)]).tokens
    torch.testing.assert_close(centres[0, 4], centres[1, 0])
    changed = neck(target, references, extents).target_map
    neck.add_position_to_content = False
    assert not torch.allclose(changed, neck(target, references, extents).target_map, atol=1e-3)


def test_references_change_the_result_and_padding_of_them_does_not(neck) -> None:
    target, references = inputs(neck)
    extents = [(3, 4)] * 2
    before = neck(target, references, extents).tokens
    padded = [reference.clone() for reference in references]
    for reference in padded:
        reference[:, :, 3:] = 50.0
        reference[:, :, :, 4:] = 50.0
    valid = ~neck(target, references, extents).padding
    assert torch.allclose(neck(target, padded, extents).tokens[valid], before[valid], atol=1e-5)
    if references:
        changed = neck(target, [reference + 1.0 for reference in references], extents)
        assert not torch.allclose(changed.tokens[valid], before[valid], atol=1e-3)


def test_extra_tokens_join_and_invalid_ones_do_nothing(neck) -> None:
    target, references = inputs(neck)
    tokens, positions = torch.randn(2, 3, 16), torch.zeros(2, 3, 16)
    plain = neck(target, references, [(4, 5)] * 2)
    silent = neck(target, references, [(4, 5)] * 2, TokenGroup(tokens, positions, torch.ones(2, 3, dtype=torch.bool)))
    known = neck(target, references, [(4, 5)] * 2, TokenGroup(tokens, positions, None))
    assert silent.tokens.shape[1] == plain.tokens.shape[1] + 3
    assert torch.allclose(silent.target_map, plain.target_map, atol=1e-5)
    assert not torch.allclose(known.target_map, plain.target_map, atol=1e-3)


def test_every_part_gets_a_gradient(neck) -> None:
    target, references = inputs(neck)
    fused = neck(target, references, [(4, 5)] * 2)
    (fused.target_map.square().sum() + fused.tokens.square().sum()).backward()
    assert [name for name, parameter in neck.named_parameters() if parameter.grad is None] == []


def test_compression_is_weight_then_pool_then_projection() -> None:
    neck = RobustContextFusion(in_channels=2, num_references=2, embed_dims=4, grid_size=2, encoder=ENCODER)
    torch.nn.init.normal_(neck.weight.weight)
    newest, oldest = torch.randn(1, 2, 4, 6), torch.randn(1, 2, 4, 6)
    stacked = torch.cat((newest, oldest), dim=1)
    weight = torch.sigmoid((neck.weight.weight * stacked).sum(1, keepdim=True) + neck.weight.bias)
    # 4 x 6 cells become 2 x 2: each token is the mean of a 2 x 3 block.
    expected = F.avg_pool2d(weight * stacked, (2, 3))
    assert torch.allclose(neck.compress([newest, oldest], [(4, 6)]), expected, atol=1e-6)
    assert torch.allclose(neck.reference_weight(stacked), weight, atol=1e-6)


def test_a_fresh_weight_map_counts_every_pixel_alike() -> None:
    neck = RobustContextFusion(in_channels=2, embed_dims=4, encoder=ENCODER)
    assert torch.all(neck.reference_weight(torch.randn(1, 2, 3, 3)) == 0.5)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(num_references=0), 'num_references must be at least 1'),
        (dict(compression='mean'), 'compression=\'mean\': expected "pool" or "depthwise"'),
        (dict(embed_dims=10), 'embed_dims=10 must be a multiple of 4'),
    ],
)
def test_bad_arguments_are_named(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        RobustContextFusion(**{'in_channels': 4, 'embed_dims': 8, 'encoder': ENCODER, **arguments})


def test_positions_once_are_a_part_of_the_tokens_and_of_no_later_attention() -> None:
    """Eq. 1 and 2 as they are written: the encoder gets P(tokens), and neither it nor the head adds P again."""
    arguments = dict(in_channels=6, embed_dims=16, encoder=ENCODER)
    torch.manual_seed(0)
    neck = RobustContextFusion(**arguments, position_mode='tokens').eval()
    target, references = inputs(neck)
    audio = TokenGroup(torch.randn(2, 3, 16), torch.randn(2, 3, 16), None)
    fused = neck(target, references, [(4, 5)] * 2, audio)
    assert not fused.positions.any()
    like = torch.zeros(2, 16, 1, 1)
    tokens = torch.cat(
        [
            neck.target_projection(target).flatten(2).mT + sine_positions([(4, 5)] * 2, 4, 5, like),
            neck.reference_projection(neck.compress(references, [(4, 5)] * 2)).flatten(2).mT
            + sine_positions([(2, 2)] * 2, 2, 2, like),
            audio.tokens + audio.positions,
        ],
        dim=1,
    )
    torch.testing.assert_close(fused.tokens, neck.encoder(tokens, torch.zeros_like(tokens)))


@pytest.mark.parametrize(('activation', 'start'), [('sigmoid', 0.5), ('sigmoid', 0.9), ('none', 1.0)])
def test_the_weight_map_starts_flat_at_its_initial_value(activation: str, start: float) -> None:
    neck = RobustContextFusion(6, embed_dims=16, encoder=ENCODER, weight_activation=activation, weight_init=start)
    torch.testing.assert_close(neck.reference_weight(torch.randn(2, 6, 4, 5)), torch.full((2, 1, 4, 5), start))


@pytest.mark.parametrize(
    ('key', 'value'),
    [('position_mode', 'query'), ('weight_activation', 'tanh'), ('weight_init', 1.0), ('compression', 'max')],
)
def test_settings_that_do_not_exist_are_named(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=f'neck.{key}={value!r}'):
        RobustContextFusion(6, embed_dims=16, encoder=ENCODER, **{key: value})
