"""The files that a command reads. None of them may become one of its outputs.

Readers call :func:`note_input`, outputs ask :func:`is_input`; :func:`kept_inputs` says for how long a file counts as
an input. An output that is written at the end of a long run is announced by :func:`note_output`, so that reading the
file fails at the start. Files are compared by device and inode, so other names of a file, links included, are the same
file; and by time and size, since a file that is deleted leaves its inode to a later one.

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

FileVersion = tuple[int, int, int, int]
"""Device, inode, time of the last change in nanoseconds and size in bytes."""


@dataclass(eq=False)
class _Block:
    """The files that a block has read and will write, while it runs."""

    inputs: set[FileVersion] = field(default_factory=set)
    folders: dict[Path, frozenset[str]] = field(default_factory=dict)
    outputs: set[FileVersion] = field(default_factory=set)
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
    blocks = _running()
    version = _version(path) if blocks else None
    if version is not None:
        for block in blocks:
            block.inputs.add(version)


def note_folder(path: str | Path, suffixes: Iterable[str]) -> None:
    """Count the files with these suffixes, in ``path`` and below, as inputs: other processes read them later."""
    folder = Path(os.path.realpath(path))
    for block in _running():
        block.folders[folder] = block.folders.get(folder, frozenset()) | frozenset(suffixes)


def note_output(path: str | Path) -> None:
    """Announce an output of the running blocks; a device, or what does not exist yet, is nobody's input."""
    blocks = _running()
    version = _version(path) if blocks and os.path.isfile(path) else None
    if version is not None:
        for block in blocks:
            block.outputs.add(version)


def is_input(path: str | Path) -> bool:
    """Whether ``path`` is a file that a running block has read, or has counted by its folder."""
    blocks = _running()
    version = _version(path) if blocks else None
    if version is None:
        return False
    if any(version in block.inputs for block in blocks):
        return True
    path = Path(os.path.realpath(path))
    return any(path.suffix in block.folders.get(folder, ()) for block in blocks for folder in path.parents)


def is_output(path: str | Path) -> bool:
    """Whether ``path`` is a file that a running block has announced as its output."""
    blocks = _running()
    version = _version(path) if blocks else None
    return version is not None and any(version in block.outputs for block in blocks)


def _version(path: str | Path) -> FileVersion | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a zero byte in the path
        return None
    if not stat.S_ISREG(status.st_mode):  # the time of a pipe or a device is that of its last use
        return status.st_dev, status.st_ino, 0, 0
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
