"""Two models on the same frames: their metrics, their times, and the differences of their results."""

import itertools
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from pycocotools import mask as mask_utils

from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.loops import FrameStream
from mmrcf.errors import InputError
from mmrcf.models import OnlineModel
from mmrcf.registry import SCOPE
from mmrcf.structures import FrameResult
from mmrcf.utils import counted

WARM_UP = 10
FIELDS = ('ids', 'queries', 'labels', 'scores', 'masks')


@dataclass
class Parity:
    """Counts what differs, frame by frame.

    Attributes:
        frames: Frames compared.
        objects: Objects that both show, of the same query in the same frame.
        unmatched: Objects that one of them shows and the other does not.
        track_ids: Objects of both whose track IDs differ.
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
    track_ids: int = 0
    labels: int = 0
    lowest_iou: float = 1.0
    mean_iou: float = 1.0
    below: int = 0
    pixels: int = 0
    score: float = 0.0

    def add(self, expected: dict[str, Any], actual: dict[str, Any]) -> None:
        """Compare one frame.

        Args:
            expected: ``ids``, ``queries``, ``labels``, ``scores`` and ``masks`` of one model, as in ``FrameResult``.
            actual: Those of the other.
        """
        self.frames += 1
        others = {int(query): index for index, query in enumerate(actual['queries'])}
        pairs = [(index, others[int(query)]) for index, query in enumerate(expected['queries']) if int(query) in others]
        self.unmatched += len(expected['queries']) + len(actual['queries']) - 2 * len(pairs)
        for one, other in pairs:
            self.track_ids += int(expected['ids'][one] != actual['ids'][other])
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
        """Whether both show the same objects with the same track IDs and classes."""
        return self.unmatched == self.track_ids == self.labels == 0

    def to_dict(self) -> dict[str, float]:
        """The figures by name."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f'{counted(self.frames, "frame")}, {counted(self.objects, "object")}: {self.unmatched} shown by one only, '
            f'{self.track_ids} other track IDs, {self.labels} other labels; '
            f'mask IoU at least {self.lowest_iou:.5f}, {self.mean_iou:.6f} on average, {self.below} below 0.999 '
            f'({self.pixels} pixels differ); scores differ by at most {self.score:.2g}'
        )


def result_objects(result: FrameResult) -> dict[str, Any]:
    """The arguments of :meth:`Parity.add`, from a result."""
    return {name: getattr(result, name) for name in FIELDS}


def record_objects(record: dict[str, Any]) -> dict[str, Any]:
    """The arguments of :meth:`Parity.add`, from a record of the metrics (see ``mmrcf.engine.loops.metric_record``)."""
    masks = [mask_utils.decode(rle).astype(bool) for rle in record['rles']]
    return {name: record[name] for name in FIELDS[:-1]} | {'masks': masks}


class ComparedModel:
    """One model on its way through the data set.

    Args:
        model: The model.
        evaluator: The config's metrics, in objects of their own.
    """

    def __init__(self, model: OnlineModel, evaluator: Evaluator) -> None:
        self.stream = FrameStream(model)
        self.evaluator = evaluator
        self.times: list[float] = []

    def run(self, batch: dict) -> dict:
        """Run one frame; returns the record that the metrics read."""
        before = self.stream.step_seconds
        record = self.stream.process(batch)
        self.times.append(self.stream.step_seconds - before)
        self.evaluator.process(data_samples=[record], data_batch=batch)
        return record

    def figures(self, size: int, with_metrics: bool) -> dict[str, float]:
        """Metrics by name, and the median time of a step in milliseconds."""
        metrics = self.evaluator.evaluate(size) if with_metrics else {}
        median = 1e3 * float(np.median(self.times[WARM_UP:] or self.times))
        return {**{name: float(value) for name, value in metrics.items()}, 'median_ms': round(median, 3)}


def evaluate_side_by_side(
    config: Config, models: dict[str, OnlineModel], split: str = 'test', frames: int | None = None
) -> dict[str, dict[str, float]]:
    """Run models over a data set side by side.

    Args:
        config: Its ``<split>_dataloader`` and ``<split>_evaluator`` are used.
        models: One or two by name, with one set of classes.
        split: 'val' or 'test'.
        frames: Stop after so many frames and measure no AP; None: all of them.

    Returns:
        The figures of each model by its name and, of two, how they agree as ``parity``.

    Raises:
        InputError: The config lacks the data set or the metrics, or its classes are others.
    """
    loader_config, metrics = config.get(f'{split}_dataloader'), config.get(f'{split}_evaluator')
    if not loader_config or not metrics:
        raise InputError(f'config {config.filename}: has no {split}_dataloader and {split}_evaluator; add them')
    with explained_config_errors(config), DefaultScope.overwrite_default_scope(SCOPE):
        loader = Runner.build_dataloader(loader_config)
        compared = {name: ComparedModel(model, Evaluator(metrics)) for name, model in models.items()}
    for name, item in compared.items():
        known, tested = item.stream.model.dataset_meta.get('classes'), loader.dataset.metainfo.get('classes')
        if known and tested and tuple(known) != tuple(tested):
            raise InputError(f'{name}: its classes are not those of the {split} data set of {config.filename}')
        item.evaluator.dataset_meta = loader.dataset.metainfo
    parity = Parity()
    for batch in itertools.islice(loader, frames):
        records = [item.run(batch) for item in compared.values()]
        if len(records) == 2:
            parity.add(*map(record_objects, records))
    size = len(loader.dataset)
    figures = {name: item.figures(size, frames is None) for name, item in compared.items()}
    return figures | ({'parity': parity.to_dict()} if len(models) == 2 else {})
