"""PASCAL VOC's object masks."""

import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmrcf.datasets import COCOPseudoVideoDataset
from mmrcf.datasets.converters import VOC_CLASSES, coco_content, convert_voc
from mmrcf.errors import InputError

from .conftest import box, write_frames, write_image


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """A dog beside a person, with a border of 255; and an image without marked objects."""
    root = tmp_path / 'VOC2012'
    write_frames(root / 'JPEGImages', ['2007_000032.jpg', '2007_000033.jpg', '2008_000001.jpg'])
    border = box(4, 4, 8, 8, 255) - box(5, 5, 6, 6, 255)
    objects = border + box(5, 5, 6, 6, 1) + box(20, 2, 3, 10, 2)
    classes = border + box(5, 5, 6, 6, 12) + box(20, 2, 3, 10, 15)
    classes[5, 5] = 15  # the class of an object is that of most of its pixels
    write_image(root / 'SegmentationObject/2007_000032.png', objects, palette=True)
    write_image(root / 'SegmentationClass/2007_000032.png', classes, palette=True)
    write_image(root / 'SegmentationObject/2007_000033.png', box(1, 1, 5, 5, 1), palette=True)
    write_image(root / 'SegmentationClass/2007_000033.png', box(1, 1, 5, 5, 20), palette=True)
    return root


def test_objects_and_their_classes(voc, tmp_path):
    converted = convert_voc(voc)
    content = coco_content(converted, 'input')
    assert [item['name'] for item in content['categories']] == list(VOC_CLASSES)
    assert [item['file_name'] for item in content['images']] == ['2007_000032.jpg', '2007_000033.jpg']
    dog, person, monitor = content['annotations']
    assert [VOC_CLASSES[item['category_id'] - 1] for item in (dog, person, monitor)] == ['dog', 'person', 'tvmonitor']
    assert (dog['bbox'], dog['area'], person['bbox'], person['area']) == ([5, 5, 6, 6], 36, [20, 2, 3, 10], 30)
    assert (mask_utils.decode(dog['segmentation']) == box(5, 5, 6, 6)).all()
    assert [item['id'] for item in content['annotations']] == [1, 2, 3]
    assert [item['image_id'] for item in content['annotations']] == [1, 1, 2]
    (tmp_path / 'voc.json').write_text(json.dumps(content))
    images = dict(ann_file='voc.json', data_root=str(tmp_path), data_prefix=dict(img=converted.image_root))
    assert len(COCOPseudoVideoDataset(**images, metainfo=dict(classes=VOC_CLASSES), pipeline=[])) == 2


def test_a_list_chooses_images(voc):
    assert [video.name for video in convert_voc(voc, ['2007_000033']).videos] == ['2007_000033']
    with pytest.raises(InputError, match="no '2008_000001', which the list names"):
        convert_voc(voc, ['2008_000001'])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda voc: (voc / 'JPEGImages/2007_000032.jpg').unlink(),
            'SegmentationObject/2007_000032.png: no image of that name',
        ),
        (
            lambda voc: (voc / 'SegmentationClass/2007_000032.png').unlink(),
            'SegmentationClass/2007_000032.png: no such file',
        ),
        (
            lambda voc: write_frames(voc / 'JPEGImages', ['2007_000032.jpg'], (20, 40)),
            '2007_000032.png: is 30 x 20 pixels, but the image 40 x 20',
        ),
        (
            lambda voc: write_image(voc / 'SegmentationClass/2007_000032.png', np.zeros((20, 30), np.uint8)),
            'object 1 has mostly class 0 in SegmentationClass, expected 1 to 20',
        ),
        (
            lambda voc: write_image(voc / 'SegmentationClass/2007_000033.png', box(0, 0, 9, 9, 21)),
            '2007_000033.png: object 1 has mostly class 21',
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_named(voc, change, message):
    change(voc)
    with pytest.raises(InputError, match=message):
        convert_voc(voc)
