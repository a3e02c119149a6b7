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
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

FileKey = tuple[int, int]
"""Device and inode."""


@dataclass(eq=False)
class _Block:
    """What a block has read and will write, while it runs."""

    inputs: set[FileKey] = field(default_factory=set)
    folders: dict[FileKey, frozenset[str]] = field(default_factory=dict)
    outputs: set[tuple[FileKey, int]] = field(default_factory=set)
    ended: bool = False


# One for each running block; a stream beside another, or inside a command, has its own.
_blocks: ContextVar[tuple[_Block, ...]] = ContextVar('blocks that keep their inputs', default=())


@contextlib.contextmanager
def kept_inputs(*paths: object) -> Iterator[None]:
    """While the block runs, no output may be one of ``paths`` or of the files that are read meanwhile.

    Args:
        paths: Files that were read before; values that are no path of a file are passed over.
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
    key = _key(path) if blocks else None
    if key is not None:
        for block in blocks:
            block.inputs.add(key)


def note_folder(path: str | Path, suffixes: Iterable[str]) -> None:
    """Count the files with these suffixes, in ``path`` and below, as inputs: other processes read them later."""
    blocks = _running()
    key = _key(path) if blocks else None
    if key is not None:
        for block in blocks:
            block.folders[key] = block.folders.get(key, frozenset()) | frozenset(suffixes)


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
    key = _key(path) if blocks else None
    if key is None:
        return False
    if any(key in block.inputs for block in blocks):
        return True
    path = Path(path)
    folders = {_key(parent) for parent in path.absolute().parents} if any(block.folders for block in blocks) else ()
    return any(path.suffix in block.folders.get(folder, ()) for block in blocks for folder in folders)


def is_output(path: str | Path) -> bool:
    """Whether ``path`` is a file that a running block has announced as its output."""
    blocks = _running()
    version = _version(path) if blocks else None
    return version is not None and any(version in block.outputs for block in blocks)


def _version(path: str | Path) -> tuple[FileKey, int] | None:
    """A file and the time of its last change: where an output is replaced, another file may get its old inode."""
    key = _key(path)
    return None if key is None else (key, os.stat(path).st_mtime_ns)


def _key(path: str | Path) -> FileKey | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a zero byte in the path
        return None
    return status.st_dev, status.st_ino
