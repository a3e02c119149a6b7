"""Command lines: their start, and options that several of them have, each with one name, one form and one meaning.

A program reads its command line before it imports torch and what needs it: ``--help`` and a wrong option are answered
at once. So this module, and what a ``parse_args`` uses, imports none of them at its top.

``add_NAME`` adds the option ``--NAME`` to a parser.
"""

import argparse
import runpy
import sys
from collections.abc import Callable
from importlib.metadata import version
from types import TracebackType
from typing import Any

from mmrcf.defaults import MAX_PIXELS
from mmrcf.errors import EXIT_BAD_INPUT
from mmrcf.inputs import note_output
from mmrcf.threads import set_thread_policy

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')


def start_program(parse_args: Callable[[], argparse.Namespace]) -> None:
    """Begin a program, before torch is imported: answer ``--help`` and refuse wrong options.

    Args:
        parse_args: Reads the command line. It is read here only to be checked; ``main`` reads it again.
    """
    sys.excepthook = _say_interrupted
    set_thread_policy()  # first: reading --cfg-options imports torch
    parse_args()
    _require_opencv()


def _say_interrupted(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an interrupt as one line, also before ``main``: the imports take seconds. Python sets the exit code."""
    if issubclass(kind, KeyboardInterrupt):
        print('interrupted', file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def _require_opencv() -> None:
    """End with a line that says what to do where OpenCV's ordinary build finds no graphics libraries."""
    try:
        import cv2  # noqa: F401
    except ModuleNotFoundError:
        raise
    except ImportError as error:
        print(
            f'error: OpenCV cannot be loaded ({error}); install its libraries (apt-get install libgl1), or the '
            'build without windows: pip install --force-reinstall --no-deps opencv-python-headless=='
            f'{version("opencv-python")}',
            file=sys.stderr,
        )
        sys.exit(EXIT_BAD_INPUT)


def run_demo() -> None:
    """The command ``mmrcf-demo``. As a program, so that it begins with :func:`start_program`."""
    runpy.run_module('mmrcf.demo', run_name='__main__', alter_sys=True)


def run_web() -> None:
    """The command ``mmrcf-web``, in the same way."""
    runpy.run_module('mmrcf.web.__main__', run_name='__main__', alter_sys=True)


def whole_number(least: int) -> Callable[[str], int]:
    """A type for argparse: a whole number, at least ``least``."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f'expected a whole number, at least {least}, got {text!r}')
        return int(text)

    return read


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


def add_device(parser: argparse.ArgumentParser, default: str = 'auto') -> None:
    """Add ``--device``, which gives the name of a PyTorch device, or 'auto'; see ``resolve_device``."""
    parser.add_argument(
        '--device',
        default=default,
        help=f'cpu, cuda, cuda:1 ..., or auto: a GPU if there is one; of an ONNX model a device of its runtime '
        f'(default: {default})',
    )


def add_precision(parser: argparse.ArgumentParser, of: str = 'the network') -> None:
    """Add ``--precision``; see ``resolve_precision``."""
    parser.add_argument(
        '--precision',
        choices=('auto', 'fp32', 'bf16', 'fp16'),
        default='auto',
        help=f'what {of} computes in; auto: fp16 on a GPU, else fp32 (default: auto)',
    )


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """Add ``--runtime``; see ``RUNTIMES`` of :mod:`mmrcf.export`."""
    parser.add_argument(
        '--runtime',
        choices=('onnxruntime', 'openvino'),
        default='onnxruntime',
        help='what runs an ONNX model (default: onnxruntime)',
    )


def add_cfg_options(parser: argparse.ArgumentParser, of: str = 'the config') -> None:
    """Add ``--cfg-options KEY=VALUE ...``, which gives a dict by dotted path, or None."""
    parser.add_argument(
        '--cfg-options', nargs='+', action=_ConfigOptions, metavar='KEY=VALUE', help=f'override fields of {of}'
    )


class _ConfigOptions(argparse.Action):
    """Reads with MMEngine, which imports torch, and not before there is something to read."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        from mmrcf.engine.config_options import ConfigOptions

        ConfigOptions(self.option_strings, self.dest)(parser, namespace, values, option_string)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add ``--threads N``, which gives a number from 1 on, or None."""
    parser.add_argument('--threads', type=whole_number(1), metavar='N', help="CPU threads (default: PyTorch's)")


def add_seed(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--seed N``; ``what`` follows from it."""
    parser.add_argument('--seed', type=int, default=0, help=f'{what} follows from it (default: %(default)s)')


def add_work_dir(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--work-dir FOLDER``, for ``what`` the runner writes."""
    parser.add_argument('--work-dir', metavar='FOLDER', help=f'folder for {what}; default: work_dirs/<config name>')


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add ``--launcher``, and ``--local-rank``, which old versions of ``torch.distributed.launch`` append."""
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none', help='what started the processes')
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)


def add_split(parser: argparse.ArgumentParser, help: str = 'data of the config to use') -> None:
    """Add ``--split``, which gives the first word of ``val_dataloader`` or ``test_dataloader``."""
    parser.add_argument('--split', choices=('val', 'test'), default='test', help=f'{help} (default: test)')


def add_frame_limit(parser: argparse.ArgumentParser) -> None:
    """Add ``--frames N`` for an evaluation that may stop early; None: all frames."""
    parser.add_argument(
        '--frames', type=whole_number(1), metavar='N', help='stop after so many frames, and measure no AP'
    )


def add_optimize(parser: argparse.ArgumentParser, what: str = 'the model') -> None:
    """Add ``--no-optimize``, which gives ``args.optimize``: True without the option."""
    parser.add_argument(
        '--no-optimize', dest='optimize', action='store_false', help=f'do not optimize {what} for inference'
    )


def add_source_options(parser: argparse.ArgumentParser, audio: str) -> None:
    """Add how :func:`mmrcf.media.open_source` opens a source: ``--audio``, ``--fps``, ``--max-size``, ``--max-pixels``.

    Args:
        parser: A parser.
        audio: What ``--audio`` takes.
    """
    parser.add_argument('--audio', default='auto', metavar='AUDIO', help=audio)
    parser.add_argument('--fps', type=float, help='frames a second of image files (default: 6)')
    add_max_size(parser)
    parser.add_argument(
        '--max-pixels', type=int, default=MAX_PIXELS, help='largest frame that is decoded (default: %(default)s pixels)'
    )


def add_max_size(parser: argparse.ArgumentParser) -> None:
    """Add ``--max-size PIXELS``, to which :func:`mmrcf.media.open_source` scales larger frames down."""
    parser.add_argument('--max-size', type=int, metavar='PIXELS', help='limit of the longer side of the frames')


def add_table(parser: argparse.ArgumentParser, name: str) -> None:
    """Add ``--table FILE.md``, which :func:`mmrcf.utils.write_between_markers` writes to."""
    parser.add_argument(
        '--table', metavar='FILE.md', help=f'write tables between the {name} markers of this Markdown file'
    )


def add_json(parser: argparse.ArgumentParser, what: str = 'the figures') -> None:
    """Add ``--json FILE``, a name that ends in .json: not, by mistake, a frame or a checkpoint."""
    parser.add_argument('--json', type=_json_name, metavar='FILE', help=f'write {what} to this file')


def _json_name(text: str) -> str:
    if not text.endswith('.json') and not text.startswith('/dev/'):
        raise argparse.ArgumentTypeError(f'expected a name that ends in .json, got {text!r}')
    note_output(text)  # it is written at the end
    return text
