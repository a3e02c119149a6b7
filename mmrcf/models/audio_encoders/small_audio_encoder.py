"""A small convolutional audio encoder, for the synthetic benchmark and for machines without a GPU."""

from torch import Tensor, nn

from mmrcf.registry import MODELS

from .base import PATCH_SHAPE, BaseAudioEncoder


@MODELS.register_module()
class SmallAudioEncoder(BaseAudioEncoder):
    """Strided convolutions that halve time and frequency four times, one linear layer, then the LSTM of the base.

    Args:
        num_references: delta, as in the neck.
        embed_dims: Token width C'.
        feature_dims: Width D of a patch's feature.
        widths: Channels after each of the convolutions.
        lstm_dims: Hidden size of the LSTM, for each direction.
        lstm_layers: Number of layers of the LSTM.
        bidirectional: Whether the LSTM reads the window both ways.
    """

    def __init__(
        self,
        num_references: int = 1,
        embed_dims: int = 256,
        feature_dims: int = 128,
        widths: tuple[int, ...] = (16, 32, 64, 64),
        lstm_dims: int = 64,
        lstm_layers: int = 2,
        bidirectional: bool = True,
    ) -> None:
        super().__init__(feature_dims, num_references, embed_dims, lstm_dims, lstm_layers, bidirectional)
        layers: list[nn.Module] = []
        channels, (time, frequency) = 1, PATCH_SHAPE
        for width in widths:
            layers += [
                nn.Conv2d(channels, width, 3, stride=2, padding=1),
                nn.GroupNorm(8, width),
                nn.ReLU(inplace=True),
            ]
            channels, time, frequency = width, -(-time // 2), -(-frequency // 2)
        # Flattened, not pooled: when in the window an event occurs matters as much as which one it is.
        self.network = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(channels * time * frequency, feature_dims), nn.ReLU(inplace=True)
        )

    def encode(self, log_mel: Tensor) -> Tensor:
        """See :meth:`BaseAudioEncoder.encode`."""
        return self.network(log_mel[:, None])
