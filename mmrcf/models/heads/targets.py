"""Ground truth of one frame as the head wants it: tensors at the stride of the segmentation map."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from torch import Tensor


@dataclass(frozen=True, eq=False)
class FrameTargets:
    """The n objects of one frame.

    Attributes:
        labels: (n,) int64.
        masks: (n, H_o, W_o) float in [0, 1]: the share of each cell that the object covers.
        identities: n numbers, unique in the frame and stable over the video.
    """

    labels: Tensor
    masks: Tensor
    identities: tuple[int, ...]


def frame_targets(
    sample: DetDataSample, padded_size: tuple[int, int], stride: int, device: torch.device
) -> FrameTargets:
    """Pad the masks of a sample to the size of its batch and average them down to the segmentation map.

    Args:
        sample: Has ``gt_instances`` with labels, masks (``BitmapMasks``) and instances_ids.
        padded_size: Height and width of the padded batch.
        stride: Pixels of a cell of the segmentation map.
        device: Where the tensors go.
    """
    truth = sample.gt_instances
    height, width = padded_size
    masks = torch.from_numpy(truth.masks.masks).to(device=device, dtype=torch.float32)
    masks = masks.reshape(-1, *truth.masks.masks.shape[-2:])
    masks = F.pad(masks, (0, width - masks.shape[-1], 0, height - masks.shape[-2]))
    return FrameTargets(
        labels=truth.labels.to(device=device, dtype=torch.long),
        masks=F.avg_pool2d(masks[None], stride)[0]
        if len(masks)
        else masks.new_zeros(0, height // stride, width // stride),
        identities=tuple(truth.instances_ids.tolist()),
    )
