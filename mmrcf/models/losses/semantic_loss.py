"""A dense class loss on the segmentation map; at inference what it learned can count in the scores.

Not the paper's. The class of an object reaches the backbone through the attention of a few slots, which is spread thin
at first. With little data and little time, a loss at every cell teaches backbone and mask decoder sooner what belongs
to objects and what to background (as the semantic loss of YOLACT, Bolya et al. 2019).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..task_modules.targets import FrameTargets
from .reduction import reduce_mean


class SemanticLoss(BaseModule):
    """One linear layer on the segmentation map, and binary cross-entropy for each class at each cell.

    Args:
        in_channels: Channels C_o of the segmentation map.
        num_classes: Number of classes K, without the empty one.
        loss_weight: Factor of the loss.
    """

    def __init__(self, in_channels: int, num_classes: int, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.classifier = nn.Conv2d(in_channels, num_classes, 1)
        self.loss_weight = loss_weight

    def foreground(self, segmentation_map: Tensor) -> Tensor:
        """Probability (B, H_o, W_o) that there is an object of some class, of S_t (B, C_o, H_o, W_o)."""
        return 1 - self.classifier(segmentation_map).float().neg().sigmoid().prod(dim=1)

    def forward(self, segmentation_map: Tensor, targets: Sequence[FrameTargets]) -> Tensor:
        """The loss, averaged over the cells that are labelled, of all ranks.

        Args:
            segmentation_map: S_t (B, C_o, H_o, W_o).
            targets: The ground truth of the B frames; padding does not count, nor what is ignored, except under an
                object.
        """
        logits = self.classifier(segmentation_map)
        with torch.autocast(logits.device.type, enabled=False):
            truth, known = _dense_targets(targets, logits)
            losses = F.binary_cross_entropy_with_logits(logits.float(), truth, reduction='none')
            num_classes = truth.shape[1]
            # Over all ranks, so that two ranks make the step that one rank with both batches makes.
            factor = reduce_mean(known.sum() * num_classes).clamp(min=1.0)
            return self.loss_weight * (losses * known).sum() / factor


def _dense_targets(targets: Sequence[FrameTargets], logits: Tensor) -> tuple[Tensor, Tensor]:
    """The share of each cell that each class covers (B, K, H_o, W_o), and that which is labelled (B, 1, H_o, W_o)."""
    truth = torch.zeros_like(logits, dtype=torch.float32)
    known = torch.ones_like(truth[:, :1])
    for index, target in enumerate(targets):
        for label, mask in zip(target.labels.tolist(), target.masks, strict=True):
            truth[index, label] = torch.maximum(truth[index, label], mask)
        if target.ignored is not None:
            known[index] = torch.maximum(1 - target.ignored, truth[index].amax(0))
        known[index] *= target.valid
    return truth, known
