"""Tokens as they pass from the neck to mask decoder and head, and what of a padded map is image."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Extents = Sequence[tuple[int, int]] | Tensor
"""B pairs of cells; a tensor (B, 2) int64 in a graph that takes frames of any size: Python does not see them then."""


@dataclass(frozen=True, eq=False)
class FusedTokens:
    """The fused tokens O' of a batch of target frames.

    Attributes:
        target_map: (B, C', H, W). The fused target tokens O'_tgt, as a map.
        tokens: (B, L, C'). All fused tokens O', target tokens first.
        positions: (B, L, C'). Their positions.
        padding: (B, L) bool, True for tokens outside the image or without a signal; None if there are none.
    """

    target_map: Tensor
    tokens: Tensor
    positions: Tensor
    padding: Tensor | None

    def valid_map(self, size: tuple[int, int]) -> Tensor | None:
        """(B, 1, *size) bool, the cells of a finer map that are in the image; None if all are."""
        if self.padding is None:
            return None
        height, width = self.target_map.shape[-2:]
        inside = (~self.padding[:, : height * width]).float().unflatten(-1, (1, height, width))
        return F.interpolate(inside, size=size, mode='nearest') > 0.5


@dataclass(frozen=True, eq=False)
class TokenGroup:
    """Tokens of one origin: the target, the references, or context from elsewhere that joins the fusion.

    Attributes:
        tokens: (B, M, C').
        positions: (B, M, C').
        padding: (B, M) bool, True for tokens outside the image or without a signal; None if there are none.
    """

    tokens: Tensor
    positions: Tensor
    padding: Tensor | None


def join(groups: list[TokenGroup]) -> TokenGroup:
    """Concatenate groups of tokens in order."""
    padding = None
    if any(group.padding is not None for group in groups):
        padding = torch.cat(
            [
                torch.zeros(group.tokens.shape[:2], dtype=torch.bool, device=group.tokens.device)
                if group.padding is None
                else group.padding
                for group in groups
            ],
            dim=1,
        )
    return TokenGroup(
        torch.cat([group.tokens for group in groups], dim=1),
        torch.cat([group.positions for group in groups], dim=1),
        padding,
    )


def valid_cells(img_shape: Sequence[int], padded_shape: Sequence[int], map_shape: Sequence[int]) -> tuple[int, int]:
    """Height and width of the part of a map that the image touches, in cells; the rest is padding alone.

    Args:
        img_shape: Height and width of the image, in pixels.
        padded_shape: Height and width of the padded image that the map covers, in pixels.
        map_shape: Height and width of the map, in cells.
    """
    # Rounded up without negative numbers, which ONNX divides towards zero.
    height, width = (
        (size * cells + padded - 1) // padded
        for size, padded, cells in zip(img_shape, padded_shape, map_shape, strict=True)
    )
    return height, width


def grid_padding(extents: Extents, height: int, width: int, device: torch.device) -> Tensor | None:
    """(B, height * width) bool, True for the cells outside the extents; None if each map is known to be valid whole."""
    if not isinstance(extents, Tensor) and all(tuple(extent) == (height, width) for extent in extents):
        return None
    valid = torch.as_tensor(extents, device=device)
    rows = torch.arange(height, device=device)[None, :] >= valid[:, :1]
    columns = torch.arange(width, device=device)[None, :] >= valid[:, 1:]
    return (rows[:, :, None] | columns[:, None, :]).flatten(1)
