"""How well two tracks of one video cover each other: over all its pixels at once, and frame by frame."""

from collections.abc import Iterator, Sequence

import numpy as np
from pycocotools import mask as mask_utils

from .ground_truth import Track


def video_iou(tracks: Sequence[Track], others: Sequence[Track]) -> np.ndarray:
    """IoU of D tracks with G others of the same video, over all its frames; (D, G) float64, 0 where both are empty."""
    intersection = np.zeros((len(tracks), len(others)))
    areas, other_areas = _areas(tracks), _areas(others)
    for frame, rows, columns, iou in _frame_ious(tracks, others):
        # IoU = I / (A + B - I) with I, A, B whole numbers of pixels, so rounding gives I back exactly.
        total = areas[rows, frame][:, None] + other_areas[columns, frame][None, :]
        intersection[np.ix_(rows, columns)] += np.rint(iou * total / (1 + iou))
    union = areas.sum(1)[:, None] + other_areas.sum(1)[None, :] - intersection
    return intersection / np.maximum(union, 1)


def region_overlap(tracks: Sequence[Track], others: Sequence[Track]) -> np.ndarray:
    """DAVIS's region similarity J of D tracks with G others of the same video: the mean over its frames of the IoU.

    A frame in which both are absent counts 1, one in which only one of them is there counts 0. Tracks that never meet
    have J 0 nevertheless: by the rule alone any track would be worth the frames in which both are absent.

    Returns:
        (D, G) float64 in [0, 1].
    """
    areas, other_areas = _areas(tracks), _areas(others)
    total = np.zeros((len(tracks), len(others)))
    for _, rows, columns, iou in _frame_ious(tracks, others):
        total[np.ix_(rows, columns)] += iou
    both_absent = (areas == 0).astype(np.float64) @ (other_areas == 0).T.astype(np.float64)
    return np.where(total > 0, (total + both_absent) / areas.shape[1], 0.0)


def _areas(tracks: Sequence[Track]) -> np.ndarray:
    """(N, T) pixels."""
    return np.stack([track.areas for track in tracks])


def _frame_ious(
    tracks: Sequence[Track], others: Sequence[Track]
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Frames in which some of both are seen: the frame, the n tracks and m others seen in it, their IoU (n, m)."""
    areas, other_areas = _areas(tracks), _areas(others)
    for frame in range(areas.shape[1]):
        rows, columns = np.flatnonzero(areas[:, frame]), np.flatnonzero(other_areas[:, frame])
        if len(rows) and len(columns):
            iou = mask_utils.iou(
                [tracks[row].rles[frame] for row in rows],
                [others[column].rles[frame] for column in columns],
                [0] * len(columns),
            )
            yield frame, rows, columns, np.asarray(iou)
