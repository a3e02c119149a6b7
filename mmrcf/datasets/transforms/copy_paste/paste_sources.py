"""The data sets that ``VideoCopyPaste`` takes objects from."""

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from mmrcf.datasets.classes import resolve_classes
from mmrcf.datasets.clips import ClipRequest, clip_length
from mmrcf.errors import InputError, one_line
from mmrcf.registry import DATASETS

from .paste_objects import ClipObject, choose_object

OBJECT_KEYS = ('img', 'gt_masks', 'gt_bboxes_labels', 'gt_instances_ids')


class PasteSources:
    """Data sets whose clips give objects.

    All are read at once, and a clip of each is drawn, so that what is wrong shows when training starts.

    Args:
        configs: Of data sets for training, each with one annotation file.
        classes: Class names that all of them must have, or the name of a list; None for those of the first.
        weights: How often each is drawn from, relative to the others; None for equally often.

    Attributes:
        datasets: The data sets.
        classes: Class names of all of them.
        clip_length: T, frames of their clips.

    Raises:
        InputError: There is none, one cannot be used or is in test mode, or the clips, classes or weights do not fit.
    """

    def __init__(
        self,
        configs: Sequence[dict],
        classes: str | Sequence[str] | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        if not configs:
            raise InputError('VideoCopyPaste: sources is empty; give at least one data set')
        names = [f'VideoCopyPaste: sources[{number}]' for number in range(len(configs))]
        self.datasets = [_open(*pair) for pair in zip(configs, names, strict=True)]
        self.classes = resolve_classes(classes) or _class_names(self.datasets[0])
        self.clip_length = clip_length(self.datasets[0])
        for dataset, name in zip(self.datasets, names, strict=True):
            if (found := _class_names(dataset)) != self.classes:
                raise InputError(
                    f'{name} has the classes {found}, expected {self.classes}, those of the clip and of the other '
                    'sources in the same order; set the same metainfo.classes'
                )
            if (length := clip_length(dataset)) != self.clip_length:
                raise InputError(
                    f'{name} gives clips of {length} frames, but sources[0] of {self.clip_length}; set the same '
                    'num_references and num_targets'
                )
            _try_out(dataset, name)
        count = len(self.datasets)
        weights = [1.0] * count if weights is None else list(weights)
        if len(weights) != count or min(weights) < 0 or sum(weights) <= 0:
            raise InputError(f'VideoCopyPaste: weights={weights}, expected {count} numbers of 0 or more, not all 0')
        self.shares = np.array(weights, np.float64) / sum(weights)

    def draw(self, rng: np.random.Generator, wanted: int, min_pixels: int) -> list[ClipObject]:
        """Draw objects, each from a clip of its own.

        Args:
            rng: Source of randomness, the only one.
            wanted: Most objects. A clip may have none that will do; after twice as many clips there may be fewer.
            min_pixels: As of :func:`choose_object`.
        """
        objects: list[ClipObject] = []
        for _ in range(2 * wanted):
            if len(objects) == wanted:
                break
            dataset = self.datasets[int(rng.choice(len(self.datasets), p=self.shares))]
            clip = dataset[ClipRequest(int(rng.integers(len(dataset))), (int(rng.integers(2**31)),))]
            item = choose_object(rng, clip, min_pixels)
            if item is not None:
                objects.append(item)
        return objects


def _open(config: dict, name: str) -> Dataset:
    """Build a source and read its annotations."""
    try:
        dataset = DATASETS.build(config)
        if not hasattr(dataset, 'full_init') or clip_length(dataset) is None:
            raise InputError(
                f'is a {type(dataset).__name__}; expected a data set of clips with one annotation file, as '
                'YouTubeVISDataset, AVISDataset or COCOPseudoVideoDataset; make each part of a joint one a source'
            )
        if dataset.test_mode:
            raise InputError('is in test mode; set test_mode=False')
        dataset.full_init()
    except InputError as error:
        raise InputError(f'{name}: {one_line(error)}') from error
    return dataset


def _class_names(dataset: Dataset) -> tuple[str, ...]:
    return tuple(dataset.metainfo['classes'])


def _try_out(dataset: Dataset, name: str) -> None:
    """Draw the first clip: does the pipeline give objects?"""
    try:
        clip = dataset[ClipRequest(0, (0,))]
    except InputError as error:
        raise InputError(f'{name}: {one_line(error)}') from error
    except KeyError as error:
        raise InputError(
            f'{name}: a step of its pipeline needs {error}, which no step before gives; begin with LoadClipFrames and '
            'LoadClipAnnotations'
        ) from error
    missing = [key for key in OBJECT_KEYS if key not in clip]
    if missing:
        raise InputError(
            f'{name}: its pipeline gives no {" and no ".join(missing)}; it needs LoadClipFrames and '
            'LoadClipAnnotations, and must not pack the clip'
        )
