"""Evaluate a checkpoint: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse
import contextlib
import json
from collections.abc import Sequence

from mmrcf.command_line import add_cfg_options, add_json, add_launcher, add_work_dir, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Evaluate a checkpoint on the test set of a config')
    parser.add_argument('config', help='config file, for example configs/shapes/rcf_r18_shapes.py')
    parser.add_argument(
        'checkpoint', help='weights or training checkpoint: a file, its address, or the name of a model'
    )
    parser.add_argument(
        '--test-set',
        metavar='NAME',
        help='test on this entry of test_sets of the config, instead of its test_dataloader',
    )
    add_work_dir(parser, 'logs')
    add_json(parser, 'the metrics')
    parser.add_argument('--out', metavar='FILE.zip', help="write the predictions as the server's submission")
    parser.add_argument(
        '--format-only',
        action='store_true',
        help='write the submission of --out and measure nothing (no labels needed)',
    )
    parser.add_argument(
        '--save-outputs', metavar='FILE', help='save the outputs of the queries, for compare_trackers.py --outputs'
    )
    add_cfg_options(parser)
    add_launcher(parser)
    args = parser.parse_args(arguments)
    if args.format_only and not args.out:
        parser.error('--format-only needs --out FILE.zip')
    if args.format_only and args.json:
        parser.error('--format-only measures nothing, so there is nothing for --json')
    if args.save_outputs and args.launcher != 'none':
        parser.error('--save-outputs needs one process; leave --launcher out')
    return args


if __name__ == '__main__':
    start_program(parse_args)

from mmengine.config import Config
from mmengine.dist import is_main_process

from mmrcf.engine.checkpoint import find_checkpoint, load_tested_weights
from mmrcf.engine.config import build_runner, load_config, metric_configs, set_threads, set_work_dir
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.config_options import override
from mmrcf.engine.distributed import process_group
from mmrcf.engine.stages import require_data
from mmrcf.utils import atomic_output, keep_freed_memory


def choose_test_set(config: Config, name: str) -> None:
    """Test on ``config.test_sets[name]``: ``dataloader``, ``evaluator`` and, if any, fields of ``model``."""
    sets = config.get('test_sets') or {}
    if name not in sets:
        known = f'it has {", ".join(sets)}' if sets else 'it has no test_sets'
        raise InputError(f'--test-set {name}: {config.filename} has no test set of that name; {known}')
    missing = [key for key in ('dataloader', 'evaluator') if key not in sets[name]]
    if missing:
        raise InputError(f'--test-set {name}: test_sets.{name} of {config.filename} has no {" and no ".join(missing)}')
    config.test_dataloader = sets[name].dataloader
    config.test_evaluator = sets[name].evaluator
    of_model = sets[name].get('model', {})
    if not isinstance(of_model, dict):
        raise InputError(
            f'--test-set {name}: test_sets.{name}.model of {config.filename} is no dict of fields of model'
        )
    config.merge_from_dict({'model': of_model})


def write_submission(config: Config, out: str, format_only: bool) -> None:
    """Have the config's VIS metric write the submission ``out``; with ``format_only`` no metric measures anything."""
    evaluators = metric_configs(config, 'test')
    chosen = [evaluator for evaluator in evaluators if evaluator.get('type') == 'VISMetric']
    if len(chosen) != 1:
        raise InputError(f'--out: {config.filename} has {len(chosen)} test_evaluator of type VISMetric; give it one')
    if not out.endswith('.zip'):
        raise InputError(f'--out {out}: the server takes a .zip; give a name that ends in .zip')
    chosen[0].update(outfile_prefix=out.removesuffix('.zip'), format_only=format_only)
    config.test_evaluator = chosen if format_only else evaluators


def evaluate(config: Config, checkpoint: str, to_json: str | None) -> dict[str, float]:
    """Metrics by name of a checkpoint on the test set of ``config``, the same in every process; written to a file too.

    The file is opened when all inputs were read and nothing was tested: a place that cannot be written to, or that is
    an input, is not found out after the test. The metric that writes a submission does the same.
    """
    runner = build_runner(config)
    with contextlib.ExitStack() as stack:
        with explained_config_errors(config):
            load_tested_weights(runner, checkpoint)
        file = stack.enter_context(atomic_output(to_json)) if to_json and is_main_process() else None
        with explained_config_errors(config):
            metrics = {name: float(value) for name, value in runner.test().items()}
        if file:
            file.write_text(json.dumps(metrics, indent=2) + '\n', encoding='utf-8')
    return metrics


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate with the options of the command line."""
    args = parse_args(arguments)
    config = load_config(args.config, args.cfg_options)
    find_checkpoint(args.checkpoint)
    if args.test_set:
        choose_test_set(config, args.test_set)
        if args.cfg_options:
            override(config, args.cfg_options)  # once more: the command line comes last
    if not config.get('test_dataloader') or not config.get('test_evaluator'):
        raise InputError(f'config {args.config}: has no test_dataloader and test_evaluator; add them')
    require_data([config], loaders=('test_dataloader',))
    set_work_dir(config, args.work_dir)
    set_threads(config)
    keep_freed_memory()
    if args.out:
        write_submission(config, args.out, args.format_only)
    config.load_from = None  # the weights come from the command line
    config.resume = False
    with contextlib.ExitStack() as stack:
        stack.enter_context(process_group(config, args.launcher))
        if args.save_outputs:
            saved = stack.enter_context(atomic_output(args.save_outputs))
            config.custom_hooks = [*config.get('custom_hooks', []), dict(type='SaveOutputsHook', path=str(saved))]
        metrics = evaluate(config, args.checkpoint, args.json)
        if is_main_process():
            for name, value in metrics.items():
                print(f'{name:<24} {value:.4g}')


if __name__ == '__main__':
    main()
