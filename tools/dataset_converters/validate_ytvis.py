"""List every problem of an annotation file in the layout of YouTube-VIS, COCO or CocoVID.

Exit code 0: no error (there may be warnings and notes), 1: errors, 2: the file cannot be checked.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Sequence

from mmrcf.command_line import add_json, start_program
from mmrcf.defaults import MAX_SIDE
from mmrcf.errors import exit_on_bad_input

MAX_SHOWN = 3
"""Warnings of one kind that are printed; ``--json`` has all of them."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ann_file', help='annotation file (JSON)')
    parser.add_argument('--image-root', help='folder that the file names are relative to; reads every frame too')
    parser.add_argument(
        '--audio', metavar='FOLDER', help='folder of the audio files; reads each of them, and checks frame times'
    )
    parser.add_argument(
        '--audio-suffix', default='.wav', metavar='SUFFIX', help='suffix of audio files (default: .wav)'
    )
    parser.add_argument('--fps', type=float, help='with --audio: frames a second of videos without that field')
    parser.add_argument(
        '--max-side', type=int, default=MAX_SIDE, metavar='N', help=f'largest width and height (default: {MAX_SIDE})'
    )
    add_json(parser, 'the problems')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.datasets.annotations.problems import Problem
from mmrcf.datasets.annotations.validation import validate_annotations
from mmrcf.datasets.audio_validation import AudioFolder
from mmrcf.utils import counted, write_json


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each problem and a last line with their numbers."""
    args = parse_args(arguments)
    check = AudioFolder(args.audio, args.audio_suffix, args.fps).check if args.audio is not None else None
    problems = validate_annotations(args.ann_file, args.image_root, check, args.max_side)
    if args.json:
        write_json(args.json, [problem.as_dict() for problem in problems])
    _print_problems(problems)
    counts = Counter(problem.severity for problem in problems)
    notes = f', {counted(counts["note"], "note")}' if counts['note'] else ''
    print(f'{args.ann_file}: {counted(counts["error"], "error")}, {counted(counts["warning"], "warning")}{notes}')
    sys.exit(1 if counts['error'] else 0)


def _print_problems(problems: Sequence[Problem]) -> None:
    """A line for each problem; of those that differ in numbers and names only, the first few and how many follow.

    Errors are shown one by one: each has to be corrected.
    """
    kinds = [re.sub(r"'[^']*'|[-+.\d]+", '#', f'{problem.field}: {problem.message}') for problem in problems]
    shown: Counter[tuple[str, str]] = Counter()
    totals = Counter((problem.severity, kind) for problem, kind in zip(problems, kinds, strict=True))
    for problem, kind in zip(problems, kinds, strict=True):
        key = problem.severity, kind
        shown[key] += 1
        if problem.severity == 'error' or shown[key] <= MAX_SHOWN:
            print(problem)
        elif shown[key] == MAX_SHOWN + 1:
            print(f'{problem.severity}: {totals[key] - MAX_SHOWN} more like this: {problem.field}')


if __name__ == '__main__':
    main()
