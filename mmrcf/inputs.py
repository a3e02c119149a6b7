"""The files that a command reads. None of them may become one of its outputs.

Readers call :func:`note_input`, outputs ask :func:`is_input`; :func:`kept_inputs` says for how long a file counts as
an input. An output that is written at the end of a long run is announced by :func:`note_output`, so that reading the
file fails at the start. Files are compared by device and inode, so other names of a file, links included, are the same
file.

A file is read in many places, far below the command that reads it. So the running blocks are not passed down as an
argument: they are a context variable, and commands in other threads or tasks do not see each other's.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path


class _Files:
    """Files, by device and inode, with the names under which they were added.

    A file that is deleted leaves its inode to a later one. So a file counts while one of these names leads to it, even
    if it has changed since, and under other names only while it is unchanged since it was added last.
    """

    def __init__(self) -> None:
        # The last state only: a file may be written and read again for each frame of a stream without an end.
        self._states: dict[tuple[int, int], tuple[int, int]] = {}
        self._names: dict[tuple[int, int], set[str]] = {}

    def add(self, path: str | Path) -> None:
        """Add what ``path`` leads to, if there is anything."""
        status = _status(path)
        if status is not None:
            self._states[_identity(status)] = _state(status)
            self._names.setdefault(_identity(status), set()).add(os.path.realpath(path))

    def __contains__(self, path: str | Path) -> bool:
        status = _status(path)
        if status is None or _identity(status) not in self._states:
            return False
        file = _identity(status)
        named = (_status(name) for name in self._names[file])
        return _state(status) == self._states[file] or any(other and _identity(other) == file for other in named)


def _status(path: str | Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):  # ValueError: a zero byte in the path
        return None


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _state(status: os.stat_result) -> tuple[int, int]:
    """Time of the last change and size, of a file: a pipe and a device have the time of their last use."""
    return (status.st_mtime_ns, status.st_size) if stat.S_ISREG(status.st_mode) else (0, 0)


@dataclass(eq=False)
class _Block:
    """The files that a block has read and will write, while it runs."""

    inputs: _Files = field(default_factory=_Files)
    folders: dict[Path, frozenset[str]] = field(default_factory=dict)
    outputs: _Files = field(default_factory=_Files)
    ended: bool = False


# One for each running block; a stream beside another, or inside a command, has its own.
_blocks: ContextVar[tuple[_Block, ...]] = ContextVar('blocks that keep their inputs', default=())


@contextlib.contextmanager
def kept_inputs(*paths: object) -> Iterator[None]:
    """While the block runs, no output may be one of ``paths`` or of the files that are read meanwhile.

    Args:
        paths: Files that were read before; values that are not the path of a file are ignored.
    """
    block = _Block()
    _blocks.set((*_blocks.get(), block))
    try:
        for path in paths:
            if isinstance(path, str | Path):
                note_input(path)
        yield
    finally:
        block.ended = True  # a generator may end in another context; the variable of the first one still has the block
        _blocks.set(_running())


def _running() -> tuple[_Block, ...]:
    return tuple(block for block in _blocks.get() if not block.ended)


def note_input(path: str | Path) -> None:
    """Count ``path`` as an input of all running blocks."""
    for block in _running():
        block.inputs.add(path)


def note_folder(path: str | Path, suffixes: Iterable[str]) -> None:
    """Count the files with these suffixes, in ``path`` and below, as inputs: other processes read them later."""
    folder = Path(os.path.realpath(path))
    for block in _running():
        block.folders[folder] = block.folders.get(folder, frozenset()) | frozenset(suffixes)


def note_output(path: str | Path) -> None:
    """Announce an output of the running blocks; a device, or what does not exist yet, is nobody's input."""
    if os.path.isfile(path):
        for block in _running():
            block.outputs.add(path)


def is_input(path: str | Path) -> bool:
    """Whether ``path`` is a file that a running block has read, or has counted by its folder."""
    blocks = _running()
    if any(path in block.inputs for block in blocks):
        return True
    path = Path(os.path.realpath(path))
    counted = any(path.suffix in block.folders.get(folder, ()) for block in blocks for folder in path.parents)
    return counted and path.exists()


def is_output(path: str | Path) -> bool:
    """Whether ``path`` is a file that a running block has announced as its output."""
    return any(path in block.outputs for block in _running())
