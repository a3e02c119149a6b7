"""Files in: one that is missing or cannot be read is named."""

import codecs
import json
import os
from pathlib import Path
from typing import Any

from mmrcf.errors import InputError, InputFileError
from mmrcf.inputs import is_output, note_input


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
    if is_output(path):
        raise InputFileError(
            f'{what} {path}: is an output of this command too, which would replace it; choose another name for that'
        )
    note_input(path)
    return path


def require_folder(path: str | Path, what: str) -> Path:
    """Return ``path`` if it is a folder; raise :class:`InputFileError` otherwise."""
    path = Path(path)
    if not path.exists():
        raise InputFileError(f'{what} {path}: no such folder; check the path')
    if not path.is_dir():
        raise InputFileError(f'{what} {path}: expected a folder, found a file; give the folder that holds it')
    return path


def read_text(path: str | Path, what: str) -> str:
    """Read a text file: UTF-8, with or without a byte-order mark, or UTF-16 with one, as Windows writes it.

    Raises:
        InputFileError: As :func:`require_file`.
        InputError: It is in another encoding, or no text.
    """
    path = require_file(path, what)
    content = path.read_bytes()
    encoding = 'utf-16' if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else 'utf-8-sig'
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f'{what} {path}: not a text file in UTF-8; save it as UTF-8') from error


def read_json(path: str | Path, what: str) -> Any:
    """Read a JSON file. Raises :class:`InputError` naming file and line if it is not valid JSON."""
    text = read_text(path, what)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f'{what} {path}: not valid JSON at line {error.lineno}, column {error.colno} ({error.msg}); '
            'the file may be truncated'
        ) from error
    except RecursionError as error:
        raise InputError(f'{what} {path}: lists and objects lie too deep in each other; expected plain JSON') from error
    except ValueError as error:  # Python's limit for the digits of a whole number
        raise InputError(f'{what} {path}: holds a number that is too long ({error}); expected plain JSON') from error
