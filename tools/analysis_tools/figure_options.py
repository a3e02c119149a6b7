"""Options of the tools that draw figures."""

import argparse
from pathlib import Path

from mmrcf.command_line import add_source_options, whole_number

DEFAULT_FRAME = 10
"""Which frame an image shows without ``--frame``."""
FORMATS = ('.png', '.pdf', '.svg', '.jpg')
"""Suffixes of a drawing."""


def add_drawing(parser: argparse.ArgumentParser) -> None:
    """Add ``--out FILE.png``, a drawing."""
    help_text = f'the drawing; one of {", ".join(FORMATS)}'
    parser.add_argument('--out', type=_drawing, metavar='FILE.png', help=help_text)


def _drawing(name: str) -> str:
    if Path(name).suffix not in FORMATS:
        raise argparse.ArgumentTypeError(f'{name}: expected a name that ends in one of {", ".join(FORMATS)}')
    return name


def add_figure_options(parser: argparse.ArgumentParser) -> None:
    """Add what ``write_figure`` of :mod:`frame_figures` reads, except ``input`` and ``--out``."""
    parser.add_argument(
        '--frame',
        type=whole_number(0),
        default=DEFAULT_FRAME,
        metavar='N',
        help='frame of an image, from 0; the last one if there are fewer (default: %(default)s)',
    )
    add_source_options(parser, 'auto (the audio of the input), none, or an audio file')
