"""Options of the tools that draw figures of frames."""

import argparse

DEFAULT_FRAME = 10


def add_frame_options(parser: argparse.ArgumentParser) -> None:
    """Add what is drawn of an input: ``--frame``, ``--audio``, ``--fps`` and ``--max-size``."""
    parser.add_argument(
        '--frame',
        type=_frame_number,
        default=DEFAULT_FRAME,
        help=f'frame of an image, from 0; the last one if there are fewer (default: {DEFAULT_FRAME})',
    )
    parser.add_argument(
        '--audio', default='auto', metavar='AUDIO', help='auto (the audio of the input), none, or an audio file'
    )
    parser.add_argument('--fps', type=float, help='frames per second of image files (default: 6)')
    parser.add_argument('--max-size', type=int, metavar='PIXELS', help='limit of the longer side of the frames')


def _frame_number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'expected a number from 0 on, got {text!r}')
    return int(text)
