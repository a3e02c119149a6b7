"""Models side by side on a data set: their metrics, their times, and how far apart their results are."""

import itertools

import numpy as np
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmrcf.engine.config import explained_config_errors
from mmrcf.engine.loops import FrameStream
from mmrcf.errors import InputError
from mmrcf.models import OnlineModel
from mmrcf.registry import SCOPE

from .parity import Parity, recorded_objects

WARM_UP = 10


class Contestant:
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
        contestants = {name: Contestant(model, Evaluator(metrics)) for name, model in models.items()}
    for name, contestant in contestants.items():
        known, tested = contestant.stream.model.dataset_meta.get('classes'), loader.dataset.metainfo.get('classes')
        if known and tested and tuple(known) != tuple(tested):
            raise InputError(f'{name}: its classes are not those of the {split} data set of {config.filename}')
        contestant.evaluator.dataset_meta = loader.dataset.metainfo
    parity = Parity()
    for batch in itertools.islice(loader, frames):
        records = [contestant.run(batch) for contestant in contestants.values()]
        if len(records) == 2:
            parity.add(*map(recorded_objects, records))
    size = len(loader.dataset)
    figures = {name: one.figures(size, frames is None) for name, one in contestants.items()}
    return figures | ({'parity': parity.to_dict()} if len(models) == 2 else {})
