"""Errors that are the user's to fix, and how a command line shows them.

A bad input ends in one line that names the file and the field and the remedy. Library code raises
:class:`InputError` (a ``ValueError``) or :class:`InputFileError` (also a ``FileNotFoundError``); command lines wrap
their ``main`` in :func:`exit_on_bad_input`, which prints that line on stderr and exits with code 2. Anything else is a
bug and keeps its traceback.
"""

import contextlib
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from mmrcf.inputs import kept_inputs
from mmrcf.urls import without_credentials

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
_REPORT_DELAY = 5.0  # seconds


class InputError(ValueError):
    """Input that cannot be used. The message is one line: what was expected, what came, what to do.

    Credentials of URLs in it are masked.
    """

    def __init__(self, *message: object) -> None:
        super().__init__(*(without_credentials(part) if isinstance(part, str) else part for part in message))


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

    What the command reads cannot become one of its outputs (:mod:`mmrcf.inputs`). A closed pipe (``| head``) or a full
    disk behind its standard output does not end it. An interrupt is one line and exit code 130.
    """

    @functools.wraps(main)
    def wrapped(*args, **kwargs) -> None:
        with _lenient_streams():
            try:
                with kept_inputs():
                    main(*args, **kwargs)
            except InputError as error:
                _leave_report_to_first_process()
                print(f'error: {one_line(error)}', file=sys.stderr)
                sys.exit(EXIT_BAD_INPUT)
            except KeyboardInterrupt:
                print('interrupted', file=sys.stderr)
                sys.exit(EXIT_INTERRUPTED)

    return wrapped


def _leave_report_to_first_process() -> None:
    """Wait a little in a process that is not the first of several: its launcher ends it when the first has failed too.

    So a mistake that all of them find is reported once.
    """
    if os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) != '0':
        time.sleep(_REPORT_DELAY)


@contextlib.contextmanager
def interrupted_once() -> Iterator[None]:
    """While the block runs, the first SIGINT, SIGTERM or SIGHUP is a ``KeyboardInterrupt``, and later ones are ignored.

    So outputs are finished whatever else is sent meanwhile. Handlers belong to the process: they are put back at the
    end, and in another thread than the main one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ('SIGINT', 'SIGTERM', 'SIGHUP') if hasattr(signal, name)]
    signals = [getattr(signal, name) for name in names]

    def interrupt(*_: object) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _lenient_streams() -> Iterator[None]:
    """While the block runs, text that cannot be printed is dropped; the outputs of a command are files.

    The standard streams belong to the process, so only command lines are wrapped, never the library.
    """
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and _LenientStream(stream) for stream in streams)  # None where the shell closed it
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        sys.stdout, sys.stderr = streams


class _LenientStream:
    """A text stream that is thrown away from its first failure on.

    Args:
        stream: What is written to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text."""
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:  # a name in a file may hold anything
            return self._stream.write(text.encode('ascii', 'backslashreplace').decode())
        except OSError:
            self._throw_away()
            return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            self._stream.flush()
        except OSError:
            self._throw_away()

    def _throw_away(self) -> None:
        # Python itself writes once more when it ends, so the file behind the stream has to change.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
