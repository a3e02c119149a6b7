import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmrcf.errors import InputError
from mmrcf.media import ImageSource, open_source
from mmrcf.media.image_source import natural_order


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images named 1.jpg to 12.jpg, whose red tells their number."""
    for number in range(1, 13):
        image = np.zeros((30, 41, 3), np.uint8)
        image[..., 2] = 20 * number
        cv2.imwrite(str(tmp_path / f'{number}.jpg'), image)
    (tmp_path / 'notes.txt').write_text('not an image')
    return tmp_path


def numbers(source: ImageSource) -> list[int]:
    return [round(frame.image[..., 0].mean() / 20) for frame in source]


def test_folder_in_natural_order(folder: Path) -> None:
    source = open_source(folder)
    assert (source.height, source.width, source.fps, source.num_frames) == (30, 41, 6.0, 12)
    assert numbers(source) == list(range(1, 13))
    assert source.file_names[:2] == ['1.jpg', '2.jpg']


def test_glob(folder: Path) -> None:
    assert numbers(open_source(f'{folder}/1*.jpg')) == [1, 10, 11, 12]


def test_glob_in_a_folder_with_a_bracket(folder: Path) -> None:
    clip = folder / 'clip [1]'
    clip.mkdir()
    for number in (2, 3):
        (folder / f'{number}.jpg').rename(clip / f'{number}.jpg')
    assert numbers(open_source(f'{clip}/*.jpg')) == [2, 3]
    source = open_source(f'{folder}/**/[1-3].jpg')
    assert source.file_names == ['1.jpg', 'clip [1]/2.jpg', 'clip [1]/3.jpg'], 'from the folder that holds all of them'


def test_brackets_of_a_glob_that_find_nothing_are_those_of_names(folder: Path) -> None:
    for number in (2, 3):
        (folder / f'{number}.jpg').rename(folder / f'shot {number} [x].jpg')
    assert numbers(open_source(f'{folder}/shot * [x].jpg')) == [2, 3]


def test_names_of_the_same_number_have_one_order() -> None:
    names = [Path(name) for name in ('b1.png', 'B1.png', 'a01.png', 'a1.png', 'a10.png', 'A2.png')]
    expected = ['a01.png', 'a1.png', 'A2.png', 'a10.png', 'B1.png', 'b1.png']
    assert [path.name for path in natural_order(names)] == expected
    assert [path.name for path in natural_order(names[::-1])] == expected


def test_numbers_of_thousands_of_digits_and_of_other_digits() -> None:
    names = [Path(name) for name in ('9' * 5000, '1' + '0' * 5000, '0' * 5000 + '7', '٣', '2', '10')]
    assert [names.index(path) for path in natural_order(names)] == [4, 3, 2, 5, 0, 1]


@pytest.mark.parametrize('kind', ['WEBP', 'PNG', 'GIF'])
def test_an_animation_that_shows_a_picture_for_an_hour(kind: str, tmp_path: Path) -> None:
    """The rate is that of its first picture, the lowest one here; GIF has no times of more than 11 minutes."""
    pictures = [Image.new('RGB', (32, 24), (80 * number, 0, 0)) for number in range(3)]
    first = 600_000 if kind == 'GIF' else 3_600_000
    durations = [first, 100, 100]
    pictures[0].save(tmp_path / 'clip', kind, save_all=True, append_images=pictures[1:], duration=durations)
    source = open_source(tmp_path / 'clip')
    assert source.fps == pytest.approx(max(0.001, 1000 / first))
    assert [frame.time for frame in source] == pytest.approx([0, first / 1000, first / 1000 + 0.1])


def test_single_image(folder: Path) -> None:
    source = open_source(folder / '5.jpg')
    assert source.num_frames == 1 and numbers(source) == [5]


def test_times_follow_fps(folder: Path) -> None:
    frames = list(open_source(folder, fps=24))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(12) / 24, atol=1e-9)
    assert [frame.time for frame in open_source(folder, fps=0.001)][:2] == [0.0, 1000.0]
    for fps in (0, -1, 0.0004, 1001, float('nan'), float('inf')):
        with pytest.raises(InputError, match=f'fps {fps}: expected a number from 0.001 to 1000'):
            open_source(folder, fps=fps)


def test_max_size(folder: Path) -> None:
    source = open_source(folder, max_size=20)
    assert next(iter(source)).image.shape == (15, 20, 3) == (source.height, source.width, 3)


@pytest.mark.parametrize('number', [1, 6, 12])
@pytest.mark.parametrize('how', ['empty', 'truncated', 'text'])
def test_unreadable_image_is_skipped(folder: Path, number: int, how: str, caplog: pytest.LogCaptureFixture) -> None:
    path = folder / f'{number}.jpg'
    content = path.read_bytes()
    path.write_bytes({'empty': b'', 'truncated': content[: len(content) * 3 // 4], 'text': b'hello'}[how])
    source = open_source(folder)
    with caplog.at_level(logging.WARNING):
        frames = list(source)
    assert source.skipped == 1 and [frame.index for frame in frames] == [i for i in range(12) if i != number - 1]
    assert str(path) in caplog.text


def test_no_readable_image(tmp_path: Path) -> None:
    (tmp_path / 'a.jpg').write_bytes(b'no image')
    with pytest.raises(InputError, match='no image can be read'):
        open_source(tmp_path)


def test_truncated_png(tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match='no image can be read'):
        open_source(path)


def test_another_size_is_scaled(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    cv2.imwrite(str(folder / '7.jpg'), np.full((60, 82, 3), 140, np.uint8))
    with caplog.at_level(logging.WARNING):
        frames = list(open_source(folder))
    assert len(frames) == 12 and {frame.image.shape for frame in frames} == {(30, 41, 3)}
    assert 'the size changes to 82x60; scaled to 41x30' in caplog.text
    np.testing.assert_allclose(frames[6].image, 140, atol=2)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_grey_and_deep_images(tmp_path: Path, dtype: type) -> None:
    cv2.imwrite(str(tmp_path / 'grey.png'), np.full((8, 9), np.iinfo(dtype).max // 2, dtype))
    frame = next(iter(open_source(tmp_path / 'grey.png')))
    assert frame.image.shape == (8, 9, 3) and frame.image.dtype == np.uint8
    assert abs(int(frame.image[0, 0, 0]) - 127) <= 1
