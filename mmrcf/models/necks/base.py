"""The contract of a neck: target and reference features in, fused tokens out (Section III-B-1)."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..layers import FINE, TransformerEncoder, sine_positions

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


def grid_padding(extents: Extents, height: int, width: int, device: torch.device) -> Tensor | None:
    """(B, height * width) bool, True for the cells outside the extents; None if each map is known to be valid whole."""
    if not isinstance(extents, Tensor) and all(tuple(extent) == (height, width) for extent in extents):
        return None
    valid = torch.as_tensor(extents, device=device)
    rows = torch.arange(height, device=device)[None, :] >= valid[:, :1]
    columns = torch.arange(width, device=device)[None, :] >= valid[:, 1:]
    return (rows[:, :, None] | columns[:, None, :]).flatten(1)


class BaseContextNeck(BaseModule, metaclass=ABCMeta):
    """Base of the necks. A neck implements :meth:`forward`.

    Args:
        in_channels: Channels C of the token-level backbone feature.
        num_references: Number of reference frames delta, 0 or more.
        embed_dims: Token width C', a multiple of 4.
        encoder: Arguments of :class:`~mmrcf.models.layers.TransformerEncoder`, without ``embed_dims``.
        located_content: Whether sine positions (with the temperature ``FINE``) are part of what a token says, not
            only of where attention looks; a slot can then tell where its object is. The paper's are not.
    """

    def __init__(
        self,
        in_channels: int,
        num_references: int,
        embed_dims: int = 256,
        encoder: dict | None = None,
        located_content: bool = False,
    ) -> None:
        super().__init__()
        if embed_dims % 4:
            raise ValueError(f'neck.embed_dims={embed_dims} must be a multiple of 4')
        if num_references < 0:
            raise ValueError(f'neck.num_references={num_references} must be 0 or more')
        self.in_channels = in_channels
        self.num_references = num_references
        self.embed_dims = embed_dims
        self.located_content = located_content
        self.target_projection = nn.Conv2d(in_channels, embed_dims, 1)
        nn.init.xavier_uniform_(self.target_projection.weight)
        nn.init.zeros_(self.target_projection.bias)
        self.encoder = TransformerEncoder(embed_dims, **(encoder or {}))

    @abstractmethod
    def forward(
        self, target: Tensor, references: list[Tensor], extents: Extents, extra: TokenGroup | None = None
    ) -> FusedTokens:
        """Fuse the context into the target frame.

        Args:
            target: (B, C, H, W), the token-level feature f_t.
            references: delta features f_{t-1} .. f_{t-delta}, newest first, each (B, C, H, W).
            extents: B pairs: valid height and width of each map, in cells; the rest is padding.
            extra: Further context tokens: the audio's. They come last in ``encoder``, and their positions stay as they
                are given.
        """

    def grid_tokens(self, feature: Tensor, extents: Extents) -> TokenGroup:
        """The cells of a projected map (B, C', H, W) as tokens, with their positions and padding."""
        height, width = feature.shape[-2:]
        positions = sine_positions(extents, height, width, like=feature)
        tokens = feature.flatten(2).transpose(1, 2)
        if self.located_content:
            tokens = tokens + sine_positions(extents, height, width, like=feature, temperature=FINE)
        return TokenGroup(tokens, positions, grid_padding(extents, height, width, feature.device))

    @staticmethod
    def fused(tokens: Tensor, group: TokenGroup, target: Tensor) -> FusedTokens:
        """Fused tokens (B, L, C') of ``group``, whose first H * W are those of ``target`` (B, C, H, W)."""
        height, width = target.shape[-2:]
        target_map = tokens[:, : height * width].transpose(1, 2).unflatten(-1, (height, width))
        return FusedTokens(target_map, tokens, group.positions, group.padding)
