import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.web.limits import Limits
from mmrcf.web.uploads import prepare_upload


def png(level: int, side: int = 8) -> bytes:
    return cv2.imencode('.png', np.full((side, side, 3), level, np.uint8))[1].tobytes()


@pytest.fixture
def write_zip(tmp_path: Path) -> Callable[..., Path]:
    def write(**members: bytes) -> Path:
        path = tmp_path / 'images.zip'
        with zipfile.ZipFile(path, 'w') as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    return write


def test_a_video_is_taken_as_it_is(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mp4')
    assert prepare_upload(clip, tmp_path / 'images', Limits()) == clip
    assert not (tmp_path / 'images').exists()


def test_images_come_in_natural_order_whatever_their_folders(tmp_path: Path, write_zip: Callable[..., Path]) -> None:
    members = {'a/10.png': png(30), 'a/9.png': png(20), 'a/1.png': png(10), 'a/notes.txt': b'x', '__MACOSX/a.png': b'x'}
    with open_source(prepare_upload(write_zip(**members), tmp_path / 'images', Limits())) as source:
        assert [int(frame.image[0, 0, 0]) for frame in source] == [10, 20, 30]


OUTSIDE = ['../../outside.png', '/outside.png', 'a\\..\\..\\outside.png', './a/../../outside.png']


@pytest.mark.parametrize('name', OUTSIDE)
def test_an_archive_cannot_write_elsewhere(tmp_path: Path, write_zip: Callable[..., Path], name: str) -> None:
    folder = prepare_upload(write_zip(**{name: png(1)}), tmp_path / 'deep' / 'images', Limits())
    assert [path.name for path in folder.iterdir()] == ['000000.png']
    assert {path.name for path in tmp_path.rglob('*.png')} == {'000000.png'}


@pytest.mark.parametrize(
    ('members', 'limits', 'message'),
    [
        ({'a.txt': b'text'}, Limits(), 'images.zip: holds no images; expected'),
        ({f'{i}.png': png(i) for i in range(4)}, Limits(images=3), 'holds 4 images; at most 3'),
        ({'a.png': bytes(5 * 2**20)}, Limits(upload_mib=1), 'its images are larger than 4 MiB'),
    ],
    ids=['none', 'many', 'large'],
)
def test_limits(
    tmp_path: Path, write_zip: Callable[..., Path], members: dict[str, bytes], limits: Limits, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        prepare_upload(write_zip(**members), tmp_path / 'images', limits)
    assert not list(tmp_path.rglob('*.png'))


def test_a_damaged_archive_is_an_input_error(tmp_path: Path, write_zip: Callable[..., Path]) -> None:
    path = write_zip(**{'a.png': png(1)})
    content = bytearray(path.read_bytes())
    content[45:50] = b'xxxxx'
    path.write_bytes(content)
    with pytest.raises(InputError, match='images.zip: a.png cannot be unpacked'):
        prepare_upload(path, tmp_path / 'images', Limits())


def test_a_size_that_is_a_lie_bounds_what_is_written(tmp_path: Path) -> None:
    path, size = tmp_path / 'images.zip', 5 * 2**20
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a.png', bytes(size))
    content = path.read_bytes()
    assert content.count(size.to_bytes(4, 'little')) == 2, 'in the header of the file and in the list of contents'
    path.write_bytes(content.replace(size.to_bytes(4, 'little'), (1000).to_bytes(4, 'little')))
    with pytest.raises(InputError, match='images.zip: a.png cannot be unpacked'):
        prepare_upload(path, tmp_path / 'images', Limits(upload_mib=1))
    assert sum(file.stat().st_size for file in (tmp_path / 'images').iterdir()) <= 1000
