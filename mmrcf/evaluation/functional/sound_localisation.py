"""Frame-level sound localisation accuracy (FSLA) of audio-visual instance segmentation.

Paper: Guo et al., "Audio-Visual Instance Segmentation", CVPR 2025 (arXiv:2412.03069), Section 3.3. The evaluator that
the authors published gives a perfect prediction 33.3 where it should give 100, because it departs from the definition
in three places; here they are corrected, so the figures cannot be compared with published ones:

- it takes an empty mask for a mask unless that has the size 1280 x 720;
- in frames with one source it reads the assignment of objects to predictions backwards;
- in frames with several sources it also checks pairs of which neither is in the frame.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from .ground_truth import GroundTruth, Track
from .tracks import frame_ious, objects_by_video
from .video_evaluation import UNDEFINED

THRESHOLDS = np.arange(1, 20) / 20
"""IoU thresholds, 0.05 to 0.95."""
SOURCES = ('none', 'single', 'multiple')


def sound_localisation_accuracy(
    ground_truth: GroundTruth, tracks: Iterable[Track], category_ids: Sequence[int]
) -> dict[str, float]:
    """The share of frames in which everything is right, in percent, as the mean over :data:`THRESHOLDS`.

    Objects and tracks of a video are assigned one to one, whatever their class, such that the sum of their alignments
    is greatest: the Jaccard index of their frames, weighted by IoU, as in HOTA. A frame is right at a threshold if the
    classes in it are the annotated ones, there are as many predictions as objects, and each object's track is in the
    frame, has its class, and an IoU above the threshold. Crowds are left out.

    Args:
        ground_truth: With annotations.
        tracks: Predictions.
        category_ids: The categories that are evaluated.

    Returns:
        ``FSLA``, and ``FSLA_none``, ``FSLA_single`` and ``FSLA_multiple`` for the frames with so many objects; -1
        where there are no such frames.

    Raises:
        InputError: The ground truth has no annotations.
    """
    annotated = objects_by_video(ground_truth, category_ids)
    predicted: dict[int, list[Track]] = {video_id: [] for video_id in annotated}
    for track in tracks:
        if track.category_id in category_ids and track.areas.any():
            predicted[track.video_id].append(track)
    least, counts = [], []
    for video_id, video in ground_truth.videos.items():
        objects = [track for track in annotated[video_id] if track.areas.any()]
        for present, iou in _frames(objects, predicted[video_id], video.length):
            counts.append(min(present, 2))
            least.append(iou)
    right = np.array(least)[:, None] > THRESHOLDS
    groups = dict(FSLA=np.ones(len(counts), bool)) | {
        f'FSLA_{name}': np.array(counts) == number for number, name in enumerate(SOURCES)
    }
    return {name: 100 * float(right[group].mean()) if group.any() else UNDEFINED for name, group in groups.items()}


def _frames(objects: Sequence[Track], tracks: Sequence[Track], length: int) -> list[tuple[int, float]]:
    """For each frame the number of objects in it, and the IoU below which it is right: 0 if never, 1 if always."""
    seen, found = (
        np.array([track.areas > 0 for track in part], bool).reshape(len(part), length) for part in (objects, tracks)
    )
    iou = np.zeros((length, len(objects), len(tracks)))
    if len(objects) and len(tracks):
        for frame, rows, columns, values in frame_ious(objects, tracks):
            iou[frame][np.ix_(rows, columns)] = values
    partner = dict(zip(*linear_sum_assignment(_alignment(iou, seen, found), maximize=True), strict=True))
    classes, said = (np.array([track.category_id for track in part], int) for part in (objects, tracks))
    frames = []
    for frame in range(length):
        rows, columns = np.flatnonzero(seen[:, frame]), np.flatnonzero(found[:, frame])
        right = len(rows) == len(columns) and set(classes[rows]) == set(said[columns])
        values = [
            iou[frame, row, partner[row]] if row in partner and classes[row] == said[partner[row]] else 0.0
            for row in rows
        ]
        frames.append((len(rows), float(min(values, default=1.0)) if right else 0.0))
    return frames


def _alignment(iou: np.ndarray, seen: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Global alignment (G, P) of objects and tracks, of IoUs (T, G, P) and the frames (G, T), (P, T) they are in."""
    total = iou.sum(1, keepdims=True) + iou.sum(2, keepdims=True) - iou
    common = np.divide(iou, total, out=np.zeros_like(iou), where=total > 0).sum(0)
    return common / np.maximum(seen.sum(1)[:, None] + found.sum(1)[None, :] - common, 1)
