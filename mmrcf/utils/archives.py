"""Zip files and the arrays in them: a damaged one is named, and what a small one unpacks to is bounded."""

import contextlib
import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from mmrcf.errors import InputError

from .files import require_file


def open_zip(path: str | Path, what: str) -> zipfile.ZipFile:
    """Open a zip file; ``what`` is its role, for messages.

    Raises:
        InputFileError: It is missing.
        InputError: It is no zip file, or a damaged one.
    """
    path = require_file(path, what)
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # a damaged list of contents may raise almost anything
        raise InputError(f'{what} {path}: not a readable zip file ({error}); copy or write it again') from error


@contextlib.contextmanager
def unpacked(archive: zipfile.ZipFile, name: str, where: str) -> Iterator[IO[bytes]]:
    """One file of an archive, open while the block runs. It gives no more bytes than its ``ZipInfo.file_size`` claims.

    Args:
        archive: The archive.
        name: The file in it.
        where: The archive, for messages.

    Raises:
        InputError: It is not in the archive, damaged, encrypted, or packed in another way. So is whatever else the
            block raises: do no more in it than read.
    """
    try:
        with archive.open(name) as file:
            yield file
    except KeyError as error:
        raise InputError(f'{where}: has no {name}; give another file') from error
    except Exception as error:  # encrypted, or one of those that each way of packing has
        raise InputError(f'{where}: {name} cannot be unpacked ({error}); copy or write it again') from error


def read_member(archive: zipfile.ZipFile, name: str, where: str, max_bytes: int) -> bytes:
    """Unpack one file of an archive.

    Args:
        archive: The archive.
        name: The file in it.
        where: The archive, for messages.
        max_bytes: Largest content: a small archive may hold gigabytes of one letter.

    Raises:
        InputError: It is not in the archive, damaged, encrypted, packed in another way, or larger.
    """
    with unpacked(archive, name, where) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise InputError(
            f'{where}: {name} unpacks to more than {max_bytes} bytes; if it can be trusted, unpack it first'
        )
    return content


def read_arrays(archive: zipfile.ZipFile, name: str, where: str, max_bytes: int) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` file in an archive, by name; NumPy itself allocates what a header asks for.

    Args:
        archive: The archive.
        name: The ``.npz`` file in it.
        where: The archive, for messages.
        max_bytes: Largest size of it, packed or not.

    Raises:
        InputError: It is damaged or larger, or holds Python objects.
    """
    content = read_member(archive, name, where, max_bytes)
    arrays = {}
    try:
        inner = zipfile.ZipFile(io.BytesIO(content))
    except Exception as error:
        raise InputError(f'{where}: {name} is no file of arrays ({error}); write it again') from error
    for member in inner.namelist():
        left = max_bytes - sum(array.nbytes for array in arrays.values())
        data = read_member(inner, member, f'{where}: {name}', left)
        try:
            arrays[member.removesuffix('.npy')] = _array(data)
        except Exception as error:  # damaged headers raise almost anything
            raise InputError(f'{where}: {name}: {member} is no array ({error}); write it again') from error
    return arrays


def _array(data: bytes) -> np.ndarray:
    """An ``.npy`` file in memory: its numbers are all there, or it is an error."""
    file = io.BytesIO(data)
    read_header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    version, _ = np.lib.format.read_magic(file)
    shape, _, dtype = read_header[version](file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise ValueError(f'{dtype} {shape} in {len(data)} bytes')
    return np.load(io.BytesIO(data), allow_pickle=False)
