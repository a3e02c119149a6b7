"""Outputs that grow frame by frame and appear only when they are complete."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import av.error

from mmrcf.errors import InputFileError
from mmrcf.utils import atomic_output


class Stopped(Exception):
    """Raised inside the block of a :class:`GradualOutput`: end here and keep what is done."""


class GradualOutput(ABC):
    """A file that is written in a ``with`` block and appears under its name, complete, when the block ends.

    That is also so when the user ends the block early, by Ctrl-C, by closing the generator it is in or by
    :class:`Stopped`: the file is then shorter. On any other error, or when there is nothing to keep, no file appears
    and one that was there stays as it was.

    Args:
        path: The output.

    Raises:
        InputFileError: On entering the block: the output cannot be written there. Later: the disk is full.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._stack = contextlib.ExitStack()

    @abstractmethod
    def _open(self, temporary: Path, stack: contextlib.ExitStack) -> None:
        """Start writing to ``temporary``; what is to be closed before it gets its name goes onto ``stack``."""

    @abstractmethod
    def _finish(self, interrupted: bool) -> bool:
        """Write what is left. Returns whether there is anything to keep."""

    def __enter__(self) -> 'GradualOutput':
        with contextlib.ExitStack() as stack:
            temporary = stack.enter_context(atomic_output(self.path))
            with self._writable():
                self._open(temporary, stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: object) -> None:
        interrupted = kind is not None and issubclass(kind, KeyboardInterrupt | GeneratorExit | Stopped)
        with contextlib.suppress(_Discard), self._writable(), self._stack:
            if (kind is not None and not interrupted) or not self._finish(interrupted):
                raise _Discard

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        """Names the output when writing to it fails."""
        try:
            yield
        except InputFileError:
            raise
        except (OSError, av.error.FFmpegError) as error:
            reason = error.strerror or type(error).__name__
            raise InputFileError(f'output {self.path}: cannot be written ({reason}); check the free space') from error


class _Discard(Exception):
    """Ends the block without an output."""
