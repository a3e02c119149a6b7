"""Evaluate an exported model on a data set of a config, and compare it frame by frame with the model it was made from.

``python tools/export/evaluate_onnx.py CONFIG FILE.onnx --against CHECKPOINT``
"""

import argparse
import contextlib
import itertools
import json
from collections.abc import Sequence
from time import perf_counter

import numpy as np
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmrcf.acceleration import prepare_for_inference
from mmrcf.apis import init_model
from mmrcf.engine.loops import FrameStream
from mmrcf.engine.run_config import ConfigOptions, explained_config_errors, load_config, set_threads
from mmrcf.errors import InputError, exit_on_bad_input
from mmrcf.export import Parity, open_onnx, recorded_objects
from mmrcf.models import OnlineModel
from mmrcf.registry import SCOPE
from mmrcf.utils import atomic_output

WARM_UP = 10


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Evaluate an exported model on a data set of a config')
    parser.add_argument('config', help='config file; its data set and metrics are used')
    parser.add_argument('model', metavar='FILE.onnx', help='what tools/export/onnx_export.py wrote')
    parser.add_argument('--split', choices=['val', 'test'], default='test', help='which data set (default: test)')
    parser.add_argument(
        '--against', metavar='CHECKPOINT', help='run PyTorch with these weights on the same frames and compare'
    )
    parser.add_argument('--frames', type=int, help='stop after so many frames, and measure no AP')
    parser.add_argument('--json', metavar='FILE', help='write the figures to this file')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='override fields of the config'
    )
    args = parser.parse_args(arguments)
    if args.frames is not None and args.frames < 1:
        parser.error(f'--frames {args.frames}: expected at least 1')
    return args


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
        started = perf_counter()
        record = self.stream.process(batch)
        self.times.append(perf_counter() - started)
        self.evaluator.process(data_samples=[record], data_batch=batch)
        return record

    def figures(self, size: int, with_metrics: bool) -> dict[str, float]:
        """Metrics by name, and the median time of a frame in milliseconds."""
        metrics = self.evaluator.evaluate(size) if with_metrics else {}
        median = 1e3 * float(np.median(self.times[WARM_UP:] or self.times))
        return {**{name: float(value) for name, value in metrics.items()}, 'median_ms': round(median, 3)}


def evaluate(
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


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate as the command line says."""
    args = parse_args(arguments)
    config = load_config(args.config, args.cfg_options)
    set_threads(config)
    models = {'exported': open_onnx(args.model)}
    if args.against:
        models = {'pytorch': init_model(config, args.against), **models}
        prepare_for_inference(models['pytorch'])  # as it runs in a stream
    with contextlib.ExitStack() as stack:
        # Opened before the evaluation, so that a place that cannot be written to is not found out after it.
        json_file = stack.enter_context(atomic_output(args.json)) if args.json else None
        figures = evaluate(config, models, args.split, args.frames)
        if json_file:
            json_file.write_text(json.dumps(figures, indent=2) + '\n', encoding='utf-8')
    for name in models:
        for key, value in figures[name].items():
            print(f'{name:<10}{key:<24}{value:.4g}')
    if args.against:
        print(Parity(**figures['parity']))


if __name__ == '__main__':
    main()
