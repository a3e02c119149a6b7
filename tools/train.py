"""Train a model: ``python tools/train.py CONFIG``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from mmrcf.engine.checkpoint import check_start_weights, latest_checkpoint, require_start_weights
from mmrcf.engine.command_line import add_cfg_options
from mmrcf.engine.config import (
    build_runner,
    explained_config_errors,
    load_config,
    require_gpu_for_amp,
    require_training,
    set_threads,
    set_work_dir,
)
from mmrcf.engine.distributed import LAUNCHERS, process_group
from mmrcf.errors import exit_on_bad_input
from mmrcf.utils import keep_freed_memory, require_file


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file, for example configs/shapes/rcf_r18_shapes.py')
    parser.add_argument('--work-dir', help='folder for logs and checkpoints; default: work_dirs/<config name>')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from this checkpoint, or without a value from the last one in the work dir',
    )
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision (needs a GPU)')
    parser.add_argument('--seed', type=int, help='random seed, instead of the one in the config')
    parser.add_argument('--auto-scale-lr', action='store_true', help='scale the learning rate with the batch size')
    add_cfg_options(parser)
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none', help='what started the processes')
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def train(config: Config) -> None:
    """Run the training of ``config``."""
    require_gpu_for_amp(config)
    if config.get('resume') and not config.get('load_from'):
        latest = latest_checkpoint(config.work_dir)
        config.resume, config.load_from = latest is not None, None if latest is None else str(latest)
    require_start_weights(config)
    runner = build_runner(config)
    check_start_weights(runner, config)
    with explained_config_errors(config):
        runner.train()


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    args = parse_args(arguments)
    keep_freed_memory()
    config = load_config(args.config, args.cfg_options)
    require_training(config)
    set_work_dir(config, args.work_dir)
    set_threads(config)
    if args.amp:
        config.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    if args.seed is not None:
        config.setdefault('randomness', {})['seed'] = args.seed
    if args.auto_scale_lr:
        config.setdefault('auto_scale_lr', {})['enable'] = True
    if args.resume == 'auto':
        latest = latest_checkpoint(config.work_dir)
        config.resume = latest is not None
        if config.resume:
            config.load_from = str(latest)  # a first start keeps what it starts from
    elif args.resume:
        config.resume = True
        config.load_from = str(require_file(Path(args.resume), 'checkpoint'))
    with process_group(config, args.launcher):
        train(config)


if __name__ == '__main__':
    main()
