"""The files that a command reads. None of them may become one of its outputs.

Readers call :func:`note_input`, outputs ask :func:`is_input`; :func:`kept_inputs` says for how long a file counts as
an input. Files are compared by device and inode, so other names of a file, links included, are the same file.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

FileKey = tuple[int, int]
"""Device and inode."""

# One set for each running block; a stream beside another, or inside a command, has its own.
_blocks: list[set[FileKey]] = []
_changes = threading.Lock()


@contextlib.contextmanager
def kept_inputs(*paths: object) -> Iterator[None]:
    """While the block runs, no output may be one of ``paths`` or of the files that are read meanwhile.

    Args:
        paths: Files that were read before; values that are no path of a file are passed over.
    """
    files: set[FileKey] = set()
    with _changes:
        _blocks.append(files)
    try:
        for path in paths:
            if isinstance(path, str | Path):
                note_input(path)
        yield
    finally:
        with _changes:
            _blocks[:] = [block for block in _blocks if block is not files]


def note_input(path: str | Path) -> None:
    """Count ``path`` as an input of all running blocks."""
    key = _key(path) if _blocks else None
    if key is not None:
        for files in _blocks:
            files.add(key)


def is_input(path: str | Path) -> bool:
    """Whether ``path`` is a file that a running block has read."""
    key = _key(path) if _blocks else None
    return key is not None and any(key in files for files in _blocks)


def _key(path: str | Path) -> FileKey | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a zero byte in the path
        return None
    return status.st_dev, status.st_ino
