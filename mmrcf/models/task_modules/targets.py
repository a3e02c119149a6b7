"""Ground truth of one frame as the head takes it: tensors at the stride of the segmentation map."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from torch import Tensor

from ..layers import valid_cells


@dataclass(frozen=True, eq=False)
class FrameTargets:
    """The n objects of one frame.

    Attributes:
        labels: (n,) int64.
        masks: (n, H_o, W_o) float in [0, 1]: the share of each cell that the object covers.
        track_ids: n numbers, unique in the frame and stable over the video.
        valid: (H_o, W_o) float, 1 in the image and 0 in its padding; the number 1 where there is no padding.
        ignored: (H_o, W_o) float in [0, 1]: the share of each cell that is not labelled; None where
            all of the frame is labelled.
    """

    labels: Tensor
    masks: Tensor
    track_ids: tuple[int, ...]
    valid: Tensor | float = 1.0
    ignored: Tensor | None = None


def frame_targets(
    sample: DetDataSample, padded_size: tuple[int, int], stride: int, device: torch.device
) -> FrameTargets:
    """Pad the masks of a sample to the size of its batch and average them down to the segmentation map.

    Args:
        sample: Has ``img_shape``, ``gt_instances`` with labels, masks (``BitmapMasks``) and instances_ids, and where a
            part of the frame is not labelled ``ignored_instances`` with masks.
        padded_size: Height and width of the padded batch.
        stride: Pixels of a cell of the segmentation map.
        device: Where the tensors go.
    """
    truth = sample.gt_instances
    ignored = None
    if 'ignored_instances' in sample:
        ignored = _cells(sample.ignored_instances.masks, padded_size, stride, device).amax(0)
    return FrameTargets(
        labels=truth.labels.to(device=device, dtype=torch.long),
        masks=_cells(truth.masks, padded_size, stride, device),
        track_ids=tuple(truth.instances_ids.tolist()),
        valid=_valid_map(sample.get('img_shape', padded_size), padded_size, stride, device),
        ignored=ignored,
    )


def _valid_map(
    img_shape: tuple[int, int], padded_size: tuple[int, int], stride: int, device: torch.device
) -> Tensor | float:
    """1 in the cells that the image touches, 0 in those of padding alone; 1 where there is no padding."""
    cells = (padded_size[0] // stride, padded_size[1] // stride)
    height, width = valid_cells(img_shape[:2], padded_size, cells)
    if (height, width) == cells:
        return 1.0
    valid = torch.zeros(cells, device=device)
    valid[:height, :width] = 1.0
    return valid


def _cells(masks: BitmapMasks, padded_size: tuple[int, int], stride: int, device: torch.device) -> Tensor:
    """(n, H_o, W_o): the share of each cell that each mask covers."""
    height, width = padded_size
    cells = torch.from_numpy(masks.masks).to(device=device, dtype=torch.float32)
    if not len(cells):
        return cells.new_zeros(0, height // stride, width // stride)
    cells = F.pad(cells, (0, width - cells.shape[-1], 0, height - cells.shape[-2]))
    return F.avg_pool2d(cells[None], stride)[0]
