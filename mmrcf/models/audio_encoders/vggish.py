"""The paper's audio encoder: VGGish without its last linear layer, then a bidirectional LSTM (Sections III-C, VIII)."""

from pathlib import Path

import torch
from mmengine.model import BaseModule
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmrcf.errors import InputError
from mmrcf.registry import MODELS

from .base import BaseAudioEncoder

FEATURE_DIMS = 4096
# Of the public file: the last linear layer, which the paper leaves out, and the quantiser of the embeddings behind it.
DROPPED_PREFIXES = ('embeddings.4.', 'pproc.')


class VGGish(BaseModule):
    """Hershey et al., "CNN Architectures for Large-Scale Audio Classification" (2017).

    Args:
        init_cfg: ``dict(type='Pretrained', checkpoint=FILE)`` for a public PyTorch VGGish state dict; its layout is
            checked strictly. None: random weights.
    """

    def __init__(self, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        layers: list[nn.Module] = []
        channels = 1
        for width, depth in ((64, 1), (128, 1), (256, 2), (512, 2)):
            for _ in range(depth):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            nn.Linear(512 * 6 * 4, FEATURE_DIMS),
            nn.ReLU(inplace=True),
            nn.Linear(FEATURE_DIMS, FEATURE_DIMS),
            nn.ReLU(inplace=True),
        )

    def forward(self, log_mel: Tensor) -> Tensor:
        """Features (P, 4096) of patches (P, 96, 64)."""
        maps = self.features(log_mel[:, None])
        # The public weights come from a network that keeps its channels last.
        return self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))

    def init_weights(self) -> None:
        """Random weights as the paper's ReLU networks start, or the file of ``init_cfg``."""
        if self.init_cfg:
            load_vggish(self, self.init_cfg['checkpoint'])
            return
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
                nn.init.zeros_(module.bias)


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


def load_vggish(network: VGGish, path: str | Path) -> None:
    """Load a public VGGish state dict into ``network``.

    Args:
        network: Where it goes.
        path: A file, or a URL that MMEngine fetches and keeps.

    Raises:
        InputError: The file is missing, is no state dict, lacks a weight, has one too many or one of another shape; the
            message names it.
    """
    try:
        weights = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
    except InputError:
        raise
    except Exception as error:  # torch raises many kinds, depending on what the file holds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f'VGGish checkpoint {path}: cannot be read as weights ({reason})') from error
    if isinstance(weights, dict) and isinstance(weights.get('state_dict'), dict):
        weights = weights['state_dict']
    if not all(isinstance(value, Tensor) for value in weights.values()):
        raise InputError(f'VGGish checkpoint {path}: holds something else than tensors, expected a state dict')
    weights = {name: value for name, value in weights.items() if not name.startswith(DROPPED_PREFIXES)}
    expected = network.state_dict()
    for problem, names in (
        ('lacks', sorted(expected.keys() - weights.keys())),
        ('holds the unknown', sorted(weights.keys() - expected.keys())),
    ):
        if names:
            raise InputError(
                f'VGGish checkpoint {path}: {problem} {", ".join(names[:3])}{" ..." if len(names) > 3 else ""}; '
                'expected the public PyTorch VGGish weights (features.0.weight ... embeddings.4.bias)'
            )
    for name, value in expected.items():
        if tuple(weights[name].shape) != tuple(value.shape):
            raise InputError(
                f'VGGish checkpoint {path}: {name} has shape {tuple(weights[name].shape)}, '
                f'expected {tuple(value.shape)}'
            )
    network.load_state_dict(weights)
