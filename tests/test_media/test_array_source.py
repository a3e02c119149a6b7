from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmrcf.errors import InputError
from mmrcf.media import open_source

IMAGES = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.full((20, 30, 3), 50, np.uint8)


@pytest.mark.parametrize('source', [IMAGES, list(IMAGES), tuple(IMAGES)], ids=['array', 'list', 'tuple'])
def test_frames_in_memory(source: object) -> None:
    frames = open_source(source, fps=4)
    assert (frames.height, frames.width, frames.num_frames, frames.fps) == (20, 30, 3, 4)
    for index, frame in enumerate(frames):
        assert (frame.index, frame.time) == (index, index / 4)
        np.testing.assert_array_equal(frame.image, IMAGES[index])


def test_a_generator_is_advanced_one_frame_at_a_time() -> None:
    made = []

    def images():
        for index in range(5):
            made.append(index)
            yield np.full((20, 30), index, np.uint8)

    frames = iter(open_source(images(), max_size=16))
    assert open_source(iter(IMAGES)).num_frames is None
    assert next(frames).image.shape == (11, 16, 3) and made == [0]
    assert next(frames).image.max() == 1 and made == [0, 1]


def test_a_list_of_files(tmp_path: Path) -> None:
    paths = [tmp_path / f'{name}.png' for name in 'cab']
    for path, image in zip(paths, IMAGES, strict=True):
        Image.fromarray(image).save(path)
    names = [str(paths[2]), paths[0]]
    for files in (names, iter(names), (path for path in names), np.array([str(path) for path in names])):
        source = open_source(files)
        assert source.file_names == ['b.png', 'c.png'] and [frame.image.max() for frame in source] == [100, 0]


@pytest.mark.parametrize(
    ('source', 'message'),
    [
        ([], 'holds no frame'),
        (IMAGES.astype(np.float32), r'frame 0: expected \(H, W, 3\) uint8 in RGB, got \(20, 30, 3\) float32'),
        ([IMAGES], r'got \(3, 20, 30, 3\) uint8'),
        ([IMAGES[0, ..., :2]], r'got \(20, 30, 2\)'),
        (3.5, 'got float'),
        (np.zeros(()), r'expected several frames, got array\(0\.'),
        (['a.png', IMAGES[0]], 'holds paths beside other things'),
        ([IMAGES[0], 'a.png'], r'frame 1: expected \(H, W, 3\)'),
    ],
)
def test_other_things_are_refused(source: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(open_source(source))


def test_one_array_is_no_sequence() -> None:
    with pytest.raises(InputError, match=r'one array \(40, 60, 3\).*give \[frame\]'):
        open_source(np.zeros((40, 60, 3), np.uint8))
