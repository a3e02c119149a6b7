"""Labels of partly labelled images, completed with the predictions of a model (self-training)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmrcf.structures import FrameResult

LEAST_NEW = 0.5
"""Minimum fraction of a new detection that no labelled object and no detection of higher score covers."""


@dataclass(frozen=True, eq=False)
class Completion:
    """The labels that a model adds to an image.

    Attributes:
        labels: Classes of the m new objects, in descending order of score.
        scores: Their scores.
        masks: (m, H, W) bool; no pixel is in two of them, or in a labelled object.
        ignored: By class (H, W) bool: the detections of low score; in no object, and in no region of another class.
    """

    labels: tuple[int, ...]
    scores: tuple[float, ...]
    masks: np.ndarray
    ignored: dict[int, np.ndarray]


def complete_labels(
    found: FrameResult, labelled: np.ndarray, accept_thr: Sequence[float], ignore_thr: Sequence[float]
) -> Completion:
    """Turn the detections outside the labelled objects into objects and ignored regions.

    Args:
        found: The detections in an image, in descending order of score.
        labelled: (H, W) bool, the pixels of the labelled objects; they stay as they are.
        accept_thr: For each class the lowest score of a new object.
        ignore_thr: For each class the lowest score of an ignored region.
    """
    taken = labelled.copy()
    labels, scores, masks = [], [], []
    regions: dict[int, np.ndarray] = {}
    for label, score, mask in zip(found.labels.tolist(), found.scores.tolist(), found.masks, strict=True):
        new = mask & ~taken
        if score < ignore_thr[label] or new.sum() < LEAST_NEW * mask.sum():
            continue
        if score < accept_thr[label]:
            regions[label] = regions.get(label, False) | new
            continue
        labels.append(label)
        scores.append(score)
        masks.append(new)
        taken |= new
    ignored = {}
    for label, region in sorted(regions.items()):
        region = region & ~taken
        if region.any():
            ignored[label] = region
            taken |= region
    return Completion(
        labels=tuple(labels),
        scores=tuple(scores),
        masks=np.stack(masks) if masks else np.zeros((0, *labelled.shape), bool),
        ignored=ignored,
    )
