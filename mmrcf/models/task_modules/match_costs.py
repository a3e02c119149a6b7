"""Match costs beside mmdet's.

A cost is called with predictions and truth of one frame, mmdet's ``InstanceData``, and returns costs (N, n) of all
pairs of N queries and n objects. ``predictions`` has ``scores`` (N, K + 1), class logits, ``masks`` (N, H_o, W_o), mask
logits, and ``anchors`` (N, 2) if the queries have anchors; ``truth`` has ``labels`` (n,) and ``masks`` (n, H_o, W_o) in
[0, 1]. A cost with ``needs_anchors = True`` is refused for queries without anchors.
"""

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmrcf.registry import TASK_UTILS


@TASK_UTILS.register_module()
class CenterDistanceCost:
    """Distance of a query's anchor from the centre of an object's mask.

    Args:
        weight: Cost of a distance as long as a side of the image.
    """

    needs_anchors = True

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, predictions: InstanceData, truth: InstanceData, img_meta: dict | None = None) -> Tensor:
        """Costs (N, n).

        Args:
            predictions: With ``anchors`` (N, 2).
            truth: With ``masks`` (n, H_o, W_o) in [0, 1].
            img_meta: Not used; mmdet's costs have it.
        """
        centres = relative_mask_centres(truth.masks)
        return self.weight * (predictions.anchors[:, None] - centres[None]).norm(dim=-1)


def relative_mask_centres(masks: Tensor) -> Tensor:
    """Centres of mass (n, 2) of masks (n, H, W), row and column as parts of height and width; the middle if empty."""
    total = masks.sum((1, 2))
    centres = []
    for axis in (1, 2):
        size = masks.shape[axis]
        cells = (torch.arange(size, device=masks.device) + 0.5) / size
        profile = masks.sum(3 - axis)
        centres.append(torch.where(total > 0, (profile * cells).sum(1) / total.clamp(min=1e-6), 0.5))
    return torch.stack(centres, dim=-1)
