"""The files that a command reads. None of them may become one of its outputs.

Readers call :func:`note_input`, outputs ask :func:`is_input`; :func:`kept_inputs` says for how long a file counts as
an input. Files are compared by device and inode, so other names of a file, links included, are the same file.

A file is read in many places, far below the command that reads it. So the running blocks are not passed down as an
argument: they are a context variable, and commands in other threads or tasks do not see each other's.
"""

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

FileKey = tuple[int, int]
"""Device and inode."""

# One set for each running block; a stream beside another, or inside a command, has its own.
_blocks: ContextVar[tuple[set[FileKey], ...]] = ContextVar('blocks that keep their inputs', default=())


@contextlib.contextmanager
def kept_inputs(*paths: object) -> Iterator[None]:
    """While the block runs, no output may be one of ``paths`` or of the files that are read meanwhile.

    Args:
        paths: Files that were read before; values that are no path of a file are passed over.
    """
    files: set[FileKey] = set()
    _blocks.set((*_blocks.get(), files))
    try:
        for path in paths:
            if isinstance(path, str | Path):
                note_input(path)
        yield
    finally:
        files.clear()  # a generator may end in another context, which the variable of the first one outlives
        _blocks.set(tuple(block for block in _blocks.get() if block is not files))


def note_input(path: str | Path) -> None:
    """Count ``path`` as an input of all running blocks."""
    blocks = _blocks.get()
    key = _key(path) if blocks else None
    if key is not None:
        for files in blocks:
            files.add(key)


def is_input(path: str | Path) -> bool:
    """Whether ``path`` is a file that a running block has read."""
    blocks = _blocks.get()
    key = _key(path) if blocks else None
    return key is not None and any(key in files for files in blocks)


def _key(path: str | Path) -> FileKey | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a zero byte in the path
        return None
    return status.st_dev, status.st_ino
