"""The neck without context (delta = 0, the first row of Table III)."""

from torch import Tensor

from mmrcf.registry import MODELS

from ..layers import Extents, FusedTokens, TokenGroup
from .base import BaseContextNeck


@MODELS.register_module()
class SingleFrame(BaseContextNeck):
    """An encoder over the target's own tokens (and extra tokens, if there are any).

    Args:
        in_channels: Channels C of the token-level backbone feature.
        embed_dims: Token width C'.
        encoder: Arguments of the transformer encoder.
        add_position_to_content: As in :class:`BaseContextNeck`.
        position_mode: As in :class:`BaseContextNeck`.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int = 256,
        encoder: dict | None = None,
        add_position_to_content: bool = False,
        position_mode: str = 'attention',
    ) -> None:
        super().__init__(in_channels, 0, embed_dims, encoder, add_position_to_content, position_mode)

    def forward(
        self, target: Tensor, references: list[Tensor], extents: Extents, extra: TokenGroup | None = None
    ) -> FusedTokens:
        """See :meth:`BaseContextNeck.forward`; ``references`` is empty."""
        tokens = self.grid_tokens(self.target_projection(target), extents)
        group = self.join([tokens] + ([] if extra is None else [extra]))
        return self.fused(self.encoder(group.tokens, group.positions, group.padding), group, target)
