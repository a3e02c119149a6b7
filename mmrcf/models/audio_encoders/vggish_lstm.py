"""The paper's audio encoder: VGGish, a bidirectional LSTM over the window, two linear layers (Section III-C, VIII)."""

import torch
from torch import Tensor

from mmrcf.registry import MODELS

from .base import BaseAudioEncoder
from .vggish import FEATURE_DIMS, VGGish


@MODELS.register_module()
class VGGishLSTM(BaseAudioEncoder):
    """VGGish features of width 4096, aggregated by an LSTM.

    Args:
        num_references: delta, as in the neck.
        embed_dims: Token width C'.
        lstm_dims: Hidden size of the LSTM, for each direction.
        lstm_layers: Number of layers of the LSTM.
        bidirectional: Whether the LSTM reads the window both ways.
        frozen: Whether VGGish keeps its weights in training.
        vggish: Arguments of :class:`VGGish`; ``dict(init_cfg=dict(type='Pretrained', checkpoint=FILE))`` starts from
            its public PyTorch weights.
    """

    def __init__(
        self,
        num_references: int = 1,
        embed_dims: int = 256,
        lstm_dims: int = 512,
        lstm_layers: int = 2,
        bidirectional: bool = True,
        frozen: bool = False,
        vggish: dict | None = None,
    ) -> None:
        super().__init__(FEATURE_DIMS, num_references, embed_dims, lstm_dims, lstm_layers, bidirectional)
        self.frozen = frozen
        self.vggish = VGGish(**(vggish or {}))
        self.vggish.requires_grad_(not frozen)

    def encode(self, log_mel: Tensor) -> Tensor:
        """See :meth:`BaseAudioEncoder.encode`."""
        if not self.frozen:
            return self.vggish(log_mel)
        with torch.no_grad():
            return self.vggish(log_mel)
