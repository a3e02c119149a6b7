"""Objects that can be taken out of a clip, and where in another clip they go."""

from dataclasses import dataclass

import cv2
import numpy as np

from mmrcf.structures import IGNORED_LABEL

from ..motion import smooth_path
from .compositing import CutOut, is_connected

MAX_ENLARGEMENT = 2.0
"""An object that is enlarged further looks like a blot."""
OUTSIDE = 0.3
"""Largest part of an object's width and height that is put beyond the frame."""


@dataclass(frozen=True)
class ClipObject:
    """An object that is seen in all frames of a clip.

    Attributes:
        label: Its class.
        cut_outs: T cut-outs.
        cut_side: 0 left, 1 top, 2 right, 3 bottom: the border of the frame that cuts it; None if none does.
    """

    label: int
    cut_outs: tuple[CutOut, ...]
    cut_side: int | None


def choose_object(rng: np.random.Generator, clip: dict, min_pixels: int) -> ClipObject | None:
    """Draw an object from a clip.

    It has at least ``min_pixels`` pixels in every frame, is connected, and at most one border of the frame cuts it.

    Args:
        rng: Source of randomness.
        clip: With ``img``, ``gt_masks``, ``gt_bboxes_labels`` and ``gt_instances_ids``.
        min_pixels: At least 1.

    Returns:
        The object, or None where the clip has none of that kind.
    """
    rows = [
        {int(track_id): row for row, track_id in enumerate(ids) if labels[row] != IGNORED_LABEL}
        for ids, labels in zip(clip['gt_instances_ids'], clip['gt_bboxes_labels'], strict=True)
    ]
    everywhere = [track_id for track_id in rows[0] if all(track_id in frame for frame in rows)]
    for track_id in rng.permutation(np.array(everywhere, np.int64)).tolist():
        masks = [frame.masks[row[track_id]] for frame, row in zip(clip['gt_masks'], rows, strict=True)]
        if min(map(cv2.countNonZero, masks)) < min_pixels:
            continue
        cut_outs = tuple(CutOut.from_frame(*pair) for pair in zip(clip['img'], masks, strict=True))
        boxes = np.array([cut_out.box for cut_out in cut_outs])
        height, width = masks[0].shape
        touched = np.flatnonzero((boxes == (0, 0, width, height)).any(axis=0))
        if len(touched) <= 1 and all(is_connected(cut_out.mask) for cut_out in cut_outs):
            label = int(clip['gt_bboxes_labels'][0][rows[0][track_id]])
            return ClipObject(label, cut_outs, int(touched[0]) if len(touched) else None)
    return None


def choose_matrices(
    rng: np.random.Generator,
    item: ClipObject,
    frame_size: tuple[int, int],
    scale_range: tuple[float, float],
    flip_prob: float,
    reach: np.ndarray,
) -> list[np.ndarray]:
    """Draw the way of an object through a clip; it keeps the motion that it has in its own.

    It stays mostly within the frame, and if a border cut it, it is cut by that border of the new frame.

    Args:
        rng: Source of randomness.
        item: The object, T cut-outs.
        frame_size: Height and width of the new frame.
        scale_range: Smallest and largest longer side of the object, as a part of the frame's shorter side.
        flip_prob: Probability of mirroring it left to right.
        reach: (4,) as of :func:`smooth_path`: shift in x and y as parts of width and height, degrees, logarithm of
            the scale.

    Returns:
        T arrays (2, 3), from the object's own frames to the new ones.
    """
    height, width = frame_size
    size = np.array([width, height])
    boxes = np.array([cut_out.box for cut_out in item.cut_outs]) - 0.5
    longest = float((boxes[:, 2:] - boxes[:, :2]).max())
    factor = min(rng.uniform(*scale_range) * min(height, width) / longest, MAX_ENLARGEMENT)
    mirrored = bool(rng.random() < flip_prob)
    path = smooth_path(rng, len(boxes), reach)
    centre = (boxes[:, :2] + boxes[:, 2:]).mean(axis=0) / 2
    matrices = []
    for shift_x, shift_y, degrees, log_scale in path.tolist():
        turn = cv2.getRotationMatrix2D((0, 0), degrees, factor * np.exp(log_scale))[:, :2]
        linear = turn * (-1 if mirrored else 1, 1)
        matrices.append(np.column_stack([linear, size * (shift_x, shift_y) - linear @ centre]))
    # The corners of the object's box, clockwise from the upper left: (T, 4, 2).
    corners = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
    pairs = zip(corners, matrices, strict=True)
    moved = np.stack([points @ matrix[:, :2].T + matrix[:, 2] for points, matrix in pairs])
    least, most = moved.min(axis=1), moved.max(axis=1)
    low = (-OUTSIDE * (most - least) - least).max(axis=0)
    high = (size - (most - OUTSIDE * (most - least))).min(axis=0)
    low, high = np.where(low > high, (low + high) / 2, (low, high))
    if item.cut_side is not None:
        _keep_cut(low, high, moved, size, item.cut_side, mirrored)
    shift = rng.uniform(low, high)
    return [matrix + np.column_stack([np.zeros((2, 2)), shift]) for matrix in matrices]


def _keep_cut(
    low: np.ndarray, high: np.ndarray, moved: np.ndarray, size: np.ndarray, side: int, mirrored: bool
) -> None:
    """Narrow a range of places (in place) so that the side that a border cut stays beyond that border of the frame."""
    axis, beyond = side % 2, side >= 2
    edge = moved[:, {0: (3, 0), 1: (0, 1), 2: (1, 2), 3: (2, 3)}[side], axis]
    slack = 0.15 * float(np.ptp(moved[..., axis], axis=1).mean())
    if beyond != (mirrored and axis == 0):
        low[axis] = size[axis] + 1 - edge.min()
        high[axis] = low[axis] + slack
    else:
        high[axis] = -1 - edge.max()
        low[axis] = high[axis] - slack
