"""Options of the tools that run experiments."""

import argparse

from mmrcf.command_line import add_cfg_options


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every tool that runs experiments."""
    parser.add_argument('--seeds', type=_seeds, default=(0, 1, 2), metavar='0,1,2', help='default: 0,1,2')
    parser.add_argument(
        '--jobs', type=int, default=1, help='runs at the same time, of one CPU thread each (default: 1)'
    )
    parser.add_argument('--again', action='store_true', help='run also what has a result')
    parser.add_argument(
        '--force', action='store_true', help='replace results, and delete trainings, that are of other settings'
    )
    add_cfg_options(parser, 'every run')


def _seeds(text: str) -> tuple[int, ...]:
    try:
        seeds = tuple(int(part) for part in text.split(','))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'expected whole numbers like 0,1,2, got {text!r}') from error
    if len(set(seeds)) < len(seeds):
        raise argparse.ArgumentTypeError(f'{text}: a seed is given more than once')
    return seeds
