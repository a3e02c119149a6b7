"""Options that several command lines have, each with one name, one form and one meaning."""

import argparse
from collections.abc import Callable

import torch

from mmrcf.inputs import note_output

from .config import ConfigOptions


def frame_size(least: int = 1) -> Callable[[str], tuple[int, int]]:
    """A type for argparse that reads ``WIDTHxHEIGHT``, both at least ``least`` pixels, as (width, height)."""

    def read(text: str) -> tuple[int, int]:
        width, _, height = text.partition('x')
        if not (width.isdecimal() and height.isdecimal() and min(int(width), int(height)) >= least):
            raise argparse.ArgumentTypeError(
                f'expected WIDTHxHEIGHT in pixels, {least} or more, for example 640x360, got {text!r}'
            )
        return int(width), int(height)

    return read


def add_size(
    parser: argparse._ActionsContainer, help: str, default: tuple[int, int] | None = None, least: int = 1
) -> None:
    """Add ``--size WIDTHxHEIGHT``, which gives (width, height).

    Args:
        parser: A parser, or a group of one.
        help: What has this size.
        default: Width and height in pixels without the option.
        least: Lowest width and height.
    """
    ending = '' if default is None else f' (default: {default[0]}x{default[1]})'
    parser.add_argument(
        '--size', type=frame_size(least), default=default, metavar='WIDTHxHEIGHT', help=f'{help}{ending}'
    )


def add_device(parser: argparse.ArgumentParser, default: str = 'cpu') -> None:
    """Add ``--device``, which gives the name of a PyTorch device; ``auto`` is resolved here."""
    parser.add_argument(
        '--device',
        type=_device,
        default=default,
        help=f'cpu, cuda, cuda:1 ..., or auto: a GPU if there is one (default: {default})',
    )


def _device(text: str) -> str:
    return ('cuda' if torch.cuda.is_available() else 'cpu') if text == 'auto' else text


def add_cfg_options(parser: argparse.ArgumentParser, of: str = 'the config') -> None:
    """Add ``--cfg-options KEY=VALUE ...``, which gives a dict by dotted path, or None."""
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help=f'override fields of {of}'
    )


def add_json(parser: argparse.ArgumentParser, what: str = 'the figures') -> None:
    """Add ``--json FILE``, a name that ends in .json: not, by mistake, a frame or a checkpoint."""
    parser.add_argument('--json', type=_json_name, metavar='FILE', help=f'write {what} to this file')


def _json_name(text: str) -> str:
    if not text.endswith('.json') and not text.startswith('/dev/'):
        raise argparse.ArgumentTypeError(f'expected a name that ends in .json, got {text!r}')
    note_output(text)  # it is written at the end
    return text
