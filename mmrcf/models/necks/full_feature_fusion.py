"""The two full-feature baselines of Table IV: references keep all their tokens.

A learned embedding of the frame's age distinguishes target and reference tokens; without it a shared projection would
make them indistinguishable to the encoder.
"""

from torch import Tensor, nn

from mmrcf.registry import MODELS

from ..layers import Extents, FusedTokens, TokenGroup, TransformerEncoder
from .base import BaseContextNeck


@MODELS.register_module()
class FullFeatureFusion(BaseContextNeck):
    """Uncompressed references, fused in the encoder or in the decoder.

    Args:
        in_channels: Channels C of the token-level backbone feature.
        num_references: Number of reference frames delta, at least 1.
        embed_dims: Token width C'.
        fusion: ``'encoder'``: one encoder over all tokens of all frames. ``'decoder'``: the references pass an encoder
            of their own and meet the target only in the instance decoder.
        encoder: Arguments of each transformer encoder.
        add_position_to_content: As in :class:`BaseContextNeck`.
        position_mode: As in :class:`BaseContextNeck`.
    """

    def __init__(
        self,
        in_channels: int,
        num_references: int = 1,
        embed_dims: int = 256,
        fusion: str = 'encoder',
        encoder: dict | None = None,
        add_position_to_content: bool = False,
        position_mode: str = 'attention',
    ) -> None:
        super().__init__(in_channels, num_references, embed_dims, encoder, add_position_to_content, position_mode)
        if num_references < 1:
            raise ValueError(
                'neck.num_references must be at least 1; use type="SingleFrame" for a model without references'
            )
        if fusion not in ('encoder', 'decoder'):
            raise ValueError(f'neck.fusion={fusion!r}: expected "encoder" or "decoder"')
        self.age_embedding = nn.Embedding(1 + num_references, embed_dims)
        nn.init.normal_(self.age_embedding.weight, std=0.02)
        self.reference_encoder = TransformerEncoder(embed_dims, **(encoder or {})) if fusion == 'decoder' else None

    def forward(
        self, target: Tensor, references: list[Tensor], extents: Extents, extra: TokenGroup | None = None
    ) -> FusedTokens:
        """See :meth:`BaseContextNeck.forward`."""
        frames = [self._tokenize(frame, age, extents) for age, frame in enumerate([target, *references])]
        context = [] if extra is None else [extra]
        if self.reference_encoder is None:
            group = self.join(frames + context)
            return self.fused(self.encoder(group.tokens, group.positions, group.padding), group, target)
        encoded = [
            TokenGroup(encoder(group.tokens, group.positions, group.padding), group.positions, group.padding)
            for encoder, group in (
                (self.encoder, self.join(frames[:1] + context)),
                (self.reference_encoder, self.join(frames[1:])),
            )
        ]
        group = self.join(encoded)
        return self.fused(group.tokens, group, target)

    def _tokenize(self, frame: Tensor, age: int, extents: Extents) -> TokenGroup:
        """All tokens of the frame that is ``age`` frames old; 0 is the target."""
        projected = self.target_projection(frame) + self.age_embedding.weight[age][:, None, None]
        return self.grid_tokens(projected, extents)
