"""LabelMe's JSON files, as images and as videos."""

import base64
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from pycocotools import mask as mask_utils

from mmrcf.datasets.converters import coco_content, convert_labelme, convert_labelme_videos
from mmrcf.errors import InputError

from .conftest import HEIGHT, WIDTH, box, masks_of, write_frames

SQUARE = [[2, 3], [6, 3], [6, 8], [2, 8]]


def shape(label: str = 'cat', points: list = SQUARE, kind: str = 'polygon', group: Any = None, **more: Any) -> dict:
    return dict(label=label, points=points, group_id=group, description='', shape_type=kind, flags={}, **more)


def png(mask: np.ndarray) -> str:
    data = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(data, 'PNG')
    return base64.b64encode(data.getvalue()).decode()


def write_file(path: Path, shapes: list, image: str | None = None, **changes: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = dict(version='5.5.0', flags={}, shapes=shapes, imagePath=image or f'{path.stem}.jpg', imageData=None)
    content |= dict(imageHeight=HEIGHT, imageWidth=WIDTH) | changes
    path.write_text(json.dumps(content), encoding='utf-8')
    return path


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    """Two images with a file, one without."""
    root = tmp_path / 'pictures'
    write_frames(root, ['a.jpg', 'b.jpg', 'c.jpg'])
    part = np.array([[1, 0, 1], [0, 1, 1]])
    shapes = [
        shape('cat', group=0),
        shape('cat', [[10, 10], [14, 10], [14, 12], [10, 12]], group=0),
        shape('dog', [[20, 4], [22, 5]], 'mask', mask=png(part)),
        shape('cat', [[15, 15], [15, 18]], 'circle'),
    ]
    write_file(root / 'a.json', shapes)
    write_file(root / 'b.json', [])
    return root


def test_shapes_of_a_group_are_one_object(stills):
    converted = convert_labelme(stills)
    content = coco_content(converted, 'input')
    assert content['categories'] == [dict(id=1, name='cat'), dict(id=2, name='dog')]
    assert [image['file_name'] for image in content['images']] == ['a.jpg', 'b.jpg']
    joined, dog, circle = content['annotations']
    assert (mask_utils.decode(joined['segmentation']) == box(2, 3, 4, 5) + box(10, 10, 4, 2)).all()
    assert (joined['bbox'], joined['area'], joined['category_id']) == ([2, 3, 12, 9], 28, 1)
    assert mask_utils.decode(dog['segmentation'])[4:6, 20:23].tolist() == [[1, 0, 1], [0, 1, 1]]
    assert dog['area'] == 4
    assert abs(circle['area'] - np.pi * 9) < 4
    assert circle['image_id'] == 1


def test_hidden_files_are_left_out(stills):
    (stills / '._a.json').write_bytes(b'\0\5\x16\7\0')  # of macOS
    write_file(stills / '.ipynb_checkpoints' / 'gone.json', [])
    content = coco_content(convert_labelme(stills), 'input')
    assert [image['file_name'] for image in content['images']] == ['a.jpg', 'b.jpg']


@pytest.mark.parametrize(
    ('kind', 'points'), [('rectangle', [[6, 8], [2, 3]]), ('rotation', [[2, 3], [6, 3], [6, 8], [2, 8]])]
)
def test_rectangles_only_with_the_option(stills, kind, points):
    write_file(stills / 'b.json', [shape('cat', points, kind)])
    with pytest.raises(InputError, match=r'b.json: shapes\[0\]: is a rectangle, expected a mask; .*--boxes'):
        convert_labelme(stills)
    assert (masks_of(convert_labelme(stills, boxes=True).videos[1].tracks[0], 1)[0] == box(2, 3, 4, 5)).all()


def test_images_in_another_folder(stills, tmp_path):
    labels = tmp_path / 'labels'
    write_file(labels / 'x/a.json', [shape()], image='..\\..\\pictures\\a.jpg')
    with pytest.raises(InputError, match='is not in .*labels; set --image-root'):
        convert_labelme(labels)
    assert convert_labelme(labels, image_root=stills).videos[0].file_names == ['a.jpg']


def test_an_image_may_be_a_link(stills, tmp_path):
    linked = tmp_path / 'linked'
    write_file(linked / 'a.json', [shape()])
    (linked / 'a.jpg').symlink_to(stills / 'a.jpg')
    assert convert_labelme(linked).videos[0].file_names == ['a.jpg']


def test_a_byte_order_mark_and_a_renamed_image_do_not_matter(stills):
    path = write_file(stills / 'b.json', [shape()], image='IMG_0001.jpg')
    path.write_text('\ufeff' + path.read_text(), encoding='utf-8')
    assert convert_labelme(stills).videos[1].file_names == ['b.jpg']


def test_a_turned_photograph_has_the_size_that_is_displayed(stills):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((30, 20, 3), np.uint8)).save(stills / 'b.jpg', exif=exif)
    video = convert_labelme(stills).videos[1]
    assert (video.height, video.width) == (20, 30)


@given(arrays.arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 7))), st.integers(0, 15), st.integers(0, 23))
@settings(max_examples=15, deadline=None)
def test_masks_come_back_as_they_were(mask, top, left):
    height, width = mask.shape
    corners = [[left, top], [left + width - 1, top + height - 1]]
    with tempfile.TemporaryDirectory() as folder:
        write_frames(Path(folder), ['a.jpg'])
        write_file(Path(folder) / 'a.json', [shape('cat', corners, 'mask', mask=png(mask))])
        (video,) = convert_labelme(folder).videos
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[top : top + height, left : left + width] = mask
    assert (masks_of(video.tracks[0], 1)[0] == expected).all()


@pytest.mark.parametrize(
    ('shapes', 'changes', 'message'),
    [
        ([shape(label='')], {}, r'shapes\[0\]: label is empty'),
        ([dict(points=SQUARE)], {}, r'shapes\[0\]: label: is missing, expected a string'),
        ([3], {}, r'shapes\[0\]: entry: is 3, expected a JSON object'),
        ([shape(group='one')], {}, "group_id is 'one', expected a whole number or null"),
        ([shape(points=SQUARE[:2])], {}, r'shapes\[0\]: polygon 0 has 4 numbers'),
        ([shape(points=[[1, 'a']])], {}, r"points hold \[1, 'a'\], expected"),
        ([shape(kind='linestrip')], {}, 'a linestrip has no area'),
        ([shape(kind='circle')], {}, 'has 4 points, expected 2'),
        ([shape(points=[[1, 1], [3, 2]], kind='mask')], {}, 'mask: is missing'),
        ([shape(points=[[1, 1], [3, 2]], kind='mask', mask='!')], {}, 'mask is not a PNG in base64'),
        ([shape(points=[[1, 1], [3, 2]], kind='mask', mask=png(np.ones((2, 2))))], {}, r'mask has the shape \(2, 2\)'),
        ([shape(points=[[29, 1], [30, 1]], kind='mask', mask=png(np.ones((1, 2))))], {}, 'goes beyond the image'),
        ([shape()], dict(imageWidth=60), 'is for 60 x 20 pixels, but the image is 30 x 20'),
        ({}, {}, 'shapes: is a JSON object, expected a list'),
    ],
)
def test_what_is_wrong_with_a_file_is_named(stills, shapes, changes, message):
    write_file(stills / 'b.json', shapes, **changes)
    with pytest.raises(InputError, match=f'LabelMe file {stills}/b.json: .*{message}'):
        convert_labelme(stills)


def test_missing_files_are_named(stills, tmp_path):
    write_file(stills / 'd.json', [shape()], image='a.jpg')
    with pytest.raises(InputError, match='d.json: image .*a.jpg belongs to .*a.json too'):
        convert_labelme(stills)
    write_file(stills / 'd.json', [shape()])
    with pytest.raises(InputError, match="d.json: its image 'd.jpg' is missing"):
        convert_labelme(stills)
    (stills / 'd.json').write_text('{"shapes": [')
    with pytest.raises(InputError, match='d.json: not valid JSON at line 1'):
        convert_labelme(stills)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match='empty: no JSON file in it'):
        convert_labelme(tmp_path / 'empty')


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Three frames, of which the second has no file."""
    root = tmp_path / 'videos'
    write_frames(root / 'street', ['0.jpg', '1.jpg', '2.jpg'])
    write_file(root / 'street/0.json', [shape(group=1), shape('dog', [[9, 9], [12, 9], [12, 12], [9, 12]], group=5)])
    write_file(root / 'street/2.json', [shape(group=1), shape(group=1, points=[[8, 3], [9, 3], [9, 8], [8, 8]])])
    return root


def test_a_group_is_an_object_of_a_video(videos, written):
    converted = convert_labelme_videos(videos)
    content = written(converted)
    assert content['videos'][0]['file_names'] == ['street/0.jpg', 'street/1.jpg', 'street/2.jpg']
    cat, dog = converted.videos[0].tracks
    assert (cat.category, dog.category) == ('cat', 'dog')
    assert (masks_of(cat, 3) == [box(2, 3, 4, 5), box(0, 0, 0, 0), box(2, 3, 4, 5) + box(8, 3, 1, 5)]).all()
    assert list(dog.rles) == [0]


def test_what_is_wrong_in_a_video_is_named(videos):
    path = videos / 'street/1.json'
    write_file(path, [shape()])
    with pytest.raises(InputError, match=r'1.json: shapes\[0\]: has no group_id'):
        convert_labelme_videos(videos)
    write_file(path, [shape('dog', group=1)])
    with pytest.raises(InputError, match="1.json: .*group_id 1 is 'dog', but 'cat' before"):
        convert_labelme_videos(videos)
    write_file(path, []).rename(videos / 'street/7.json')
    with pytest.raises(InputError, match='7.json: no image of that name beside it'):
        convert_labelme_videos(videos)
