"""MOTS in its PNG format."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmrcf.datasets.converters import ClassTable, convert_mots, youtube_vis_content
from mmrcf.errors import InputError

from .conftest import box, masks_of, write_frames, write_image


def write_mots(root: Path, images: str, masks: list[np.ndarray], suffix: str = 'png') -> Path:
    write_frames(root / images / '0002', [f'{t:06d}.{suffix}' for t in range(len(masks))], masks[0].shape)
    for frame, mask in enumerate(masks):
        write_image(root / f'instances/0002/{frame:06d}.png', mask.astype(np.uint16))
    return root


def ids(left: int, ignored: bool = False) -> np.ndarray:
    """A car, a pedestrian, and perhaps a region to ignore."""
    values = box(left, 2, 6, 4).astype(np.uint16) * 1005 + box(20, 8, 3, 9).astype(np.uint16) * 2001
    return values + box(0, 18, 30, 2).astype(np.uint16) * 10000 * ignored


@pytest.mark.parametrize(('images', 'suffix'), [('training/image_02', 'png'), ('images', 'jpg')])
def test_kitti_and_motschallenge(tmp_path, written, images, suffix):
    converted = convert_mots(write_mots(tmp_path / 'MOTS', images, [ids(2), ids(3)], suffix))
    content = written(converted)
    assert content['categories'] == [dict(id=1, name='car'), dict(id=2, name='pedestrian')]
    assert content['videos'][0]['file_names'] == [f'0002/{t:06d}.{suffix}' for t in range(2)]
    car, pedestrian = content['annotations']
    assert (car['category_id'], car['areas'], car['bboxes']) == (1, [24, 24], [[2, 2, 6, 4], [3, 2, 6, 4]])
    assert (pedestrian['category_id'], pedestrian['areas']) == (2, [27, 27])


def test_an_ignored_region_is_a_crowd_of_each_class(tmp_path):
    converted = convert_mots(write_mots(tmp_path, 'images', [ids(2), ids(3, ignored=True)]))
    crowds = youtube_vis_content(converted, 'input')['annotations'][2:]
    assert [(item['category_id'], item['iscrowd'], item['areas']) for item in crowds] == [
        (1, 1, [None, 60]),
        (2, 1, [None, 60]),
    ]


@given(arrays.arrays(np.uint16, (2, 4, 6), elements=st.sampled_from([0, 1001, 1002, 2001, 2999])).filter(np.any))
@settings(max_examples=15, deadline=None)
def test_masks_come_back_as_they_were(values):
    with tempfile.TemporaryDirectory() as folder:
        (video,) = convert_mots(write_mots(Path(folder), 'images', list(values))).videos
    back = np.zeros_like(values)
    for number, track in zip(np.unique(values[values > 0]), video.tracks, strict=True):
        assert track.category == ('car' if number < 2000 else 'pedestrian')
        back += masks_of(track, 2, (4, 6)) * number
    assert (back == values).all()


def test_errors_are_named(tmp_path):
    root = write_mots(tmp_path, 'frames', [ids(2), ids(3) * 3])
    with pytest.raises(InputError, match='no .*images and no .*training/image_02; .*--images'):
        convert_mots(root)
    with pytest.raises(InputError, match='000001.png: object 3015 is of class 3, expected one of 1 car, 2 pedestrian'):
        convert_mots(root, images=root / 'frames')
    table = ClassTable({'1': 'car', '2': 'pedestrian', '3': 'bus', '6': 'tram'}, 'classes')
    assert convert_mots(root, table, images=root / 'frames').videos[0].tracks[2].category == 'bus'
    write_image(root / 'instances/0002/000001.png', np.zeros((20, 29), np.uint16))
    with pytest.raises(InputError, match='000001.png: is 29 x 20 pixels, but the image 30 x 20'):
        convert_mots(root, images=root / 'frames')
    (root / 'frames/0002/000000.png').unlink()
    with pytest.raises(InputError, match=r'mask .*000000.png: no image of that name .*\(1 of 2 masks'):
        convert_mots(root, images=root / 'frames')


def test_an_input_without_objects_is_refused(tmp_path):
    converted = convert_mots(write_mots(tmp_path, 'images', [np.zeros((20, 30))]))
    with pytest.raises(InputError, match='input: no video and no image has an object'):
        youtube_vis_content(converted, 'input')
