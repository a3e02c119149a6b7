"""The data sets that ``VideoCopyPaste`` takes objects from."""

from collections.abc import Sequence

import numpy as np

from mmrcf.datasets.class_names import resolve_classes
from mmrcf.datasets.clip_draw import ClipDraw
from mmrcf.errors import InputError
from mmrcf.registry import DATASETS

from .paste_objects import ClipObject, draw_object

OBJECT_KEYS = ('img', 'gt_masks', 'gt_bboxes_labels', 'gt_instances_ids')


class PasteSources:
    """Data sets whose clips give objects; all are read at once, so that a wrong path shows when training starts.

    Args:
        configs: Of data sets for training.
        classes: Class names that all of them must have, or the name of a list; None for those of the first.
        weights: How often each is drawn from, relative to the others; None for equally often.

    Raises:
        InputError: There is none, one cannot be read or is in test mode, or the classes or weights do not fit.
    """

    def __init__(
        self,
        configs: Sequence[dict],
        classes: str | Sequence[str] | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        if not configs:
            raise InputError('VideoCopyPaste: sources is empty; give at least one data set')
        self.datasets = [DATASETS.build(config) for config in configs]
        expected = resolve_classes(classes)
        for number, dataset in enumerate(self.datasets):
            if dataset.test_mode:
                raise InputError(f'VideoCopyPaste: sources[{number}] is in test mode; set test_mode=False')
            dataset.full_init()
            found = tuple(dataset.metainfo['classes'])
            expected = found if expected is None else expected
            if found != expected:
                raise InputError(
                    f'VideoCopyPaste: sources[{number}] has the classes {found}, expected {expected}, those of the '
                    'clip and of the other sources in the same order; set the same metainfo.classes'
                )
        count = len(self.datasets)
        weights = [1.0] * count if weights is None else list(weights)
        if len(weights) != count or min(weights) < 0 or sum(weights) <= 0:
            raise InputError(f'VideoCopyPaste: weights={weights}, expected {count} numbers of 0 or more, not all 0')
        self.shares = np.array(weights, np.float64) / sum(weights)

    def draw(self, rng: np.random.Generator, wanted: int, length: int, min_pixels: int) -> list[ClipObject]:
        """Draw objects, each from a clip of its own.

        Args:
            rng: Source of randomness, the only one.
            wanted: Most objects. A clip may have none that will do; after twice as many clips there may be fewer.
            length: T, frames of a clip.
            min_pixels: As of :func:`draw_object`.

        Raises:
            InputError: The clips of a source have another length or no annotations.
        """
        objects: list[ClipObject] = []
        for _ in range(2 * wanted):
            if len(objects) == wanted:
                break
            number = int(rng.choice(len(self.datasets), p=self.shares))
            dataset = self.datasets[number]
            clip = dataset[ClipDraw(int(rng.integers(len(dataset))), (int(rng.integers(2**31)),))]
            _check_clip(clip, f'VideoCopyPaste: sources[{number}]', length)
            item = draw_object(rng, clip, min_pixels)
            if item is not None:
                objects.append(item)
        return objects


def _check_clip(clip: dict, where: str, length: int) -> None:
    missing = [key for key in OBJECT_KEYS if key not in clip]
    if missing:
        raise InputError(
            f'{where}: its pipeline gives no {" and no ".join(missing)}; it needs LoadClipFrames and '
            'LoadClipAnnotations, and must not pack the clip'
        )
    if len(clip['img']) != length:
        raise InputError(
            f'{where}: gives clips of {len(clip["img"])} frames, but the clip has {length}; set num_references and '
            'num_targets as in the data set that the clip is from'
        )
