"""Options of the tools that draw figures of frames."""

import argparse

from mmrcf.command_line import add_source_options, whole_number

DEFAULT_FRAME = 10
"""Which frame an image shows without ``--frame``."""


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
