"""Tracks: those of the annotations, those of frame-by-frame results, and their overlap."""

from collections.abc import Iterator, Sequence

import numpy as np
from pycocotools import mask as mask_utils

from .ground_truth import GroundTruth, Track


def objects_by_video(ground_truth: GroundTruth, category_ids: Sequence[int | None]) -> dict[int, list[Track]]:
    """The annotated objects of some categories, without crowds, by video id; a video without any has an empty list.

    Args:
        ground_truth: With annotations.
        category_ids: The category of each class of a model; None for a class that is not evaluated.

    Raises:
        InputError: The ground truth has no annotations.
    """
    objects: dict[int, list[Track]] = {video_id: [] for video_id in ground_truth.videos}
    for track in ground_truth.require_tracks():
        if track.category_id in category_ids and not track.crowd:
            objects[track.video_id].append(track)
    return objects


def assemble_tracks(
    frames: Sequence[dict], category_ids: Sequence[int | None], track_score: str = 'mean'
) -> list[Track]:
    """The tracks of one video, in the order of their track IDs.

    The class distribution of a track is the mean over the frames in which it was active; its class is the most probable
    one, its score that one's probability. A track ID without a single pixel, or of a class without a category, is no
    track.

    Args:
        frames: All frames of the video in order; see :class:`FrameMetric` for what they hold.
        category_ids: (K) The category id of each class, None for a class that is not evaluated.
        track_score: ``'mean'``, or ``'max'``: the highest probability of its class in any of these frames.
    """
    seen: dict[int, dict[int, dict | None]] = {}
    probs: dict[int, list[np.ndarray]] = {}
    for index, frame in enumerate(frames):
        areas = mask_utils.area(frame['rles']) if frame['rles'] else []
        for track_id, distribution, rle, area in zip(
            frame['ids'].tolist(), frame['class_probs'], frame['rles'], areas, strict=True
        ):
            seen.setdefault(track_id, {})[index] = rle if area else None
            probs.setdefault(track_id, []).append(distribution)

    tracks = []
    for track_id in sorted(seen):
        mean = np.mean(probs[track_id], axis=0, dtype=np.float64)
        label = int(mean.argmax())
        category_id = category_ids[label]
        score = mean[label] if track_score == 'mean' else np.max(probs[track_id], axis=0)[label]
        if category_id is not None and any(seen[track_id].values()):
            rles = tuple(seen[track_id].get(index) for index in range(len(frames)))
            tracks.append(Track(frames[0]['video_id'], category_id, rles, float(score)))
    return tracks


def video_iou(tracks: Sequence[Track], others: Sequence[Track]) -> np.ndarray:
    """IoU of D tracks with G others of the same video, over all its frames; (D, G) float64, 0 where both are empty."""
    intersection = np.zeros((len(tracks), len(others)))
    areas, other_areas = _areas(tracks), _areas(others)
    for frame, rows, columns, iou in frame_ious(tracks, others):
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
    for _, rows, columns, iou in frame_ious(tracks, others):
        total[np.ix_(rows, columns)] += iou
    both_absent = (areas == 0).astype(np.float64) @ (other_areas == 0).T.astype(np.float64)
    return np.where(total > 0, (total + both_absent) / areas.shape[1], 0.0)


def _areas(tracks: Sequence[Track]) -> np.ndarray:
    """(N, T) pixels."""
    return np.stack([track.areas for track in tracks])


def frame_ious(
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
