"""Test whether a gain is significant: the paired t-test of Table XII on two result files.

``python tools/analysis_tools/audio_ttest.py ANNOTATIONS WITHOUT_AUDIO.zip WITH_AUDIO.zip``
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from mmrcf.command_line import add_json, start_program
from mmrcf.defaults import T_TEST_IOUS
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Paired t-test of the track IoU of two models over the annotated objects that both segment'
    )
    parser.add_argument('ann_file', help='annotation file in the official YouTube-VIS layout, with annotations')
    parser.add_argument('results_a', help='results of model A (without audio): results.json, or a zip that holds it')
    parser.add_argument('results_b', help='results of model B (with audio)')
    parser.add_argument(
        '--thresholds', nargs='+', type=float, default=T_TEST_IOUS, metavar='IOU', help='default: 0.5 0.75'
    )
    add_json(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from rich.console import Console
from rich.table import Table

from mmrcf.evaluation import PairedTest, best_ious, load_ground_truth, paired_t_test, parse_results, read_results
from mmrcf.utils import write_json


def table(tests: Sequence[PairedTest]) -> Table:
    """A line a threshold; '-' for what cannot be computed."""
    columns = ('IoU >', 'objects', 'only in A', 'only in B', 'mean IoU A', 'mean IoU B', 'B - A', '95 % interval')
    drawn = Table(*columns, 't', 'p')
    for test in tests:
        interval = '-' if test.interval is None else f'{test.interval[0]:+.4f} to {test.interval[1]:+.4f}'
        counts = (str(count) for count in (test.instances, test.only_a, test.only_b))
        means = (_number(test.mean_a, '.4f'), _number(test.mean_b, '.4f'), _number(test.difference, '+.4f'))
        drawn.add_row(f'{test.threshold:g}', *counts, *means, interval, _number(test.t, '+.3f'), _number(test.p, '.3g'))
    return drawn


def _number(value: float | None, layout: str) -> str:
    return '-' if value is None else format(value, layout)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Read, test, print."""
    args = parse_args(arguments)
    for threshold in args.thresholds:
        if not 0.5 <= threshold < 1:
            raise InputError(f'--thresholds {threshold:g}: expected IoUs from 0.5 to below 1')
    ground_truth = load_ground_truth(args.ann_file)
    ground_truth.require_tracks()
    ious = []
    for path in (args.results_a, args.results_b):
        tracks = parse_results(read_results(path), ground_truth, f'results {path}')
        ious.append(best_ious(ground_truth, tracks))
    tests = [paired_t_test(*ious, threshold) for threshold in args.thresholds]
    print(f'A: {args.results_a}\nB: {args.results_b}\n{len(ious[0])} annotated objects')
    # Wide enough for one line a row wherever it is printed.
    Console(width=120).print(table(tests))
    for test in tests:
        if test.reason:
            print(f'IoU > {test.threshold:g}: {test.reason}')
    if args.json:
        write_json(args.json, {'objects': len(ious[0]), 'tests': [asdict(test) for test in tests]})


if __name__ == '__main__':
    main()
