"""From what was said frame by frame to tracks: the masks of one identity, its class and its score."""

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as mask_utils

from .ground_truth import Track


def assemble_tracks(frames: Sequence[dict], category_ids: Sequence[int | None]) -> list[Track]:
    """The tracks of one video, in the order of their identities.

    The class distribution of a track is the mean over the frames in which it was shown; its class is the most probable
    one, its score that one's probability. An identity without a single pixel, or of a class without a category, is no
    track.

    Args:
        frames: All frames of the video in order; see :class:`FrameMetric` for what they hold.
        category_ids: (K) The category id of each class, None for a class that is not evaluated.
    """
    seen: dict[int, dict[int, dict | None]] = {}
    probs: dict[int, list[np.ndarray]] = {}
    for index, frame in enumerate(frames):
        areas = mask_utils.area(frame['rles']) if frame['rles'] else []
        for identity, distribution, rle, area in zip(
            frame['ids'].tolist(), frame['class_probs'], frame['rles'], areas, strict=True
        ):
            seen.setdefault(identity, {})[index] = rle if area else None
            probs.setdefault(identity, []).append(distribution)

    tracks = []
    for identity in sorted(seen):
        mean = np.mean(probs[identity], axis=0, dtype=np.float64)
        category_id = category_ids[int(mean.argmax())]
        if category_id is not None and any(seen[identity].values()):
            rles = tuple(seen[identity].get(index) for index in range(len(frames)))
            tracks.append(Track(frames[0]['video_id'], category_id, rles, float(mean.max())))
    return tracks
