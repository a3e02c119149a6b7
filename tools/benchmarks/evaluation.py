"""Compare the time of an evaluation with the time of the model's steps in it.

``python tools/benchmarks/evaluation.py CONFIG CHECKPOINT --json outputs/evaluation.json``
"""

import argparse
import tempfile
from collections.abc import Sequence
from time import perf_counter

from mmrcf.command_line import add_cfg_options, add_json, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description="Compare the time of an evaluation with that of the model's steps in it"
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='its weights')
    add_json(parser)
    add_cfg_options(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch

from mmrcf.engine.checkpoint import find_checkpoint, load_tested_weights
from mmrcf.engine.config import build_runner, load_config, set_threads
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.loops import OnlineTestLoop
from mmrcf.utils import describe_machine, keep_freed_memory, write_json


def evaluate(config_path: str, checkpoint: str, cfg_options: dict | None = None) -> dict[str, object]:
    """Evaluate as ``tools/test.py`` does, with a clock.

    Returns:
        Number of frames, seconds of the model's steps and of the whole evaluation (reading the frames and working out
        the metrics included), their ratio, and the metrics.
    """
    config = load_config(config_path, cfg_options)
    if not config.get('test_dataloader') or config.test_cfg.get('type') != 'OnlineTestLoop':
        raise InputError(f'config {config_path}: is not tested frame by frame; give it a test set and OnlineTestLoop')
    set_threads(config)
    config.load_from = None  # the weights come from the command line
    config.resume = False
    with tempfile.TemporaryDirectory() as work_dir:
        config.work_dir = work_dir
        runner = build_runner(config)
        with explained_config_errors(config):
            load_tested_weights(runner, checkpoint)
            started = perf_counter()
            metrics = runner.test()
    total = perf_counter() - started
    loop: OnlineTestLoop = runner.test_loop
    return dict(
        config=str(config_path),
        frames=len(loop.dataloader.dataset),
        total_seconds=total,
        step_seconds=loop.stream.step_seconds,
        ratio=total / loop.stream.step_seconds,
        metrics={name: float(value) for name, value in metrics.items()},
    )


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line."""
    args = parse_args(arguments)
    find_checkpoint(args.checkpoint)
    keep_freed_memory()
    figures = evaluate(args.config, args.checkpoint, args.cfg_options)
    print(
        f'{figures["frames"]} frames in {figures["total_seconds"]:.1f} s, {figures["ratio"]:.2f} times the '
        f"{figures['step_seconds']:.1f} s of the model's steps"
    )
    if args.json:
        write_json(args.json, dict(machine=describe_machine(torch.device('cpu')), **figures))


if __name__ == '__main__':
    main()
