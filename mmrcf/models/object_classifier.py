"""A classifier of object crops: teaches a backbone the classes where there is no pretrained one.

The paper starts from ImageNet weights. A narrow backbone for a synthetic benchmark has none, and a crop with one label
teaches it what an object looks like many times faster than a frame whose class loss arrives through the attention of a
few slots.
"""

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmrcf.registry import MODELS

from .backbones import build_backbone


@MODELS.register_module()
class ObjectClassifier(BaseModel):
    """Backbone and one linear layer at the centre of its last map.

    Args:
        backbone: As in the model that takes it over: its config has this training as ``previous_stage``.
        in_channels: Channels of its last map.
        num_classes: Number of classes K.
        mean: Mean of each channel, RGB.
        std: Standard deviation of each channel, RGB.
        init_cfg: Weights to start from, as in MMEngine.
    """

    def __init__(
        self,
        backbone: dict,
        in_channels: int,
        num_classes: int,
        mean: list[float],
        std: list[float],
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.backbone = build_backbone(backbone)
        self.classifier = nn.Linear(in_channels, num_classes)
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1), persistent=False)

    def forward(self, inputs: dict, labels: list[Tensor] | None = None, mode: str = 'tensor'):
        """MMEngine's entry.

        Args:
            inputs: ``img``, a list of crops (n, 3, H, W) uint8 BGR.
            labels: A list of (n,) classes.
            mode: ``'loss'``: the loss and the accuracy in percent. Else: logits (n, K) of all crops.
        """
        crops = torch.cat(inputs['img']).flip(1).float()
        features = self.backbone((crops - self.mean) / self.std)[-1]
        logits = self.classifier(self._centre(features))
        if mode != 'loss':
            return logits
        truth = torch.cat(labels)
        if len(truth) == 0:
            return {'loss': logits.sum() * 0.0}
        return {'loss': F.cross_entropy(logits, truth), 'accuracy': 100 * (logits.argmax(-1) == truth).float().mean()}

    @staticmethod
    def _centre(feature: Tensor) -> Tensor:
        """Mean of the middle third of maps (B, C, H, W), at least one cell: where the object is."""
        height, width = feature.shape[-2:]
        top, left = height // 3, width // 3
        return feature[..., top : height - top, left : width - left].mean((-2, -1))
