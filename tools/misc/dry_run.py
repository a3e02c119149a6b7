"""Test configs on synthetic data within seconds: build, load a batch, train one step, track one frame.

``python tools/misc/dry_run.py configs/rcf/rcf_r50_ytvis19.py``

Nothing is downloaded: weights are random, and small synthetic videos stand in for the data sets.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import add_cfg_options, add_json, add_size, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Train one step and track one frame of configs on synthetic data')
    parser.add_argument('configs', nargs='+', help='config files')
    add_size(parser, 'frame size', (640, 360))
    parser.add_argument('--batch-size', type=int, default=1, help='clips of the training step')
    add_json(parser)
    add_cfg_options(parser, 'the configs')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmrcf.engine.config import drop_initial_weights, load_config
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.registry import MODELS
from mmrcf.synthetic.stand_in import use_stand_ins
from mmrcf.utils import write_json


def dry_run(path: str, size: tuple[int, int], batch_size: int, cfg_options: dict | None = None) -> dict[str, float]:
    """Try one config.

    Args:
        path: The config file.
        size: Width and height of the synthetic frames, and of the frame that is tracked.
        batch_size: Clips of the training step.
        cfg_options: Overrides of the config.

    Returns:
        ``parameters`` (millions), ``loss``, ``train_seconds``, ``step_seconds`` and ``objects``.

    Raises:
        InputError: A field is wrong, or the training step gives a loss or a weight that is not a number.
    """
    config = load_config(path, cfg_options)
    drop_initial_weights(config)
    config.load_from = None
    init_default_scope(config.get('default_scope', 'mmrcf'))
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder, explained_config_errors(config):
        use_stand_ins(config, Path(folder), size=size[::-1])
        config.train_dataloader.update(batch_size=batch_size, num_workers=0, persistent_workers=False)
        batch = next(iter(Runner.build_dataloader(config.train_dataloader, seed=0)))
        model = MODELS.build(config.model)
        model.init_weights()
        wrapper = build_optim_wrapper(model, config.optim_wrapper)
    started = time.perf_counter()
    logs = model.train().train_step(batch, wrapper)
    trained = time.perf_counter()
    finite = all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters())
    if not torch.isfinite(logs['loss']) or not finite:
        raise InputError(f'config {path}: the training step gave loss {logs["loss"]}, weights finite: {finite}')
    model.eval()
    width, height = size
    divisor = model.data_preprocessor.pad_size_divisor
    frame = torch.zeros(1, 3, -(-height // divisor) * divisor, -(-width // divisor) * divisor)
    stepped = time.perf_counter()
    result, _ = model.step(frame, model.init_state(), img_shape=(height, width), ori_shape=(height, width))
    return dict(
        parameters=sum(parameter.numel() for parameter in model.parameters()) / 1e6,
        loss=float(logs['loss']),
        train_seconds=trained - started,
        step_seconds=time.perf_counter() - stepped,
        objects=len(result),
    )


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Try the configs one after the other."""
    args = parse_args(arguments)
    figures = {}
    for path in args.configs:
        figures[path] = dry_run(path, args.size, args.batch_size, args.cfg_options)
        text = ', '.join(f'{name} {value:.4g}' for name, value in figures[path].items())
        print(f'{path}: {text}', flush=True)
    if args.json:
        write_json(args.json, figures)


if __name__ == '__main__':
    main()
