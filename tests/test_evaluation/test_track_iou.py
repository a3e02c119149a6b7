"""Both overlaps of tracks against plain counting of pixels."""

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmrcf.evaluation import Track
from mmrcf.evaluation.functional.track_iou import region_overlap, video_iou


@pytest.fixture
def masks() -> np.ndarray:
    """(5, 6, 40, 30) bool: five tracks of six frames, some of them empty, and an empty track."""
    rng = np.random.default_rng(0)
    masks = rng.random((5, 6, 40, 30)) < rng.random((5, 6, 1, 1))
    masks[0, 2] = masks[1] = masks[3, 0] = masks[4, 2] = False
    return masks


@pytest.fixture
def tracks(masks) -> list[Track]:
    tracks = []
    for video in masks:
        rles = [mask_utils.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in video]
        tracks.append(Track(1, 1, tuple(rle if mask.any() else None for rle, mask in zip(rles, video, strict=True))))
    return tracks


def test_video_iou_equals_plain_counting(masks, tracks):
    for i, j in np.ndindex(5, 5):
        union = (masks[i] | masks[j]).sum()
        expected = (masks[i] & masks[j]).sum() / union if union else 0
        assert video_iou(tracks, tracks)[i, j] == expected


def test_region_overlap_equals_plain_counting(masks, tracks):
    overlap = region_overlap(tracks, tracks[:4])
    assert overlap.shape == (5, 4)
    for i, j in np.ndindex(5, 4):
        both, either = (masks[i] & masks[j]).sum((1, 2)), (masks[i] | masks[j]).sum((1, 2))
        # As in DAVIS's own code: the IoU of two empty masks is 1.
        expected = np.where(either == 0, 1.0, both / np.maximum(either, 1)).mean()
        assert overlap[i, j] == pytest.approx(expected if both.any() else 0, abs=1e-12), (i, j)
    assert overlap[4, 0] > 1 / 6  # the frame in which both are absent is in it
