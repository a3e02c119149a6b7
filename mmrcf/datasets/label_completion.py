"""Labels of partly labelled images, completed by what a model finds there (self-training)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmrcf.structures import FrameResult

LEAST_NEW = 0.5
"""A finding of which less than this share is its own is the labelled object, or a surer finding, once more."""


@dataclass(frozen=True, eq=False)
class Completion:
    """What a model adds to the labels of an image.

    Attributes:
        labels: Classes of the m new objects, in descending order of score.
        scores: Their scores.
        masks: (m, H, W) bool; no pixel is in two of them, or in a labelled object.
        unsure: By class (H, W) bool: where it found something of which it is not sure; in no object, and in no region
            of another class.
    """

    labels: tuple[int, ...]
    scores: tuple[float, ...]
    masks: np.ndarray
    unsure: dict[int, np.ndarray]


def complete_labels(
    found: FrameResult, labelled: np.ndarray, sure: Sequence[float], unsure: Sequence[float]
) -> Completion:
    """Sort what a model found beside the labelled objects.

    Args:
        found: The objects that a model found in an image, in descending order of score.
        labelled: (H, W) bool, the pixels of the labelled objects; they stay as they are.
        sure: For each class the score from which a finding becomes an object.
        unsure: For each class the score from which a finding is at least not background.
    """
    taken = labelled.copy()
    labels, scores, masks = [], [], []
    doubtful: dict[int, np.ndarray] = {}
    for label, score, mask in zip(found.labels.tolist(), found.scores.tolist(), found.masks, strict=True):
        new = mask & ~taken
        if score < unsure[label] or new.sum() < LEAST_NEW * mask.sum():
            continue
        if score < sure[label]:
            doubtful[label] = doubtful.get(label, False) | new
            continue
        labels.append(label)
        scores.append(score)
        masks.append(new)
        taken |= new
    unclear = {}
    for label, region in sorted(doubtful.items()):
        region = region & ~taken
        if region.any():
            unclear[label] = region
            taken |= region
    return Completion(
        labels=tuple(labels),
        scores=tuple(scores),
        masks=np.stack(masks) if masks else np.zeros((0, *labelled.shape), bool),
        unsure=unclear,
    )
