"""Train a model: ``python tools/train.py CONFIG``. Stages that the config starts from are trained first."""

import argparse
import contextlib
import gc
import os
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import add_cfg_options, add_launcher, add_work_dir, start_program
from mmrcf.errors import InputFileError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file, for example configs/shapes/rcf_r18_shapes.py')
    add_work_dir(parser, 'logs and checkpoints')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from this checkpoint, or without a value from the last one of the stage that was interrupted',
    )
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision (needs a GPU)')
    parser.add_argument('--seed', type=int, help='random seed, instead of the one in the config')
    parser.add_argument('--auto-scale-lr', action='store_true', help='scale the learning rate with the batch size')
    parser.add_argument(
        '--only-this-stage', action='store_true', help='stop if the stage before is missing, instead of training it'
    )
    add_cfg_options(parser, of='the config; stages before it have them where its previous_stage.same_fields says so')
    add_launcher(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch
from mmengine.config import Config
from mmengine.dist import barrier

from mmrcf.engine.checkpoint import (
    check_start_weights,
    continue_seed,
    latest_checkpoint,
    require_start_weights,
    watch_initial_weights,
)
from mmrcf.engine.config import (
    build_runner,
    check_batch_size,
    load_config,
    require_gpu_for_amp,
    require_training,
    set_threads,
    set_work_dir,
)
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.config_values import check_parameter_names
from mmrcf.engine.distributed import process_group
from mmrcf.engine.hooks import ResumedScheduleHook
from mmrcf.engine.stage_check import check_stages
from mmrcf.engine.stages import describe, explained_training_errors, pauses, plan_stages, require_data
from mmrcf.utils import keep_freed_memory, only_writer, require_file


def train(config: Config) -> None:
    """Run one training, that of ``config``."""
    set_threads(config)
    if config.get('resume') and not config.get('load_from'):
        latest = latest_checkpoint(config.work_dir)
        config.resume, config.load_from = latest is not None, None if latest is None else str(latest)
    continue_seed(config)
    runner = build_runner(config)
    check_start_weights(runner, config)
    watch_initial_weights(runner)
    check_batch_size(runner)
    check_parameter_names(runner)
    runner.register_hook(ResumedScheduleHook())
    with explained_config_errors(config), explained_training_errors(runner):
        runner.train()


def apply_options(config: Config, args: argparse.Namespace) -> None:
    """Write into ``config`` what the command line says about each stage."""
    require_training(config)
    if args.amp:
        config.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    require_gpu_for_amp(config)
    if args.seed is not None:
        config.merge_from_dict({'randomness.seed': args.seed})  # also where the config has no such field
    if args.auto_scale_lr:
        config.merge_from_dict({'auto_scale_lr.enable': True})


def stages_of(config: Config, args: argparse.Namespace) -> list[Config]:
    """The trainings that the command line asks for, the last one that of ``config``."""
    if args.resume not in (None, 'auto'):
        config.resume = True
        config.load_from = str(require_file(Path(args.resume), 'checkpoint'))
        return [config]
    if 'load_from' in (args.cfg_options or {}):
        config.previous_stage = None  # also where it is None: random weights
    stages = plan_stages(config, resume=args.resume == 'auto')
    if args.only_this_stage and len(stages) > 1:
        raise InputFileError(
            f'config {config.filename}: starts from {config.load_from}, the result of {stages[-2].filename}: no such '
            'file; leave out --only-this-stage to train that first, or give other weights with --cfg-options '
            'load_from=FILE (None: random weights)'
        )
    return stages


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says: the stages that are missing, then the config itself."""
    args = parse_args(arguments)
    keep_freed_memory()
    config = load_config(args.config, args.cfg_options)
    require_training(config)
    set_work_dir(config, args.work_dir)
    stages = stages_of(config, args)
    for stage in stages:
        apply_options(stage, args)
    with process_group(stages, args.launcher):
        writes = args.launcher == 'none' or os.environ['RANK'] == '0'
        announced = len(stages) > 1 and writes
        if len(stages) > 1:
            if announced:
                print(f'{len(stages)} stages; each is built once before the first one trains', flush=True)
            require_data(stages)
            check_stages(stages)
        for number, stage in enumerate(stages, start=1):
            set_work_dir(stage, stage.work_dir)
            require_start_weights(stage)
            require_data(stages[number - 1 :])
            if announced:
                lines = [*(pauses(stages) if number == 1 else ()), describe(stage, number, len(stages))]
                print('\n'.join(lines), flush=True)
            with only_writer(stage.work_dir) if writes else contextlib.nullcontext():
                train(stage)
            gc.collect()  # what is left of the runner, before the next one is built
            torch.cuda.empty_cache()
            barrier()  # the first process writes the checkpoint that all processes start the next stage from


if __name__ == '__main__':
    main()
