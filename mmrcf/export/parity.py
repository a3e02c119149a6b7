"""How far the results of two models on the same frames are apart."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.structures import FrameResult

FIELDS = ('ids', 'slots', 'labels', 'scores', 'masks')


@dataclass
class Parity:
    """Counts what differs, frame by frame.

    Attributes:
        frames: Frames compared.
        objects: Objects that both show, in the same slot of the same frame.
        unmatched: Objects that one of them shows and the other does not.
        identities: Objects of both whose identities differ.
        labels: Objects of both whose classes differ.
        lowest_iou: Lowest IoU of the two masks of an object; 1 where there was no object.
        mean_iou: Mean of these.
        below: Objects of both whose masks have an IoU below 0.999.
        pixels: Pixels in which the masks of objects of both differ.
        score: Largest difference of two scores of an object.
    """

    frames: int = 0
    objects: int = 0
    unmatched: int = 0
    identities: int = 0
    labels: int = 0
    lowest_iou: float = 1.0
    mean_iou: float = 1.0
    below: int = 0
    pixels: int = 0
    score: float = 0.0

    def add(self, expected: dict[str, Any], actual: dict[str, Any]) -> None:
        """Compare one frame.

        Args:
            expected: ``ids``, ``slots``, ``labels``, ``scores`` and ``masks`` of one model, as in ``FrameResult``.
            actual: Those of the other.
        """
        self.frames += 1
        places = {int(slot): place for place, slot in enumerate(actual['slots'])}
        pairs = [(place, places[int(slot)]) for place, slot in enumerate(expected['slots']) if int(slot) in places]
        self.unmatched += len(expected['slots']) + len(actual['slots']) - 2 * len(pairs)
        for one, other in pairs:
            self.identities += int(expected['ids'][one] != actual['ids'][other])
            self.labels += int(expected['labels'][one] != actual['labels'][other])
            self.score = max(self.score, abs(float(expected['scores'][one]) - float(actual['scores'][other])))
            self._add_masks(expected['masks'][one], actual['masks'][other])

    def _add_masks(self, one: np.ndarray, other: np.ndarray) -> None:
        union = int((one | other).sum())
        different = int((one ^ other).sum())
        iou = 1.0 - different / max(union, 1)
        self.pixels += different
        self.lowest_iou = min(self.lowest_iou, iou)
        self.mean_iou += (iou - self.mean_iou) / (self.objects + 1)
        self.below += int(iou < 0.999)
        self.objects += 1

    @property
    def same_tracks(self) -> bool:
        """Whether both show the same objects with the same identities and classes."""
        return self.unmatched == self.identities == self.labels == 0

    def to_dict(self) -> dict[str, float]:
        """The figures by name."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f'{self.frames} frames, {self.objects} objects: {self.unmatched} shown by one only, '
            f'{self.identities} other identities, {self.labels} other labels; '
            f'mask IoU at least {self.lowest_iou:.5f}, {self.mean_iou:.6f} on average, {self.below} below 0.999 '
            f'({self.pixels} pixels differ); scores differ by at most {self.score:.2g}'
        )


def shown_objects(result: FrameResult) -> dict[str, Any]:
    """What :meth:`Parity.add` takes, of a result."""
    return {name: getattr(result, name) for name in FIELDS}


def recorded_objects(record: dict[str, Any]) -> dict[str, Any]:
    """What :meth:`Parity.add` takes, of a record that the metrics read (see ``mmrcf.engine.loops.metric_record``)."""
    masks = [mask_utils.decode(rle).astype(bool) for rle in record['rles']]
    return {name: record[name] for name in FIELDS[:-1]} | {'masks': masks}
