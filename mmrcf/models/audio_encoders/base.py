"""The contract of an audio encoder: the audio before some frames in, context tokens out (Section III-C)."""

from abc import ABCMeta, abstractmethod

from mmengine.model import BaseModule
from torch import Tensor, nn

from ..layers import TokenGroup

PATCH_SHAPE = (96, 64)
"""Time steps of 10 ms and mel bands of a patch."""


class BaseAudioEncoder(BaseModule, metaclass=ABCMeta):
    """Base of the audio encoders: a long short-term memory over the features of 1 + delta patches, then the tokens.

    An audio encoder implements :meth:`encode`, the feature a_t of one patch.

    Args:
        feature_dims: Width D of a patch's feature a_t.
        num_references: delta, as in the neck; 0 or more.
        embed_dims: Token width C'.
        lstm_dims: Hidden size of the LSTM, for each direction.
        lstm_layers: Number of layers of the LSTM.
        bidirectional: Whether the LSTM reads the window both ways, as the paper's does; the window ends at the target
            frame either way.
        init_cfg: Weights to start from, as in MMEngine.
    """

    def __init__(
        self,
        feature_dims: int,
        num_references: int = 1,
        embed_dims: int = 256,
        lstm_dims: int = 512,
        lstm_layers: int = 2,
        bidirectional: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if num_references < 0:
            raise ValueError(f'audio_encoder.num_references={num_references} must be 0 or more')
        self.feature_dims = feature_dims
        self.num_references = num_references
        self.embed_dims = embed_dims
        self.lstm = nn.LSTM(feature_dims, lstm_dims, lstm_layers, batch_first=True, bidirectional=bidirectional)
        self.projection = nn.Sequential(
            nn.Linear(lstm_dims * (2 if bidirectional else 1), embed_dims),
            nn.ReLU(inplace=True),
            nn.Linear(embed_dims, embed_dims),
        )
        # One for each age, so that the fusion can tell the audio of now from that of a reference.
        self.position = nn.Embedding(1 + num_references, embed_dims)

    @abstractmethod
    def encode(self, log_mel: Tensor) -> Tensor:
        """Features a_t of patches.

        Args:
            log_mel: (P, 96, 64), each patch as of :func:`~mmrcf.audio.log_mel.log_mel`.

        Returns:
            (P, D). A patch's feature does not depend on the other patches.
        """

    def forward(self, features: Tensor, valid: Tensor) -> TokenGroup:
        """Audio tokens O_aud of B target frames.

        Args:
            features: (B, 1 + delta, D), a_{t-delta} .. a_t.
            valid: (B, 1 + delta) bool, False where there is no audio: such a feature counts as zeros, and its token is
                not attended to.

        Returns:
            Tokens (B, 1 + delta, C') in the same order.
        """
        if features.shape[1] != 1 + self.num_references:
            raise ValueError(
                f'features of {features.shape[1]} patches, expected 1 + delta = {1 + self.num_references} of them'
            )
        hidden, _ = self.lstm(features.masked_fill(~valid[..., None], 0.0))
        tokens = self.projection(hidden)
        positions = self.position.weight[None].expand(len(tokens), -1, -1)
        return TokenGroup(tokens, positions, ~valid)
