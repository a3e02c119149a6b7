"""What the tokens around a anchor say: the mean around it, as wide as anchors are apart, without padding or context."""

import pytest
import torch

from mmrcf.models.layers import FusedTokens, sine_positions
from mmrcf.models.layers.query_grid import LocalContent, grid_anchors


def located_tokens(height: int, width: int, padding: torch.Tensor | None = None) -> FusedTokens:
    """Tokens that say where they are: row and column as parts of height and width, in their first two channels."""
    rows, columns = ((torch.arange(size) + 0.5) / size for size in (height, width))
    where = torch.stack([rows[:, None].expand(-1, width), columns.expand(height, -1)], dim=-1).flatten(0, 1)
    tokens = torch.cat([where, torch.zeros(height * width, 62)], dim=-1)[None]
    positions = sine_positions([(height, width)], height, width, torch.empty(1, 64))
    context = torch.full((1, 3, 64), 1e6)  # from elsewhere: not of this frame
    return FusedTokens(
        tokens.transpose(1, 2).unflatten(-1, (height, width)),
        torch.cat([tokens, context], dim=1),
        torch.cat([positions, positions[:, :3]], dim=1),
        padding,
    )


class TestLocalContent:
    @pytest.mark.parametrize(('height', 'width'), [(9, 12), (21, 28)])
    def test_it_is_the_mean_around_the_anchor(self, height: int, width: int) -> None:
        anchors = grid_anchors(108)
        module = LocalContent(anchors, 64)
        torch.nn.init.eye_(module.linear.weight)
        torch.nn.init.zeros_(module.linear.bias)
        found = module(located_tokens(height, width))[0]
        assert found.shape == (108, 64)
        inner = ((anchors > 0.15) & (anchors < 0.85)).all(dim=1)  # at a border half of what is around is missing
        torch.testing.assert_close(found[inner, :2], anchors[inner], rtol=0, atol=2e-3)

    def test_it_is_as_wide_as_the_anchors_are_apart(self) -> None:
        """Twelve anchors a width: a standard deviation of half the distance between them."""
        module = LocalContent(grid_anchors(108), 64)
        fused = located_tokens(40, 60)
        likeness = (fused.positions[0, :2400] @ module.keys[53]).softmax(0)
        column = fused.tokens[0, :2400, 1]
        mean = (likeness * column).sum()
        assert float((likeness * (column - mean) ** 2).sum().sqrt()) == pytest.approx(1 / 24, rel=0.1)

    def test_padding_says_nothing(self) -> None:
        module = LocalContent(grid_anchors(6), 64)
        padding = torch.zeros(1, 15, dtype=torch.bool)
        padding[0, [2, 3, 6, 7, 10, 11]] = True
        fused = located_tokens(3, 4, padding)
        other = fused.tokens.clone()
        other[padding] = 7.0
        expected = module(fused)
        assert torch.equal(module(FusedTokens(fused.target_map, other, fused.positions, padding)), expected)
