"""From slots to the objects of a frame: full-resolution masks for the shown slots only."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmrcf.structures import FrameResult, SlotPredictions
from mmrcf.utils import mask_boxes

from ..layers import valid_cells


def select_instances(
    slots: SlotPredictions,
    mask_logits: Tensor,
    ids: Tensor,
    active: Tensor,
    mask_logit_thr: float,
    padded_shape: tuple[int, int],
    img_shape: tuple[int, int],
    ori_shape: tuple[int, int],
    classes: Sequence[str] | None,
    frame_index: int,
) -> FrameResult:
    """Make the result of a frame.

    Args:
        slots: The predictions of all N slots.
        mask_logits: (N, H_o, W_o).
        ids: (N,) int64 track IDs.
        active: (N,) bool, the slots that become objects.
        mask_logit_thr: Logit above which a pixel belongs to the mask.
        padded_shape: Height and width of the network's input.
        img_shape: Its part without padding.
        ori_shape: Height and width of the masks to make.
        classes: Class names; None gives the numbers as names.
        frame_index: Index of the frame in its stream.
    """
    keep = active.nonzero().flatten()
    keep = keep[slots.scores[keep].argsort(descending=True, stable=True)]
    logits = resize_logits(mask_logits[keep], padded_shape, img_shape, ori_shape)
    masks = (logits > mask_logit_thr).cpu().numpy()
    boxes = mask_boxes(masks)
    # A mask of a few cells can vanish at full size; there is nothing to show of it then.
    visible = boxes[:, 2] > 0
    if not visible.all():
        keep, masks, boxes = keep[torch.from_numpy(visible).to(keep.device)], masks[visible], boxes[visible]
    class_probs = slots.class_probs[keep].cpu().numpy().astype(np.float32)
    labels = class_probs.argmax(-1) if len(keep) else np.zeros(0, np.int64)
    return FrameResult(
        frame_index=frame_index,
        ids=ids[keep].cpu().numpy(),
        labels=labels,
        scores=slots.scores[keep].cpu().numpy().astype(np.float32),
        masks=masks,
        boxes=boxes,
        class_names=tuple(classes[label] if classes else str(label) for label in labels),
        class_probs=class_probs,
        queries=keep.cpu().numpy(),
    )


def logit(probability: float) -> float:
    """The logit of a probability, so that masks need no sigmoid."""
    return float(torch.logit(torch.tensor(probability, dtype=torch.float64)))


def valid_masks(
    mask_logits: Tensor, mask_logit_thr: float, img_shape: tuple[int, int], padded_shape: tuple[int, int]
) -> Tensor:
    """Binary masks (N, H_o, W_o) of mask logits; what a mask covers beyond the image does not count.

    Args:
        mask_logits: (N, H_o, W_o).
        mask_logit_thr: Logit above which a pixel belongs to the mask.
        img_shape: Height and width of the frame without its padding.
        padded_shape: Height and width of the network's input.
    """
    masks = mask_logits > mask_logit_thr
    height, width = valid_cells(img_shape, padded_shape, masks.shape[-2:])
    masks[:, height:] = False
    masks[:, :, width:] = False
    return masks


def slot_predictions(masks: Tensor, class_probs: Tensor, codes: Tensor, score_thr: float) -> SlotPredictions:
    """N slots as a tracker takes them: above the threshold is who scores it and has a mask.

    Args:
        masks: (N, H_o, W_o) bool.
        class_probs: (N, K), without the empty class.
        codes: (N, C_e).
        score_thr: A slot fires if its score reaches this.
    """
    scores = class_probs.max(-1).values
    above_thr = (scores >= score_thr) & masks.flatten(1).any(-1)
    return SlotPredictions(masks=masks, scores=scores, class_probs=class_probs, above_thr=above_thr, codes=codes)


def mask_quality(mask_logits: Tensor, masks: Tensor, foreground: Tensor | None = None) -> Tensor:
    """How good masks are likely to be, (N,) in [0, 1]; 0 for an empty mask.

    The mean probability over a mask (as in SOLOv2 and Mask2Former), multiplied with the mean foreground over it.

    Args:
        mask_logits: (N, H_o, W_o).
        masks: (N, H_o, W_o) bool, the binary masks.
        foreground: (H_o, W_o), the probability of an object at each cell according to a dense class loss, if the
            model has one: a mask of what that takes for background is likely to be wrong.
    """
    covered = masks.float()
    areas = covered.sum((1, 2)).clamp(min=1.0)
    quality = (mask_logits.float().sigmoid() * covered).sum((1, 2)) / areas
    return quality if foreground is None else quality * (foreground * covered).sum((1, 2)) / areas


def resize_logits(
    logits: Tensor, padded_shape: tuple[int, int], img_shape: tuple[int, int], ori_shape: tuple[int, int]
) -> Tensor:
    """Mask logits (n, H_o, W_o) over the padded input -> (n, *ori_shape) over the original frame, bilinear."""
    if len(logits) == 0:
        return logits.new_zeros(0, *ori_shape)
    logits = F.interpolate(logits[None].float(), size=padded_shape, mode='bilinear', align_corners=False)
    logits = logits[..., : img_shape[0], : img_shape[1]]
    if tuple(img_shape) != tuple(ori_shape):
        logits = F.interpolate(logits, size=ori_shape, mode='bilinear', align_corners=False)
    return logits[0]
