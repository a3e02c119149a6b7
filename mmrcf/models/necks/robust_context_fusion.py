"""Robust context fusion (Section III-B-1, Fig. 3): references become K x K tokens beside the target's."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmrcf.registry import MODELS

from ..layers import Extents, FusedTokens, TokenGroup
from .base import BaseContextNeck


@MODELS.register_module()
class RobustContextFusion(BaseContextNeck):
    """The paper's neck.

    Args:
        in_channels: Channels C of the token-level backbone feature.
        num_references: Number of reference frames delta, at least 1.
        embed_dims: Token width C'.
        grid_size: K; the references become K * K tokens (the "token size" of Table V).
        use_weight: Whether the references are weighted by the learned map W (Table VIII).
        weight_activation: Function after the convolution of W: ``'sigmoid'``, or ``'none'`` as in the paper's formula.
        weight_init: Value of W before training; above 0 and below 1 with the sigmoid.
        compression: How H x W becomes K x K: ``'pool'`` (adaptive average pooling) or ``'depthwise'`` (pooling to 3K x
            3K, then a 3 x 3 depth-wise convolution of stride 3).
        encoder: Arguments of the fusing transformer encoder.
        add_position_to_content: As in :class:`BaseContextNeck`.
        position_mode: As in :class:`BaseContextNeck`.
    """

    def __init__(
        self,
        in_channels: int,
        num_references: int = 1,
        embed_dims: int = 256,
        grid_size: int = 2,
        use_weight: bool = True,
        weight_activation: str = 'sigmoid',
        weight_init: float = 0.5,
        compression: str = 'pool',
        encoder: dict | None = None,
        add_position_to_content: bool = False,
        position_mode: str = 'attention',
    ) -> None:
        super().__init__(in_channels, num_references, embed_dims, encoder, add_position_to_content, position_mode)
        if num_references < 1:
            raise ValueError(
                'neck.num_references must be at least 1; use type="SingleFrame" for a model without references'
            )
        if compression not in ('pool', 'depthwise'):
            raise ValueError(f'neck.compression={compression!r}: expected "pool" or "depthwise"')
        if weight_activation not in ('sigmoid', 'none'):
            raise ValueError(f'neck.weight_activation={weight_activation!r}: expected "sigmoid" or "none"')
        if weight_activation == 'sigmoid' and not 0 < weight_init < 1:
            raise ValueError(f'neck.weight_init={weight_init}: expected a number between 0 and 1 with the sigmoid')
        self.grid_size = grid_size
        self.weight_activation = weight_activation
        channels = num_references * in_channels
        self.weight = nn.Conv2d(channels, 1, 1) if use_weight else None
        self.depthwise = (
            nn.Conv2d(channels, channels, 3, stride=3, groups=channels) if compression == 'depthwise' else None
        )
        self.reference_projection = nn.Conv2d(channels, embed_dims, 1)
        nn.init.xavier_uniform_(self.reference_projection.weight)
        nn.init.zeros_(self.reference_projection.bias)
        if self.weight is not None:
            # The map starts flat: at first every pixel has the same weight.
            start = math.log(weight_init / (1 - weight_init)) if weight_activation == 'sigmoid' else weight_init
            nn.init.zeros_(self.weight.weight)
            nn.init.constant_(self.weight.bias, start)
        if self.depthwise is not None:
            nn.init.constant_(self.depthwise.weight, 1 / 9)
            nn.init.zeros_(self.depthwise.bias)

    def forward(
        self, target: Tensor, references: list[Tensor], extents: Extents, extra: TokenGroup | None = None
    ) -> FusedTokens:
        """See :meth:`BaseContextNeck.forward`; Eq. 1 and 2."""
        target_tokens = self.grid_tokens(self.target_projection(target), extents)
        compressed = self.reference_projection(self.compress(references, extents))
        reference_tokens = self.grid_tokens(compressed, [(self.grid_size, self.grid_size)] * len(extents))
        group = self.join([target_tokens, reference_tokens] + ([] if extra is None else [extra]))
        return self.fused(self.encoder(group.tokens, group.positions, group.padding), group, target)

    def reference_weight(self, references: Tensor) -> Tensor:
        """The map W (B, 1, H, W) of references (B, delta * C, H, W); ones without ``use_weight``."""
        if self.weight is None:
            return torch.ones_like(references[:, :1])
        weight = self.weight(references)
        return weight.sigmoid() if self.weight_activation == 'sigmoid' else weight

    def compress(self, references: list[Tensor], extents: Extents) -> Tensor:
        """Weight the concatenated references and squeeze their valid part to (B, delta * C, K, K)."""
        stacked = torch.cat(references, dim=1)
        weighted = self.reference_weight(stacked) * stacked
        size = self.grid_size * (3 if self.depthwise is not None else 1)
        pooled = _pool_valid(weighted, extents, size)
        return pooled if self.depthwise is None else self.depthwise(pooled)


def _pool_valid(feature: Tensor, extents: Extents, size: int) -> Tensor:
    """Adaptive average pooling of the valid part of each map, so that padding does not dilute the tokens."""
    if isinstance(extents, Tensor):
        rows, columns = (_pool_weights(extents[:, i], feature.shape[i - 2], size) for i in (0, 1))
        return rows[:, None] @ feature @ columns[:, None].mT
    if len(set(extents)) == 1:
        height, width = extents[0]
        return F.adaptive_avg_pool2d(feature[..., :height, :width], size)
    return torch.cat([F.adaptive_avg_pool2d(feature[i : i + 1, :, :h, :w], size) for i, (h, w) in enumerate(extents)])


def _pool_weights(valid: Tensor, cells: int, size: int) -> Tensor:
    """Adaptive average pooling along one side as a matrix (B, size, cells), for sizes that are only known at run time.

    Args:
        valid: (B,) int64, the valid cells of each map; the rest gets no weight.
        cells: Cells of the side, padding included.
        size: Cells to pool them to.
    """
    index = torch.arange(size, device=valid.device)
    starts, ends = index * valid[:, None] // size, ((index + 1) * valid[:, None] + size - 1) // size
    positions = torch.arange(cells, device=valid.device)
    inside = (positions >= starts[..., None]) & (positions < ends[..., None])
    return inside.float() / (ends - starts)[..., None]
