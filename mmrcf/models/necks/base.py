"""The contract of a neck: target and reference features in, fused tokens out (Section III-B-1)."""

from abc import ABCMeta, abstractmethod

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..layers import FINE, Extents, FusedTokens, TokenGroup, TransformerEncoder, grid_padding, join, sine_positions


class BaseContextNeck(BaseModule, metaclass=ABCMeta):
    """Base of the necks. A neck implements :meth:`forward`.

    Args:
        in_channels: Channels C of the token-level backbone feature.
        num_references: Number of reference frames delta, 0 or more.
        embed_dims: Token width C', a multiple of 4.
        encoder: Arguments of :class:`~mmrcf.models.layers.TransformerEncoder`, without ``embed_dims``.
        add_position_to_content: Whether sine positions (with the temperature ``FINE``) are added to the tokens, beside
            the positions in query and key of the attention, so that values carry them too. Not in the paper.
        position_mode: Where the positions P are added. ``'attention'``: to queries and keys of every layer, as DETR
            does. ``'tokens'``: to the tokens once, before the first layer, as Eq. 1 and 2 are written.
    """

    def __init__(
        self,
        in_channels: int,
        num_references: int,
        embed_dims: int = 256,
        encoder: dict | None = None,
        add_position_to_content: bool = False,
        position_mode: str = 'attention',
    ) -> None:
        super().__init__()
        if position_mode not in ('attention', 'tokens'):
            raise ValueError(f'neck.position_mode={position_mode!r}: expected "attention" or "tokens"')
        if embed_dims % 4:
            raise ValueError(f'neck.embed_dims={embed_dims} must be a multiple of 4')
        if num_references < 0:
            raise ValueError(f'neck.num_references={num_references} must be 0 or more')
        self.in_channels = in_channels
        self.num_references = num_references
        self.embed_dims = embed_dims
        self.add_position_to_content = add_position_to_content
        self.position_mode = position_mode
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
        if self.add_position_to_content:
            tokens = tokens + sine_positions(extents, height, width, like=feature, temperature=FINE)
        return TokenGroup(tokens, positions, grid_padding(extents, height, width, feature.device))

    def join(self, groups: list[TokenGroup]) -> TokenGroup:
        """Concatenate groups of tokens in order; with ``position_mode='tokens'`` positions become part of them."""
        group = join(groups)
        if self.position_mode == 'attention':
            return group
        return TokenGroup(group.tokens + group.positions, torch.zeros_like(group.positions), group.padding)

    @staticmethod
    def fused(tokens: Tensor, group: TokenGroup, target: Tensor) -> FusedTokens:
        """Fused tokens (B, L, C') of ``group``, whose first H * W are those of ``target`` (B, C, H, W)."""
        height, width = target.shape[-2:]
        target_map = tokens[:, : height * width].transpose(1, 2).unflatten(-1, (height, width))
        return FusedTokens(target_map, tokens, group.positions, group.padding)
