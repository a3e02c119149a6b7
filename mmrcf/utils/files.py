"""Files in and out: a missing input is named, an output appears under its final name only when complete."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmrcf.errors import InputError, InputFileError


def require_file(path: str | Path, what: str) -> Path:
    """Return ``path`` if it is a readable, non-empty file.

    Args:
        path: The file.
        what: Its role, for the message ('annotation file', 'checkpoint').

    Raises:
        InputFileError: It is missing, a folder, empty or unreadable.
    """
    path = Path(path)
    if path.is_dir():
        raise InputFileError(f'{what} {path}: expected a file, found a folder; give the path of the file itself')
    if not path.exists():
        raise InputFileError(f'{what} {path}: no such file; check the path')
    if not os.access(path, os.R_OK):
        raise InputFileError(f'{what} {path}: not readable; check its permissions')
    if path.is_file() and path.stat().st_size == 0:
        raise InputFileError(f'{what} {path}: the file is empty; write or download it again')
    return path


def require_folder(path: str | Path, what: str) -> Path:
    """Return ``path`` if it is a folder; raise :class:`InputFileError` otherwise."""
    path = Path(path)
    if not path.exists():
        raise InputFileError(f'{what} {path}: no such folder; check the path')
    if not path.is_dir():
        raise InputFileError(f'{what} {path}: expected a folder, found a file; give the folder that holds it')
    return path


def read_json(path: str | Path, what: str) -> Any:
    """Read a JSON file. Raises :class:`InputError` naming file and line if it is not valid JSON."""
    path = require_file(path, what)
    try:
        return json.loads(path.read_text(encoding='utf-8-sig'))  # with or without a byte-order mark
    except json.JSONDecodeError as error:
        raise InputError(
            f'{what} {path}: not valid JSON at line {error.lineno}, column {error.colno} ({error.msg}); '
            'the file may be truncated'
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f'{what} {path}: not a text file in UTF-8; expected JSON') from error
    except RecursionError as error:
        raise InputError(f'{what} {path}: lists and objects lie too deep in each other; expected plain JSON') from error
    except ValueError as error:  # Python's limit for the digits of a whole number
        raise InputError(f'{what} {path}: holds a number that is too long ({error}); expected plain JSON') from error


@contextlib.contextmanager
def atomic_output(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` (same suffix) that becomes ``path`` when the block ends without an error.

    On an error, an interrupt included, the temporary file is removed and ``path`` stays as it was.

    Raises:
        InputFileError: The folder cannot be created or written to, or ``path`` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise InputFileError(f'output {path}: is a folder; give a file name')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.stem}.', suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise InputFileError(f'output {path}: cannot write there ({error.strerror}); choose another place') from error
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """Write ``content`` as JSON to ``path``, complete or not at all."""
    with atomic_output(path) as temporary:
        temporary.write_text(json.dumps(content), encoding='utf-8')
