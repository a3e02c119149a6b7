import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from mmrcf.datasets.annotations import validate_annotations
from mmrcf.datasets.converters.images import image_size
from mmrcf.datasets.orientation import file_orientation
from mmrcf.datasets.transforms import LoadClipFrames
from mmrcf.errors import InputError
from mmrcf.utils.images import ORIENTATION


@pytest.fixture(scope='module')
def stored() -> np.ndarray:
    """(4, 6, 3) RGB in which no two pixels are equal."""
    return np.arange(72, dtype=np.uint8).reshape(4, 6, 3)


def write(path: Path, stored: np.ndarray, orientation: int) -> Path:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(stored).save(path, exif=exif, lossless=True)
    return path


@pytest.mark.parametrize('orientation', range(1, 9))
def test_frames_are_read_as_displayed_or_as_stored(tmp_path: Path, stored: np.ndarray, orientation: int) -> None:
    path = write(tmp_path / 'a.tif', stored, orientation)
    assert file_orientation(path) == orientation
    assert image_size(path) == ((6, 4) if orientation >= 5 else (4, 6))
    shown = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    for mode, expected in (('apply', shown), ('ignore', stored)):
        results = LoadClipFrames(mode).transform(dict(img_path=[str(path)]))
        np.testing.assert_array_equal(results['img'][0][..., ::-1], expected)
        assert results['img_shape'] == [expected.shape[:2]]


def test_damaged_metadata_are_no_orientation(tmp_path: Path, stored: np.ndarray) -> None:
    Image.fromarray(stored).save(tmp_path / 'a.png', exif=b'Exif\0\0XX*\0\xff\xff\xff\xff')
    assert file_orientation(tmp_path / 'a.png') == 1
    assert image_size(tmp_path / 'a.png') == stored.shape[:2]


def test_what_a_decoder_raises_is_an_error_of_the_file(tmp_path: Path) -> None:
    (tmp_path / 'a.ppm').write_bytes(b'P6 123456789012345678901234567890 1 255\n')
    with pytest.raises(OSError, match='not an image that can be read|cannot identify'):
        file_orientation(tmp_path / 'a.ppm')


def test_another_mode_is_refused() -> None:
    with pytest.raises(InputError, match="expected 'apply' or 'ignore'"):
        LoadClipFrames('turn')


@pytest.mark.parametrize(('orientation', 'severities'), [(1, []), (3, ['warning']), (6, ['warning', 'error'])])
def test_the_validator_tells(tmp_path: Path, stored: np.ndarray, orientation: int, severities: list[str]) -> None:
    write(tmp_path / 'a.tif', stored, orientation)
    content = dict(
        videos=[dict(id=1, height=4, width=6, length=1, file_names=['a.tif'])],
        categories=[dict(id=1, name='cat')],
        annotations=[dict(id=1, video_id=1, category_id=1, segmentations=[dict(size=[4, 6], counts=[0, 4, 20])],
                          areas=[4], bboxes=[[0, 0, 1, 4]])],
    )  # fmt: skip
    (tmp_path / 'a.json').write_text(json.dumps(content))
    problems = validate_annotations(tmp_path / 'a.json', tmp_path)
    assert [problem.severity for problem in problems] == severities
    if severities:
        assert f'EXIF orientation {orientation}' in str(problems[0])
