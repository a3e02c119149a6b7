"""DAVIS 2016 and 2017, SegTrack v2."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from mmrcf.datasets.converters import (
    DAVIS_2016_CLASSES,
    ClassTable,
    convert_davis,
    convert_segtrack,
    read_name_list,
)
from mmrcf.errors import InputError

from .conftest import HEIGHT, WIDTH, box, masks_of, write_frames, write_image

FRAMES = ('00000', '00001', '00002')


def write_davis(root: Path, sequence: str, masks: list[np.ndarray], palette: bool) -> None:
    write_frames(root / 'JPEGImages/480p' / sequence, [f'{name}.jpg' for name in FRAMES], masks[0].shape)
    for name, mask in zip(FRAMES, masks, strict=True):
        write_image(root / 'Annotations/480p' / sequence / f'{name}.png', mask, palette)


@pytest.fixture
def davis_2016(tmp_path: Path) -> Path:
    root = tmp_path / 'DAVIS'
    write_davis(root, 'bear', [box(2, 3, 4, 5, 255), box(0, 0, 0, 0), box(4, 3, 4, 5, 255)], palette=False)
    write_davis(root, 'soccerball', [box(t, 10, 3, 3, 255) for t in range(3)], palette=False)
    lines = [f'/JPEGImages/480p/bear/{name}.jpg /Annotations/480p/bear/{name}.png ' for name in FRAMES]
    (root / 'ImageSets/480p').mkdir(parents=True)
    (root / 'ImageSets/480p/train.txt').write_text('\n'.join(lines) + '\n')
    return root


@pytest.fixture
def davis_2017(tmp_path: Path) -> Path:
    """Two objects, of which the second leaves, and a void region."""
    root = tmp_path / 'DAVIS'
    masks = [box(2, 3, 4, 5) + box(10, 3, 6, 2, 2) + box(20, 0, 2, 2, 255), box(3, 3, 4, 5), box(4, 3, 4, 5)]
    write_davis(root, 'bmx-bumps', masks, palette=True)
    return root


def test_davis_2016_has_one_object_a_sequence_and_comes_with_classes(davis_2016, written):
    content = written(convert_davis(davis_2016))
    assert [item['name'] for item in content['categories']] == ['person', 'animal', 'vehicle', 'ball']
    assert [video['file_names'][1] for video in content['videos']] == ['bear/00001.jpg', 'soccerball/00001.jpg']
    bear, ball = content['annotations']
    assert (bear['id'], bear['video_id'], bear['category_id'], ball['video_id'], ball['category_id']) == (1, 1, 2, 2, 4)
    assert bear['areas'] == [20, None, 20]
    assert bear['bboxes'] == [[2, 3, 4, 5], None, [4, 3, 4, 5]]
    assert bear['segmentations'][1] is None
    assert (bear['height'], bear['width'], bear['length']) == (HEIGHT, WIDTH, 3)


def test_davis_classes_are_those_of_all_sequences():
    names = DAVIS_2016_CLASSES.names
    assert len(names) == 50
    assert DAVIS_2016_CLASSES.classes == ('person', 'animal', 'vehicle', 'ball')
    assert [names[key] for key in ('bmx-trees', 'horsejump-high', 'scooter-black')] == ['person', 'animal', 'vehicle']


def test_a_list_of_davis_2016_names_sequences_by_paths(davis_2016):
    names = read_name_list(davis_2016 / 'ImageSets/480p/train.txt')
    assert names == ['bear']
    assert [video.name for video in convert_davis(davis_2016, sequences=names).videos] == ['bear']
    with pytest.raises(InputError, match=r"no 'cows', which the list names \(1 missing\)"):
        convert_davis(davis_2016, sequences=['bear', 'cows'])


def test_davis_2017_takes_palette_indices(davis_2017, written):
    table = ClassTable({'bmx-bumps/1': 'person', 'bmx-bumps/2': 'bicycle'}, 'classes')
    converted = convert_davis(davis_2017, table)
    written(converted)
    first, second = converted.videos[0].tracks
    assert (first.category, second.category) == ('person', 'bicycle')
    assert (masks_of(first, 3) == [box(2 + t, 3, 4, 5) for t in range(3)]).all()
    assert list(second.rles) == [0]
    assert (masks_of(second, 1)[0] == box(10, 3, 6, 2)).all()


def test_one_class_for_a_sequence_holds_for_all_its_objects(davis_2017):
    tracks = convert_davis(davis_2017, ClassTable({'bmx-bumps': 'thing'}, 'classes')).videos[0].tracks
    assert [track.category for track in tracks] == ['thing', 'thing']


def test_the_shipped_classes_are_for_sequences_of_one_object(davis_2017):
    with pytest.raises(InputError, match="'bmx-bumps' has 2 objects, and one class for all; .*--classes"):
        convert_davis(davis_2017)


def test_an_object_without_a_class_is_named(davis_2017):
    with pytest.raises(InputError, match='my.txt: no class for object 2 of sequence .*"bmx-bumps/2 CLASS"'):
        convert_davis(davis_2017, ClassTable({'bmx-bumps/1': 'person'}, 'my.txt'))


@given(arrays.arrays(np.uint8, (3, 5, 7), elements=st.integers(0, 4)).filter(np.any))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_masks_come_back_as_they_were(values):
    with tempfile.TemporaryDirectory() as folder:
        write_davis(Path(folder), 'any', list(values), palette=True)
        (video,) = convert_davis(folder, ClassTable({'any': 'thing'}, 'classes')).videos
    back = np.zeros_like(values)
    for number, track in zip(np.unique(values[values > 0]), video.tracks, strict=True):
        back += masks_of(track, 3, (5, 7)) * number
    assert (back == values).all()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda root: (root / 'JPEGImages/480p/bear/00001.jpg').unlink(),
            'mask .*bear/00001.png: no image of that name',
        ),
        (lambda root: (root / 'Annotations/480p/bear/00002.png').unlink(), 'image .*bear/00002.jpg: no mask .*1 of 3'),
        (
            lambda root: (root / 'JPEGImages/480p').rename(root / 'JPEGImages/1080p'),
            'image folder .*480p: no such folder',
        ),
        (
            lambda root: write_image(root / 'Annotations/480p/bear/00001.png', np.zeros((20, 31), np.uint8)),
            'bear/00001.png: is 31 x 20 pixels, but the image 30 x 20',
        ),
        (
            lambda root: write_frames(root / 'JPEGImages/480p/bear', ['00002.jpg'], (24, 30)),
            'bear/00002.jpg: is 30 x 24 pixels, but 00000.jpg is 30 x 20',
        ),
        (
            lambda root: write_image(
                root / 'Annotations/480p/bear/00000.png', np.stack([box(2, 3, 4, 5, 200), *[box(0, 0, 0, 0)] * 2], 2)
            ),
            'bear/00000.png: is a coloured RGB image, expected object ids',
        ),
        (
            lambda root: (root / 'Annotations/480p/bear/00000.png').write_bytes(b'no image'),
            'mask .*bear/00000.png: not an image',
        ),
        (
            lambda root: (root / 'Annotations/480p/bear/00000.png').write_bytes(b''),
            'mask .*bear/00000.png: the file is empty',
        ),
        (
            lambda root: (root / 'JPEGImages/480p/bear/00000.jpg').write_bytes(b'no image'),
            'image .*bear/00000.jpg: not an image',
        ),
        (
            lambda root: write_frames(root / 'JPEGImages/480p/bear', ['00002.png']),
            '00002.jpg and 00002.png have the same name',
        ),
        (
            lambda root: [write_image(root / f'Annotations/480p/bear/{name}.png', box(0, 0, 0, 0)) for name in FRAMES],
            'mask folder .*bear: no object in any mask',
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_named(davis_2016, change, message):
    change(davis_2016)
    with pytest.raises(InputError, match=message):
        convert_davis(davis_2016)


def test_a_mask_of_fractions_is_refused(davis_2016):
    path = davis_2016 / 'Annotations/480p/bear/00000.png'
    path.unlink()
    Image.fromarray(np.zeros((20, 30), np.float32)).save(path.with_suffix('.tif'))
    with pytest.raises(InputError, match="00000.tif: has the pixel format 'F', expected a palette or grey image"):
        convert_davis(davis_2016)


def test_a_mask_of_one_bit_is_an_object(davis_2016):
    for name in FRAMES:
        path = davis_2016 / f'Annotations/480p/bear/{name}.png'
        Image.fromarray(box(1, 1, 2, 2, 255)).convert('1').save(path)
    (track,) = convert_davis(davis_2016).videos[0].tracks
    assert (masks_of(track, 3) == box(1, 1, 2, 2)).all()


def test_other_files_in_the_folders_do_not_matter(davis_2016):
    (davis_2016 / 'JPEGImages/480p/bear/Thumbs.db').write_text('')
    (davis_2016 / 'JPEGImages/480p/bear/._00000.jpg').write_text('')
    (davis_2016 / 'Annotations/480p/.DS_Store').write_text('')
    assert len(convert_davis(davis_2016).videos[0].file_names) == 3


def write_segtrack(root: Path) -> Path:
    """One object in RGB masks with smoothed edges; two in folders, of two kinds of files."""
    write_frames(root / 'JPEGImages/girl', ['girl_9.bmp', 'girl_10.bmp'])
    for name, left in (('girl_9', 2), ('girl_10', 3)):
        mask = box(left, 3, 4, 5, 255) + box(left + 4, 3, 1, 5, 100)
        write_image(root / f'GroundTruth/girl/{name}.png', np.stack([mask] * 3, 2))
    write_frames(root / 'JPEGImages/bmx', ['bmx_06668.png', 'bmx_06669.png'])
    for item, suffix in ((1, 'png'), (2, 'bmp')):
        for frame, name in enumerate(('bmx_06668', 'bmx_06669')):
            mask = box(8 * item + frame, 2, 3, 4, 255) if item + frame < 3 else box(0, 0, 0, 0)
            write_image(root / f'GroundTruth/bmx/{item}/{name}.{suffix}', np.stack([mask] * 3, 2))
    return root


SEGTRACK_CLASSES = ClassTable({'girl': 'person', 'bmx/1': 'person', 'bmx/2': 'vehicle'}, 'classes')


def test_segtrack_has_a_folder_for_each_of_several_objects(tmp_path, written):
    converted = convert_segtrack(write_segtrack(tmp_path / 'SegTrackv2'), SEGTRACK_CLASSES)
    content = written(converted)
    assert [video['file_names'] for video in content['videos']] == [
        ['bmx/bmx_06668.png', 'bmx/bmx_06669.png'],
        ['girl/girl_9.bmp', 'girl/girl_10.bmp'],
    ]
    assert [item['category_id'] for item in content['annotations']] == [1, 2, 1]
    assert content['annotations'][1]['bboxes'] == [[16, 2, 3, 4], None]
    assert (masks_of(converted.videos[1].tracks[0], 2) == [box(2, 3, 4, 5), box(3, 3, 4, 5)]).all()


def test_segtrack_errors_are_named(tmp_path):
    root = write_segtrack(tmp_path)
    with pytest.raises(InputError, match='no class for object 2 of sequence'):
        convert_segtrack(root, ClassTable({'girl': 'person', 'bmx/1': 'person'}, 'classes'))
    write_image(root / 'GroundTruth/bmx/2/bmx_06668.bmp', box(3, 3, 3, 3, 1))
    with pytest.raises(InputError, match='bmx/2: no pixel of 128 or more'):
        convert_segtrack(root, SEGTRACK_CLASSES)
    (root / 'GroundTruth/bmx/2/bmx_06668.bmp').unlink()
    with pytest.raises(InputError, match='bmx_06668.png: no mask of that name in .*bmx/2'):
        convert_segtrack(root, SEGTRACK_CLASSES)
