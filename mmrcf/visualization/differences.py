"""Two models on the same frames, with what differs marked (Fig. 7)."""

from collections import Counter
from dataclasses import dataclass, field

import cv2
import numpy as np
import scipy

from mmrcf.structures import FrameResult

from .label_layout import Rectangle, draw_label
from .track_visualizer import DrawingScale, draw_tracks

MATCH_IOU = 0.5
"""Two models have found the same object where the IoU of their masks is above this."""
KINDS = {'only here': (255, 60, 60), 'other class': (255, 215, 0), 'track ID changed': (238, 110, 238)}
"""Kinds of difference, and the colour (RGB) of their marks."""


@dataclass
class TrackComparison:
    """Compares the results of two models frame by frame; one for a stream.

    Objects of a frame are matched one to one by their masks. An object without a partner is ``only here``; partners of
    two classes are marked in both pictures; and so are partners of which one has had another track ID in the last frame
    in which the other's track was matched.

    Attributes:
        counts: Number of marks of each kind in each of the two pictures so far, by (kind, 0 or 1).
    """

    counts: Counter = field(default_factory=Counter)
    _partners: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))

    def differences(self, first: FrameResult, second: FrameResult) -> tuple[list[str | None], list[str | None]]:
        """The kind of difference of each object of the two results of the next frame, None where there is none."""
        kinds: tuple[list, list] = (['only here'] * len(first), ['only here'] * len(second))
        for row, column in match_objects(first.masks, second.masks):
            pair = (int(first.ids[row]), int(second.ids[column]))
            kept = [self._partners[side].get(pair[side], pair[1 - side]) == pair[1 - side] for side in (0, 1)]
            kind = None
            if first.class_names[row] != second.class_names[column]:
                kind = 'other class'
            elif not all(kept):
                kind = 'track ID changed'
            kinds[0][row] = kinds[1][column] = kind
            for side in (0, 1):
                self._partners[side][pair[side]] = pair[1 - side]
        for side in (0, 1):
            self.counts.update((kind, side) for kind in kinds[side] if kind)
        return kinds

    def pictures(self, image: np.ndarray, first: FrameResult, second: FrameResult) -> tuple[np.ndarray, np.ndarray]:
        """The next frame (H, W, 3) uint8 RGB with the objects of either model, differences in boxes."""
        kinds = self.differences(first, second)
        return tuple(
            draw_differences(image, result, marks) for result, marks in zip((first, second), kinds, strict=True)
        )


def match_objects(masks: np.ndarray, others: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of masks (n, H, W) and (m, H, W) bool, one to one, with an IoU above 0.5 and the greatest sum of IoUs."""
    if not len(masks) or not len(others):
        return []
    flat, other_flat = (each.reshape(len(each), -1).astype(np.float32) for each in (masks, others))
    common = flat @ other_flat.T
    union = flat.sum(1)[:, None] + other_flat.sum(1)[None] - common
    iou = common / np.maximum(union, 1)
    gain = np.where(iou > MATCH_IOU, iou, 0)
    return [
        (int(row), int(column))
        for row, column in zip(*scipy.optimize.linear_sum_assignment(-gain), strict=True)
        if gain[row, column]
    ]


def draw_differences(image: np.ndarray, result: FrameResult, kinds: list[str | None]) -> np.ndarray:
    """A frame (H, W, 3) uint8 RGB with its objects, and a box and a word around each that has a kind of difference."""
    canvas, scale = image.copy(), DrawingScale.for_frame(*image.shape[:2])
    marks = [(kind, tuple(int(side) for side in box)) for kind, box in zip(kinds, result.boxes, strict=True) if kind]
    # The boxes first, so that they cross no label; a little outside, so that the outline of a mask does not cover them.
    space = 2 * scale.line + 1
    last = (image.shape[1] - 1, image.shape[0] - 1)
    for kind, (left, top, right, bottom) in marks:
        corner = (max(left - space, 0), max(top - space, 0))
        opposite = (min(right + space, last[0]), min(bottom + space, last[1]))
        cv2.rectangle(canvas, corner, opposite, KINDS[kind], 2 * scale.line)
    taken: list[Rectangle] = []
    canvas = draw_tracks(canvas, result, taken=taken)
    for kind, (left, _, right, bottom) in marks:
        # At the lower edge: the label of the object is at the upper one.
        draw_label(canvas, [kind], (left, bottom, right, bottom), KINDS[kind], scale.text, taken)
    return canvas
