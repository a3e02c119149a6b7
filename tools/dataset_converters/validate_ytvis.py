"""List every problem of an annotation file in the official YouTube-VIS layout.

Exit code 0: no error (there may be warnings), 1: errors, 2: the file cannot be checked.
"""

import argparse
import sys
from collections.abc import Sequence

from mmrcf.datasets.ytvis_validation import validate_ytvis
from mmrcf.errors import exit_on_bad_input
from mmrcf.utils import write_json


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ann_file', help='annotation file (JSON)')
    parser.add_argument('--image-root', help='folder that the file names are relative to; every frame is then read too')
    parser.add_argument('--json', metavar='FILE', help='write the problems to this file too')
    return parser.parse_args(arguments)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each problem and a last line with their numbers."""
    args = parse_args(arguments)
    problems = validate_ytvis(args.ann_file, args.image_root)
    if args.json:
        write_json(args.json, [problem.as_dict() for problem in problems])
    for problem in problems:
        print(problem)
    errors = sum(problem.severity == 'error' for problem in problems)
    print(f'{args.ann_file}: {errors} errors, {len(problems) - errors} warnings')
    sys.exit(1 if errors else 0)


if __name__ == '__main__':
    main()
