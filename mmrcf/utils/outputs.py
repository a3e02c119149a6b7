"""Files out: an output appears under its name when it is complete, and never in place of an input."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from mmrcf.errors import InputError, InputFileError
from mmrcf.inputs import is_input

try:
    import fcntl
except ImportError:  # Windows: unfinished files of killed processes stay there
    fcntl = None

# A name of 255 bytes is the limit of most file systems, whatever the length of the output's own name.
_STEM_BYTES, _SUFFIX_BYTES = 100, 16
_UNFINISHED = re.compile(r'\..*\.[0-9a-f]{8}\.[a-z0-9_]{8}\.partial(\.[^.]*)?', re.DOTALL)

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# One set for each open output of a command, with its file while it is open.
_open_outputs: ContextVar[tuple[set[Path], ...]] = ContextVar('open outputs', default=())


@contextlib.contextmanager
def atomic_output(path: str | Path, *, updates: bool = False, tidy: bool = True) -> Iterator[Path]:
    """Yield a temporary path (same suffix) that becomes ``path`` when the block ends without an error.

    It is beside ``path``, or beside the file that ``path`` links to: links stay links. On an error, an interrupt
    included, it is removed and ``path`` stays as it was. A killed process leaves it behind; the next output in the same
    folder removes it. A device or a pipe gets the content when the block ends.

    Args:
        path: The output.
        updates: The file is read to be written again, so it may be an input.
        tidy: Look through the folder for what killed processes left behind.

    Raises:
        InputFileError: The folder cannot be created or written to, the disk is full, or ``path`` is a folder.
        InputError: ``path`` is an input of the command (:mod:`mmrcf.inputs`), or is being written already.
    """
    path = Path(path)
    with _reserved(path) as target:
        if not updates:
            _refuse_input(path, target)
        with _unfinished_file(path, target, tidy) as temporary:
            yield temporary
            if not updates:
                _refuse_input(path, target)
            _put_in_place(path, temporary, target)


def require_writable(path: str | Path) -> None:
    """Try what :func:`atomic_output` does before its block, so that long work does not end in its error.

    Nothing is written, but the folder of ``path`` is created.

    Args:
        path: A later output.

    Raises:
        InputFileError: As :func:`atomic_output`.
        InputError: As :func:`atomic_output`.
    """
    path = Path(path)
    with _reserved(path) as target:
        _refuse_input(path, target)
        with _unfinished_file(path, target):
            pass


def write_json(path: str | Path, content: Any, *, updates: bool = False) -> None:
    """Write ``content`` as JSON to ``path``, complete or not at all; ``updates`` as of :func:`atomic_output`."""
    with atomic_output(path, updates=updates) as temporary:
        temporary.write_text(json.dumps(content), encoding='utf-8')


@contextlib.contextmanager
def only_writer(folder: str | Path, patience: float = 10.0) -> Iterator[None]:
    """Let no other process into such a block for the same folder. A killed process gives the folder free.

    Nothing is written. Where a folder cannot be locked (Windows, some network file systems), nothing is checked.

    Args:
        folder: An existing folder.
        patience: Seconds to wait for the other process. Workers that load data hold a lock for some seconds after the
            process that they belong to was killed.

    Raises:
        InputError: Another process is in its block.
    """
    with contextlib.ExitStack() as stack:
        if fcntl is not None:
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            end = time.monotonic() + patience
            while _held_elsewhere(handle):
                if time.monotonic() > end:
                    raise InputError(
                        f'{folder}: another process writes there; wait for its end, or choose another folder'
                    )
                time.sleep(0.2)
            # Closing would not be enough: a process that was forked in the block shares the lock.
            stack.callback(fcntl.flock, handle, fcntl.LOCK_UN)
        yield


def _held_elsewhere(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # the file system has no locks
        pass
    return False


def _refuse_input(path: Path, target: Path) -> None:
    if is_input(target):
        raise InputError(f'output {path}: is an input of this command, which it would replace; choose another name')


@contextlib.contextmanager
def _reserved(path: Path) -> Iterator[Path]:
    """The file behind ``path``, which is no other output of the command until the block ends.

    Two threads that write one file do not see each other; it is then the complete file of the later one.
    """
    if os.path.isdir(path):  # False for a name that no file system takes, which fails later
        raise InputFileError(f'output {path}: is a folder; give a file name')
    # A name in /dev/fd leads to no path that could be resolved.
    target = path if _is_special(path) else Path(os.path.realpath(path))
    if any(target in files for files in _open_outputs.get()):
        raise InputError(f'output {path}: is written already, as another output; give each output its own name')
    reserved = {target}
    _open_outputs.set((*_open_outputs.get(), reserved))
    try:
        yield target
    finally:
        reserved.clear()  # the block of a generator may end in another context
        _open_outputs.set(tuple(files for files in _open_outputs.get() if files))


@contextlib.contextmanager
def _unfinished_file(path: Path, target: Path, tidy: bool = True) -> Iterator[Path]:
    """A new, locked file for what becomes ``target``; removed at the end if it is still there."""
    folder = Path(tempfile.gettempdir()) if _is_special(target) else target.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.lstat(target)  # a name that the file system does not take fails here, not after the work
        if tidy:
            _remove_unfinished(folder)
        handle, temporary = _create_locked(folder, target)
    except OSError as error:
        raise InputFileError(f'output {path}: cannot write there ({error.strerror}); choose another path') from error
    try:
        yield temporary
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        full = InputFileError(f'output {path}: cannot be written ({error.strerror}); free some space')
        full.errno = error.errno  # a training says besides how it continues
        raise full from error
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


def _create_locked(folder: Path, target: Path) -> tuple[int, Path]:
    stem = os.fsencode(target.stem)[:_STEM_BYTES].decode('utf-8', 'ignore')  # names that are no UTF-8 trouble FFmpeg
    suffix = target.suffix if len(os.fsencode(target.suffix)) <= _SUFFIX_BYTES else ''
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=f'.{stem}.{digest}.', suffix=f'.partial{suffix}')
        _lock(handle)
        if os.path.exists(name):  # else another process took it for abandoned before the lock
            return handle, Path(name)
        os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open file until it is closed, by the end of the process at the latest; False if that is not possible."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another process has it, or the file system has no locks
        return False
    return True


def _remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left in ``folder``: files of this module that no process holds locked."""
    for entry in list(os.scandir(folder)):
        if not _UNFINISHED.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
            continue
        with contextlib.suppress(OSError):  # of another user, or gone
            handle = os.open(entry.path, os.O_RDWR)
            try:
                if _lock(handle):
                    os.unlink(entry.path)
            finally:
                os.close(handle)


def _put_in_place(path: Path, temporary: Path, target: Path) -> None:
    try:
        _replace(temporary, target)
    except OSError as error:
        raise InputFileError(f'output {path}: cannot be written ({error.strerror}); check the place') from error


def _replace(temporary: Path, target: Path) -> None:
    if _is_special(target):
        with temporary.open('rb') as content, target.open('wb', buffering=0) as output:
            shutil.copyfileobj(content, output)
        return
    if target.exists():
        shutil.copymode(target, temporary)
    else:
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
    # Else a power cut could leave the name with a file whose content was never written.
    _flush(temporary)
    temporary.replace(target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk."""
    if path.is_dir() and os.name == 'nt':
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_special(path: Path) -> bool:
    """Whether ``path`` is a device or a pipe."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)
