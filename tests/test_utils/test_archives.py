"""Zip files of strangers: what is damaged is named, and nothing unpacks to more than it may."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmrcf.errors import InputError
from mmrcf.utils.archives import open_zip, read_arrays, read_member


def write_zip(path: Path, method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, 'w', method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def changed(path: Path, position: int, value: int) -> Path:
    """With one byte of the entry in the central directory changed: 8 flags, 10 method, 16 checksum."""
    content = bytearray(path.read_bytes())
    content[content.rfind(b'PK\x01\x02') + position] = value
    path.write_bytes(content)
    return path


def test_a_member_is_unpacked_up_to_a_limit(tmp_path: Path) -> None:
    with open_zip(write_zip(tmp_path / 'a.zip', a=b'a' * 10_000), 'archive') as archive:
        assert read_member(archive, 'a', 'archive', 10_000) == b'a' * 10_000
        with pytest.raises(InputError, match='archive: a unpacks to more than 9999 bytes'):
            read_member(archive, 'a', 'archive', 9_999)
        with pytest.raises(InputError, match='archive: has no b'):
            read_member(archive, 'b', 'archive', 1)


@pytest.mark.parametrize(
    ('position', 'value', 'reason'), [(8, 1, 'encrypted'), (10, 99, 'compression'), (16, 0, 'CRC')]
)
def test_a_member_that_cannot_be_unpacked_is_named(tmp_path: Path, position: int, value: int, reason: str) -> None:
    with (
        open_zip(changed(write_zip(tmp_path / 'a.zip', a=b'abcd'), position, value), 'archive') as archive,
        pytest.raises(InputError, match=rf'archive: a cannot be unpacked \(.*{reason}'),
    ):
        read_member(archive, 'a', 'archive', 100)


@pytest.mark.parametrize('method', [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_data_are_named_whatever_the_method(tmp_path: Path, method: int) -> None:
    path = write_zip(tmp_path / 'a.zip', method, a=bytes(range(256)) * 20)
    content = bytearray(path.read_bytes())
    content[40:60] = b'\xff' * 20
    path.write_bytes(content)
    with open_zip(path, 'archive') as archive, pytest.raises(InputError, match='a cannot be unpacked'):
        read_member(archive, 'a', 'archive', 10**6)


def test_what_is_no_zip_is_named(tmp_path: Path) -> None:
    (tmp_path / 'a.zip').write_bytes(b'PK\x05\x06' + b'\xff' * 18)
    with pytest.raises(InputError, match=r'archive .*a\.zip: not a readable zip file'):
        open_zip(tmp_path / 'a.zip', 'archive')


def array_file(array: np.ndarray, shape: tuple[int, ...] | None = None) -> bytes:
    """An ``.npy`` file whose header states ``shape``."""
    file = io.BytesIO()
    if shape is None:
        np.save(file, array, allow_pickle=True)
    else:
        header = dict(descr=np.lib.format.dtype_to_descr(array.dtype), fortran_order=False, shape=shape)
        np.lib.format.write_array_header_1_0(file, header)
        file.write(array.tobytes())
    return file.getvalue()


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Any]:
    """``read(x=...)``: arrays of an ``.npz`` file of these members in an archive."""

    def read_npz(max_bytes: int = 10**6, **members: bytes) -> dict[str, np.ndarray]:
        inner = write_zip(tmp_path / 'a.npz', **{f'{name}.npy': content for name, content in members.items()})
        with open_zip(write_zip(tmp_path / 'a.zip', a=inner.read_bytes()), 'archive') as archive:
            return read_arrays(archive, 'a', 'archive', max_bytes)

    return read_npz


def test_arrays_come_back(read) -> None:
    arrays = read(x=array_file(np.arange(6).reshape(2, 3).T), y=array_file(np.float16(2.5)), z=array_file(np.zeros(0)))
    assert arrays['x'].tolist() == [[0, 3], [1, 4], [2, 5]] and arrays['y'] == 2.5 and arrays['z'].shape == (0,)


@pytest.mark.parametrize('shape', [(10**6, 10**6), (10**20,), (-1,), (5,), (3,)])
def test_a_header_that_promises_another_size_takes_no_memory(read, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r'archive: a: x\.npy is no array'):
        read(x=array_file(np.arange(4), shape))


def test_objects_and_what_is_no_array_are_refused(read) -> None:
    for content in (array_file(np.array([{}], dtype=object)), b'', b'\x93NUMPY\x01\x00\x10\x00{', b'text'):
        with pytest.raises(InputError, match=r'x\.npy is no array'):
            read(x=content)


def test_arrays_share_the_limit(read) -> None:
    half = array_file(np.zeros(600, np.uint8))
    assert len(read(1500, x=half, y=half)) == 2
    with pytest.raises(InputError, match=r'z\.npy unpacks to more than'):
        read(1500, x=half, y=half, z=half)
