"""Write the synthetic benchmark: videos in YouTube-VIS layout with exact masks, and a WAV file for each.

    python tools/misc/make_shapes.py --out data/shapes --variant shapes --seed 0

gives data/shapes/{train,val,test}/{JPEGImages/<video>/00000.jpg, WAVAudios/<video>.wav, instances.json}. The same
settings give the same bytes. A split appears when it is complete; an interrupted run continues with the splits that
are missing.
"""

import argparse
import os
from collections.abc import Sequence

from mmrcf.command_line import add_seed, add_size, start_program
from mmrcf.defaults import DEFAULT_SPLITS
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', required=True, help='folder of the data set, e.g. data/shapes')
    parser.add_argument('--variant', default='shapes', help='shapes or shapes_av (default: %(default)s)')
    add_seed(parser, 'every video')
    parser.add_argument(
        '--splits',
        default=','.join(f'{name}={count}' for name, count in DEFAULT_SPLITS.items()),
        help='splits and their numbers of videos (default: %(default)s)',
    )
    parser.add_argument('--frames', type=int, default=24, help='frames a video, at 6 a second (default: %(default)s)')
    add_size(parser, 'size of the frames', (288, 160))
    parser.add_argument('--workers', type=int, default=os.cpu_count() or 1, help='processes (default: one a core)')
    parser.add_argument('--overwrite', action='store_true', help='replace splits made with other settings')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from tqdm import tqdm

from mmrcf.synthetic import write_split
from mmrcf.utils import counted


def parse_splits(text: str) -> dict[str, int]:
    """'train=400,val=100' -> {'train': 400, 'val': 100}."""
    splits: dict[str, int] = {}
    for part in text.split(','):
        name, mark, count = part.strip().partition('=')
        if not (name and mark and count.isdecimal()):
            raise InputError(f'--splits: expected NAME=VIDEOS,... as in train=400,val=100, got {part!r}')
        if name in splits:
            raise InputError(f'--splits: {name!r} is named twice; name each split once')
        splits[name] = int(count)
    return splits


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the splits that are missing."""
    args = parse_args(arguments)
    width, height = args.size
    for split, count in parse_splits(args.splits).items():
        # The delay keeps a split that is there already from showing an empty bar.
        with tqdm(total=count, desc=split, unit='video', delay=0.1) as bar:
            written = write_split(
                args.out, args.variant, split, count, args.seed, args.frames, (height, width), args.workers,
                args.overwrite, report=lambda *_, bar=bar: bar.update(),
            )  # fmt: skip
        outcome = 'written' if written else 'there already, made with the same settings; kept'
        print(f'{args.out}/{split}: {counted(count, "video")} of {args.variant}, {outcome}')


if __name__ == '__main__':
    main()
