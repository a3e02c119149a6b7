"""Evaluate a results.json, the submission zip that holds it, or the JSON of demo/video_demo.py, without the server."""

import argparse
from collections.abc import Sequence

from mmrcf.command_line import add_json, start_program
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('results', help="results.json, a zip with results.json at its root, or the demo's --json")
    parser.add_argument('ann_file', help='annotation file in the official YouTube-VIS layout, with annotations')
    parser.add_argument('--classwise', action='store_true', help='print the figures of each category too')
    parser.add_argument('--tracking', action='store_true', help='HOTA, DetA, AssA, IDF1 and ID switches (TrackEval)')
    parser.add_argument('--fsla', action='store_true', help='frame-level sound localisation accuracy of AVIS')
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.0,
        help='lowest score of a track for --tracking and --fsla, which ignore scores otherwise (default: %(default)s)',
    )
    add_json(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.evaluation import (
    VideoEvaluation,
    load_ground_truth,
    parse_results,
    read_results,
    sound_localisation_accuracy,
    tracking_figures,
)
from mmrcf.evaluation.metrics.vis_metric import class_table
from mmrcf.utils import counted, write_json


@exit_on_bad_input
def main() -> None:
    """Read, check, evaluate, print."""
    args = parse_args()
    ground_truth = load_ground_truth(args.ann_file)
    tracks = parse_results(read_results(args.results), ground_truth, f'results {args.results}')
    evaluation = VideoEvaluation(ground_truth, tracks)
    metrics = evaluation.metrics()
    counts = {'track': tracks, 'video': ground_truth.videos, 'category': ground_truth.categories}
    print(', '.join(counted(len(entries), noun) for noun, entries in counts.items()))
    print('  '.join(f'{name:>6}' for name in metrics))
    print('  '.join(f'{value:6.2f}' if value >= 0 else '     -' for value in metrics.values()))
    if args.classwise:
        print(class_table(evaluation.class_ap()))
    kept = [track for track in tracks if track.score >= args.score_thr]
    category_ids, further = list(ground_truth.categories), {}
    if args.tracking:
        further |= tracking_figures(ground_truth, kept, category_ids, per_class=args.classwise)
    if args.fsla:
        further |= sound_localisation_accuracy(ground_truth, kept, category_ids)
    for name, value in further.items():
        print(f'{name:<24} {value:.2f}')
    metrics |= further
    if args.json:
        write_json(args.json, metrics)


if __name__ == '__main__':
    main()
