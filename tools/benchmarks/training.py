"""What the time of a training step goes to: data, network, matching, losses, gradients, update.

``python tools/benchmarks/training.py CONFIG... --json outputs/training.json``

The data are made up, in the layout that the config names and at ``--size``, and loaded in the training process. Its
augmentations are those of the config. Nothing is downloaded: weights are random.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from mmrcf.command_line import add_cfg_options, add_json, add_size, add_threads, start_program, whole_number
from mmrcf.errors import InputError, exit_on_bad_input

WARMUP = 2


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='What the time of a training step goes to')
    parser.add_argument('configs', nargs='+', help='config files of models with instance queries')
    add_size(parser, 'size of the frames as they are loaded', (640, 360), least=16)
    parser.add_argument('--steps', type=whole_number(1), default=10, metavar='N', help='that count (default: 10)')
    add_threads(parser)
    add_cfg_options(parser)
    add_json(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from measuring import prepare_process, statistics_of
from mmrcf.engine.config import drop_initial_weights, load_config
from mmrcf.models import RCF
from mmrcf.registry import MODELS
from mmrcf.synthetic.stand_in import use_stand_ins
from mmrcf.utils import describe_machine, write_json
from performance_page import training_table


def clock(owner: object, method: str, seconds: dict[str, float], name: str) -> None:
    """Replace a method by one that adds the time it takes to ``seconds[name]``."""
    original: Callable = getattr(owner, method)

    def run(*args: Any, **kwargs: Any) -> Any:
        started = perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            seconds[name] += perf_counter() - started

    setattr(owner, method, run)


def measure(path: str, size: tuple[int, int], steps: int, cfg_options: dict | None = None) -> dict[str, Any]:
    """Milliseconds of a training step of a config, on the CPU.

    Args:
        path: The config.
        size: Width and height of the frames.
        steps: Steps that count.
        cfg_options: Fields of the config to override.

    Returns:
        ``clips`` of a step, ``frames`` of a clip, ``steps``, and in ``ms`` the medians: ``total``, and the parts that
        it is the sum of.
    """
    config = load_config(path, cfg_options)
    drop_initial_weights(config)
    init_default_scope(config.get('default_scope', 'mmrcf'))
    torch.manual_seed(0)
    model = MODELS.build(config.model).train()
    if not isinstance(model, RCF):
        raise InputError(f'config {path}: the model is a {type(model).__name__}, expected one with instance queries')
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    seconds: dict[str, float] = defaultdict(float)
    clock(model.head, 'match', seconds, 'matching')
    clock(model.head, 'loss', seconds, 'matching and losses')
    clock(wrapper, 'backward', seconds, 'gradients')
    clock(wrapper, 'update_params', seconds, 'gradients and update')
    rows: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        use_stand_ins(config, Path(folder), size=size[::-1], num_frames=8)
        config.train_dataloader.update(num_workers=0, persistent_workers=False)
        batches = _endless(Runner.build_dataloader(config.train_dataloader, seed=0))
        for index in range(WARMUP + steps):
            seconds.clear()
            started = perf_counter()
            batch = next(batches)
            loaded = perf_counter()
            model.train_step(batch, wrapper)
            ended = perf_counter()
            if index < WARMUP:
                continue
            row = dict(
                total=ended - started,
                data=loaded - started,
                network=ended - loaded - seconds['matching and losses'] - seconds['gradients and update'],
                matching=seconds['matching'],
                losses=seconds['matching and losses'] - seconds['matching'],
                gradients=seconds['gradients'],
                update=seconds['gradients and update'] - seconds['gradients'],
            )
            for name, value in row.items():
                rows[name].append(1e3 * value)
    clips = batch['inputs']['img']
    medians = {name: statistics_of(values).p50 for name, values in rows.items()}
    return dict(clips=len(clips), frames=len(clips[0]), steps=steps, ms=medians)


def _endless(loader: Iterable) -> Iterator:
    while True:
        yield from loader


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line."""
    args = parse_args(arguments)
    prepare_process(args.threads)
    figures = {Path(path).stem: measure(path, args.size, args.steps, args.cfg_options) for path in args.configs}
    print(training_table(figures))
    if args.json:
        write_json(args.json, dict(machine=describe_machine(torch.device('cpu')), configs=figures))


if __name__ == '__main__':
    main()
