"""Files in: one that is missing or cannot be read is named."""

import codecs
import json
import os
from pathlib import Path
from typing import Any

from mmrcf.errors import InputError, InputFileError
from mmrcf.inputs import is_output, note_input

MAX_TEXT_BYTES = 2**31
"""Largest text file that is read by default."""
MAX_PIPE_BYTES = 2**28
"""How much is read of a pipe or a device, where a text is expected."""

LFS_START = b'version https://git-lfs.github.com/spec/'
MAX_LFS_POINTER = 1024
"""By its specification, in bytes."""

ARCHIVE_STARTS = {
    b'\x1f\x8b': 'gzip',
    b'PK\3\4': 'zip',
    b'BZh': 'bzip2',
    b'\xfd7zXZ\0': 'xz',
    b'\x28\xb5\x2f\xfd': 'zstd',
}
"""What a packed file begins with, and by what it is packed."""


def require_file(path: str | Path, what: str) -> Path:
    """Return ``path`` if it is a readable, non-empty file. It counts as an input then, see :mod:`mmrcf.inputs`.

    Args:
        path: The file.
        what: Its role, for the message ('annotation file', 'checkpoint').

    Raises:
        InputFileError: It is missing, a folder, empty or unreadable, or an announced output.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise InputFileError(f'{what} {path}: expected a file, found a folder; give the path of the file itself')
    if not os.path.exists(path):  # where Path.exists raises for a name that no file system takes
        raise InputFileError(f'{what} {path}: no such file; check the path')
    if not os.access(path, os.R_OK):
        raise InputFileError(f'{what} {path}: not readable; check its permissions')
    if path.is_file() and path.stat().st_size == 0:
        raise InputFileError(f'{what} {path}: the file is empty; write or download it again')
    if _is_lfs_pointer(path):
        raise InputFileError(
            f'{what} {path}: is the pointer of a file in Git LFS; get the file itself by "git lfs pull"'
        )
    if is_output(path):
        raise InputFileError(
            f'{what} {path}: is an output of this command too, which would replace it; choose another name for that'
        )
    note_input(path)
    return path


def _is_lfs_pointer(path: Path) -> bool:
    """Whether a file is what a repository holds in place of a large one, where Git LFS is not installed."""
    if not path.is_file() or path.stat().st_size > MAX_LFS_POINTER:
        return False
    with path.open('rb') as file:
        return file.read(len(LFS_START)) == LFS_START


def require_folder(path: str | Path, what: str) -> Path:
    """Return ``path`` if it is a folder; raise :class:`InputFileError` otherwise."""
    path = Path(path)
    if not os.path.exists(path):
        raise InputFileError(f'{what} {path}: no such folder; check the path')
    if not os.path.isdir(path):
        raise InputFileError(f'{what} {path}: expected a folder, found a file; give the folder that holds it')
    return path


def read_text(path: str | Path, what: str, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """The content of a text file: UTF-8, with or without a byte-order mark, or UTF-16 with one, as Windows writes it.

    Args:
        path: The file. Of a pipe or a device, which may have no end, at most ``MAX_PIPE_BYTES`` are read.
        what: Its role, for messages.
        max_bytes: Largest file.

    Raises:
        InputFileError: The file is missing, cannot be read or is too large.
        InputError: It is packed, in another encoding, or no text.
    """
    path = require_file(path, what)
    try:
        size = path.stat().st_size if path.is_file() else MAX_PIPE_BYTES
        with path.open('rb') as file:
            content = None if size > max_bytes else file.read(size + 1)
    except OSError as error:
        raise InputFileError(f'{what} {path}: cannot be read ({error.strerror}); check the path') from error
    if content is None or len(content) > size:
        raise InputFileError(f'{what} {path}: holds more than {min(size, max_bytes)} bytes; give a smaller file')
    packed = next((kind for start, kind in ARCHIVE_STARTS.items() if content.startswith(start)), None)
    if packed is not None:
        raise InputError(f'{what} {path}: is packed by {packed}; unpack it and give the text')
    encoding = 'utf-16' if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else 'utf-8-sig'
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f'{what} {path}: not a text file in UTF-8; save it as UTF-8') from error


def read_json(path: str | Path, what: str) -> Any:
    """Read a JSON file. Raises :class:`InputError` naming file and line if it is not valid JSON."""
    return parse_json(read_text(path, what), f'{what} {path}')


def parse_json(text: str | bytes, where: str, **options: Any) -> Any:
    """Parse JSON.

    Args:
        text: From a file that anybody may have written.
        where: The file, for messages.
        options: Of ``json.loads``.

    Raises:
        InputError: It is not valid JSON, an object has a key twice with different values, it lies too deep, or holds a
            number of thousands of digits.
    """

    def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            # Python's reader takes the last value, others the first one.
            key = next((key for key, value in pairs if not _is_same(value, content[key])), None)
            if key is not None:
                raise InputError(
                    f'{where}: key {key!r} occurs twice in one object, with different values; keep one of them'
                )
        return content

    try:
        return json.loads(text, **{'object_pairs_hook': unambiguous, **options})
    except InputError:
        raise
    except json.JSONDecodeError as error:
        if text.lstrip()[:1] in ('<', b'<'):
            raise InputError(f'{where}: is a web page or XML, expected JSON; download the file itself') from error
        raise InputError(
            f'{where}: not valid JSON at line {error.lineno}, column {error.colno} ({error.msg}); '
            'the file may be truncated'
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f'{where}: not text in UTF-8; expected JSON') from error
    except RecursionError as error:
        raise InputError(f'{where}: lists and objects lie too deep in each other; expected plain JSON') from error
    except ValueError as error:  # Python's limit for the digits of a whole number
        raise InputError(f'{where}: holds a number that is too long ({error}); expected plain JSON') from error


def _is_same(value: Any, other: Any) -> bool:
    """Whether two values of JSON are equal; also NaN, which is not equal to itself."""
    return value == other or json.dumps(value) == json.dumps(other)
