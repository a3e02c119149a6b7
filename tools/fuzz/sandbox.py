"""Runs inputs in a process of their own, so that a crash, a hang or too much memory is seen and counted."""

import faulthandler
import math
import multiprocessing
import os
import resource
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from av.error import FFmpegError

from mmrcf.errors import EXIT_BAD_INPUT, InputError, one_line
from mmrcf.utils import peak_mib

ACCEPTED, CLEAN, TRACEBACK, CRASH, HANG, MEMORY = OUTCOMES = (
    'accepted',
    'clean error',
    'traceback',
    'crash',
    'hang',
    'memory',
)
FAILURES = frozenset((TRACEBACK, CRASH, HANG, MEMORY))
# Address space beyond what the process has at its start: an allocation that fails is counted, not the machine killed.
SPARE_BYTES = 8 * 2**30
# A process takes this many inputs, so that memory that is lost with each does not count for one of them.
INPUTS_PER_PROCESS = 500


@dataclass(frozen=True)
class Outcome:
    """What became of an input.

    Attributes:
        kind: One of ``OUTCOMES``.
        message: The error in one line; with a traceback, a crash or a hang also where it was, in further lines.
        seconds: How long it took.
        peak_mib: Largest growth of the resident memory of its process since that started, in MiB; 0 where it ended.
    """

    kind: str
    message: str = ''
    seconds: float = 0.0
    peak_mib: float = 0.0


class Sandbox:
    """Runs inputs one after the other in a child, which is replaced when it ends.

    The child is a copy of this process (fork), so that what is imported and prepared here takes no time there. Use it
    in a ``with`` block.

    Args:
        runs: For each target, what is done with the path of an input.
        seconds: Limit for an input.
        mebibytes: Limit by which the resident memory may grow; what this process has does not count.
    """

    def __init__(
        self, runs: Mapping[str, Callable[[Path], object]], seconds: float = 30.0, mebibytes: float = 2048.0
    ) -> None:
        self._runs = runs
        self._seconds = seconds
        self._mebibytes = mebibytes
        self._left = 0

    def __enter__(self) -> 'Sandbox':
        self._folder = tempfile.TemporaryDirectory(prefix='fuzz')
        self._printed = Path(self._folder.name) / 'printed.txt'
        self._process: multiprocessing.Process | None = None
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._end()
        self._folder.cleanup()

    def run(self, target: str, content: bytes, suffix: str = '') -> Outcome:
        """Run one input; ``suffix`` is that of its file."""
        if self._process is None:
            self._start()
        path = Path(self._folder.name) / f'input{suffix}'
        path.write_bytes(content)
        started = time.monotonic()
        self._connection.send((target, path))
        try:
            # Second by second, so that time in which this process was stopped does not count.
            if not any(self._connection.poll(1.0) for _ in range(math.ceil(self._seconds))):
                return self._hung(started)
            outcome: Outcome = self._connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            code, self._process = self._process.exitcode, None
            name = signal.Signals(-code).name if code < 0 else f'exit code {code}'
            return Outcome(CRASH, f'{name}\n{self._tail()}', time.monotonic() - started)
        path.unlink(missing_ok=True)
        self._left -= 1
        if outcome.peak_mib > self._mebibytes:
            outcome = Outcome(MEMORY, f'{outcome.peak_mib:.0f} MiB ({outcome.message})', *_measured(outcome))
        if outcome.kind == MEMORY or self._left <= 0:
            self._end()
        return outcome

    def _hung(self, started: float) -> Outcome:
        os.kill(self._process.pid, signal.SIGUSR1)  # faulthandler prints where it is
        time.sleep(0.2)
        self._end()
        return Outcome(HANG, f'no end within {self._seconds:g} s\n{self._tail()}', time.monotonic() - started)

    def _start(self) -> None:
        context = multiprocessing.get_context('fork')
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._runs, self._printed), daemon=True)
        self._process.start()
        theirs.close()
        self._left = INPUTS_PER_PROCESS

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None

    def _tail(self) -> str:
        text = self._printed.read_text(errors='replace') if self._printed.exists() else ''
        return text.partition('Extension modules:')[0][-20000:]  # faulthandler names all of them last


def _measured(outcome: Outcome) -> tuple[float, float]:
    return outcome.seconds, outcome.peak_mib


def _serve(connection: Connection, runs: Mapping[str, Callable[[Path], object]], printed: Path) -> None:
    """The child: take inputs until it is killed."""
    output = os.open(printed, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    faulthandler.enable(output)
    faulthandler.register(signal.SIGUSR1, output)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    statm = Path('/proc/self/statm')
    if statm.exists():
        limit = int(statm.read_text().split()[0]) * resource.getpagesize() + SPARE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    usual = peak_mib()
    while True:
        target, path = connection.recv()
        os.ftruncate(output, 0)
        started = time.monotonic()
        kind, message = _run(runs[target], path)
        connection.send(Outcome(kind, message, time.monotonic() - started, peak_mib() - usual))


def _run(run: Callable[[Path], object], path: Path) -> tuple[str, str]:
    try:
        run(path)
    except SystemExit as error:  # of a command line
        return (CLEAN if error.code == EXIT_BAD_INPUT else ACCEPTED), ''
    except BaseException as error:
        chain = list(_causes(error))
        # FFmpeg says so for other reasons, too; what it takes is seen in the peak.
        if any(isinstance(cause, MemoryError) and not isinstance(cause, FFmpegError) for cause in chain):
            return MEMORY, traceback.format_exc()[-6000:]
        if isinstance(error, InputError):
            return CLEAN, one_line(error)
        return TRACEBACK, traceback.format_exc()[-6000:]
    return ACCEPTED, ''


def _causes(error: BaseException | None):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
