"""Text and JSON from anywhere: bounded, and an error of one line where they cannot be used."""

import bz2
import gzip
import lzma
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmrcf.errors import InputError
from mmrcf.utils import files, parse_json, read_json, read_text, require_file


def test_text_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / 'a.txt').write_bytes(b'\xef\xbb\xbfa\xc3\xa9')
    assert read_text(tmp_path / 'a.txt', 'list') == 'aé'
    (tmp_path / 'a.txt').write_bytes(b'a\xff')
    with pytest.raises(InputError, match=r'list .*a\.txt: not a text file in UTF-8'):
        read_text(tmp_path / 'a.txt', 'list')


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / 'a.txt').open('wb') as file:
        file.truncate(2**40)  # takes no place on the disk
    with pytest.raises(InputError, match=f'holds more than {2**31} bytes'):
        read_text(tmp_path / 'a.txt', 'list')
    (tmp_path / 'a.txt').write_text('abc')
    assert read_text(tmp_path / 'a.txt', 'list', max_bytes=3) == 'abc'
    with pytest.raises(InputError, match='holds more than 2 bytes'):
        read_text(tmp_path / 'a.txt', 'list', max_bytes=2)


@pytest.mark.skipif(sys.platform == 'win32', reason='has no devices as files')
def test_a_device_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, 'MAX_PIPE_BYTES', 1000)
    with pytest.raises(InputError, match=r'annotation file /dev/zero: holds more than 1000 bytes'):
        read_json('/dev/zero', 'annotation file')


@pytest.mark.skipif(sys.platform == 'win32', reason='has no pipes as files')
def test_a_pipe_is_read(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b'{"a": 1}')
    os.close(writer)
    assert read_json(f'/dev/fd/{reader}', 'annotation file') == {'a': 1}
    os.close(reader)


def test_the_pointer_of_a_large_file_is_named(tmp_path: Path) -> None:
    """A repository that was cloned without Git LFS holds pointers."""
    pointer = b'version https://git-lfs.github.com/spec/v1\noid sha256:' + b'0' * 64 + b'\nsize 123\n'
    (tmp_path / 'a.mp4').write_bytes(pointer)
    with pytest.raises(InputError, match=r'video .*a\.mp4: is the pointer of a file in Git LFS; .*git lfs pull'):
        require_file(tmp_path / 'a.mp4', 'video')


def test_a_key_may_occur_twice_with_the_same_value() -> None:
    assert str(parse_json('{"a": NaN, "b": {"c": 1}, "b": {"c": 1}, "a": NaN}', 'file')) == "{'a': nan, 'b': {'c': 1}}"


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[1,', 'not valid JSON at line 1, column 4'),
        ('[' * 100_000 + ']' * 100_000, 'too deep'),
        ('9' * 5_000, 'a number that is too long'),
        (b'"\xff"', 'not text in UTF-8'),
        ('{"a": [{"id": 1, "id": 2}]}', "key 'id' occurs twice in one object, with different values; keep one"),
        ('{"annotations": [1, 2], "b": 0, "b": 0, "annotations": []}', "key 'annotations' occurs twice"),
        ('', 'not valid JSON'),
        ('\n<!DOCTYPE html><html></html>', 'is a web page or XML, expected JSON'),
    ],
)
def test_what_is_no_json_is_named(text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=f'^file: .*{message}'):
        parse_json(text, 'file')


@pytest.mark.parametrize(('pack', 'kind'), [(gzip.compress, 'gzip'), (bz2.compress, 'bzip2'), (lzma.compress, 'xz')])
def test_a_packed_text_is_named(tmp_path: Path, pack: Callable[[bytes], bytes], kind: str) -> None:
    (tmp_path / 'a.json').write_bytes(pack(b'[]'))
    with pytest.raises(InputError, match=rf'results .*a\.json: is packed by {kind}; unpack it'):
        read_json(tmp_path / 'a.json', 'results')
