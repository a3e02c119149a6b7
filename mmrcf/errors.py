"""Errors that are the user's to fix, and how a command line shows them.

A bad input ends in one line that names the file and the field and says what to do. Library code raises
:class:`InputError` (a ``ValueError``) or :class:`InputFileError` (also a ``FileNotFoundError``); command lines wrap
their ``main`` in :func:`exit_on_bad_input`, which prints that line on stderr and exits with code 2. Anything else is a
bug and keeps its traceback.
"""

import functools
import os
import sys
from collections.abc import Callable

from mmrcf.inputs import kept_inputs

EXIT_BAD_INPUT = 2
EXIT_BROKEN_PIPE = 141
"""What a shell reports for a program that the signal SIGPIPE has ended."""


class InputError(ValueError):
    """Input that cannot be used. The message is one line: what was expected, what came, what to do."""


class InputFileError(InputError, FileNotFoundError):
    """A file or folder that is missing, of the wrong kind, or cannot be opened."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ''


def one_line(error: BaseException) -> str:
    """The message of ``error`` on one line.

    A data-loader worker hands its error on as a whole traceback; the last line of it is the message.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if 'Traceback' not in str(error):
        return ' '.join(lines)
    return lines[-1].removeprefix(f'{type(error).__module__}.{type(error).__name__}: ')


def exit_on_bad_input(main: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command line's ``main``: an :class:`InputError` becomes one line on stderr and exit code 2.

    What the command reads cannot become one of its outputs (:mod:`mmrcf.inputs`). Where the reader of what it prints is
    gone (``| head``) or stdout is a full disk, it ends without a traceback; a command that has done its work succeeds.
    """

    @functools.wraps(main)
    def wrapped(*args, **kwargs) -> None:
        try:
            with kept_inputs():
                main(*args, **kwargs)
        except InputError as error:
            print(f'error: {one_line(error)}', file=sys.stderr)
            sys.exit(EXIT_BAD_INPUT)
        except BrokenPipeError:
            sys.exit(EXIT_BROKEN_PIPE)
        finally:
            _flush_stdout()

    return wrapped


def _flush_stdout() -> None:
    """Print what is left; if that fails, drop it, as Python would otherwise try again at its end and report that."""
    try:
        if sys.stdout is not None:  # closed by the shell (``>&-``)
            sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
