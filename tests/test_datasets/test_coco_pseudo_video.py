import json

import cv2
import numpy as np
import pytest
import torch

from mmrcf.datasets import (
    COCO_TO_YOUTUBE_VIS_2019,
    COCO_TO_YOUTUBE_VIS_2021,
    YOUTUBE_VIS_2019_CLASSES,
    YOUTUBE_VIS_2021_CLASSES,
    ClipRequest,
    COCOPseudoVideoDataset,
)
from mmrcf.errors import InputError

LOAD = [dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations')]
PIPELINE = [*LOAD, dict(type='ClipMotion', translate=0.5, rotate=20.0), dict(type='PackClip')]


def square(left: int, top: int, size: int) -> list:
    return [[left, top, left + size, top, left + size, top + size, left, top + size]]


@pytest.fixture
def coco() -> dict:
    images = [dict(id=5 + i, file_name=f'{i}.png', height=50, width=70) for i in range(4)]
    objects = [
        (5, 17, square(10, 10, 20)),
        (5, 3, square(44, 20, 16)),
        (5, 74, square(0, 0, 4)),
        (6, 17, square(5, 5, 30)),
        (7, 74, square(5, 5, 30)),
    ]
    annotations = [
        dict(id=i, image_id=image, category_id=category, iscrowd=0, segmentation=segmentation)
        for i, (image, category, segmentation) in enumerate(objects)
    ]
    crowd = dict(id=9, image_id=6, category_id=17, iscrowd=1, segmentation=dict(size=[50, 70], counts=[0, 3500]))
    categories = [dict(id=74, name='mouse'), dict(id=3, name='car'), dict(id=17, name='cat')]
    return dict(images=images, annotations=[*annotations, crowd], categories=categories)


@pytest.fixture
def make(tmp_path, coco):
    def build(**settings):
        (tmp_path / 'coco.json').write_text(json.dumps(coco))
        for image in coco['images']:
            pixels = np.full((50, 70, 3), 15, np.uint8)
            for annotation in coco['annotations']:
                if annotation['image_id'] == image['id'] and not annotation['iscrowd']:
                    left, top, right, _, _, bottom = annotation['segmentation'][0][:6]
                    pixels[top:bottom, left:right] = 250
            cv2.imwrite(str(tmp_path / image['file_name']), pixels)
        settings = dict(class_map='youtube_vis_2019', metainfo=dict(classes='youtube_vis_2019')) | settings
        return COCOPseudoVideoDataset('coco.json', data_root=str(tmp_path), **(dict(pipeline=PIPELINE) | settings))

    return build


def test_class_maps_lead_to_classes():
    for class_map, classes in (
        (COCO_TO_YOUTUBE_VIS_2019, YOUTUBE_VIS_2019_CLASSES),
        (COCO_TO_YOUTUBE_VIS_2021, YOUTUBE_VIS_2021_CLASSES),
    ):
        assert set(class_map.values()) <= set(classes)
        assert len(set(class_map.values())) == len(class_map)
        same_name = {name for name in class_map if name in classes}
        assert all(class_map[name] == name for name in same_name)
        assert 'mouse' not in class_map


def test_an_image_becomes_a_clip_with_masks_on_their_pixels(make):
    dataset = make(num_references=2, num_targets=2)
    assert len(dataset) == 2
    for seed in range(10):
        sample = dataset[ClipRequest(0, (seed,))]
        frames = sample['data_samples'].video_data_samples
        assert sample['inputs']['img'].shape == (4, 3, 50, 70)
        assert [frame.frame_id for frame in frames] == [0, 1, 2, 3] and frames[0].video_length == 4
        for image, frame in zip(sample['inputs']['img'], frames, strict=True):
            objects = frame.gt_instances
            assert set(objects.instances_ids.tolist()) <= {1, 2} and len(objects) == len(set(objects.instances_ids))
            by_id = dict(zip(objects.instances_ids.tolist(), objects.labels.tolist(), strict=True))
            expected = {1: YOUTUBE_VIS_2019_CLASSES.index('cat'), 2: YOUTUBE_VIS_2019_CLASSES.index('sedan')}
            assert by_id.items() <= expected.items()
            bright, mask = image[0].numpy() > 130, objects.masks.masks.any(axis=0)
            # The mouse in the corner is bright too, but no object.
            assert (bright & mask).sum() > 0.85 * mask.sum()


def test_motion_follows_the_seed(make):
    dataset = make()
    images = [dataset[ClipRequest(0, (seed,))]['inputs']['img'] for seed in (1, 1, 2)]
    assert torch.equal(images[0], images[1]) and not torch.equal(images[0], images[2])
    assert not torch.equal(images[0][0], images[0][1])


def test_without_motion_the_frames_are_equal(make):
    images = make(pipeline=[*LOAD, dict(type='PackClip')])[1]['inputs']['img']
    assert torch.equal(images[0], images[1])


def ignored(sample) -> np.ndarray:
    """Where the first frame of a clip is ignored; None where all of it is labelled."""
    frame = sample['data_samples'][0]
    return frame.ignored_instances.masks.masks.any(axis=0) if 'ignored_instances' in frame else None


STILL = [*LOAD, dict(type='PackClip')]


def test_a_crowd_is_ignored_where_asked_for(make):
    assert ignored(make(pipeline=STILL)[1]) is None
    sample = make(pipeline=STILL, crowds='ignore')[1]
    assert ignored(sample).all()
    objects = sample['data_samples'][0].gt_instances
    assert objects.instances_ids.tolist() == [1] and objects.masks.masks[0].sum() == 30 * 30
    assert (objects.labels >= 0).all()


def test_objects_beyond_the_most_are_ignored_largest_kept(make):
    dataset = make(pipeline=STILL, max_objects=1, overflow='ignore')
    assert len(dataset) == 2
    sample = dataset[0]
    objects = sample['data_samples'][0].gt_instances
    assert objects.masks.masks.sum() == 20 * 20
    expected = np.zeros((50, 70), bool)
    expected[20:36, 44:60] = True
    np.testing.assert_array_equal(ignored(sample), expected)


def test_all_beside_the_objects_of_a_partly_labelled_image_is_ignored(make, coco):
    for image in coco['images']:
        image['one_only'] = image['id'] == 5
    dataset = make(pipeline=STILL, partly_labelled='one_only')
    masks = dataset[0]['data_samples'][0].gt_instances.masks.masks
    np.testing.assert_array_equal(ignored(dataset[0]), ~masks.any(axis=0))
    assert ignored(dataset[1]) is None


def test_without_the_field_an_image_is_fully_labelled(make):
    assert ignored(make(pipeline=STILL, partly_labelled='one_only')[0]) is None


def test_an_ignored_region_moves_with_its_image(make, coco):
    for image in coco['images']:
        image['one_only'] = True
    dataset = make(partly_labelled='one_only', num_references=1, num_targets=2)
    for seed in range(5):
        for frame in dataset[ClipRequest(0, (seed,))]['data_samples']:
            masks = frame.gt_instances.masks.masks.any(axis=0)
            np.testing.assert_array_equal(frame.ignored_instances.masks.masks[0], ~masks)


def test_empty_images_are_background_where_asked_for(make):
    dataset = make(pipeline=STILL, drop_empty_images=False)
    assert len(dataset) == 4
    assert len(dataset[2]['data_samples'][0].gt_instances) == 0


def test_images_are_chosen_by_id_or_name(make):
    assert [item['video_id'] for item in make(only=['5']).load_data_list()] == [5]
    assert [item['video_id'] for item in make(exclude=['0.png']).load_data_list()] == [6]


def test_the_class_map_is_a_setting(make):
    dataset = make(class_map={'mouse': 'hand'})
    assert len(dataset) == 2
    labels = dataset[1]['data_samples'][0].gt_instances.labels
    assert labels.tolist() == [YOUTUBE_VIS_2019_CLASSES.index('hand')]
    assert len(make(class_map=None, metainfo=dict(classes=('cat', 'mouse')))) == 3
    assert len(make(max_objects=1)) == 1


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(class_map='youtube_vis_1999'), 'no such map; known are youtube_vis_2019'),
        (dict(class_map={'cat': 'tomcat'}), r"class_map leads to \['tomcat'\], which are not classes"),
        (dict(class_map={'zebra': 'zebra'}), r"coco.json: has none of the categories \['zebra'\]"),
        (dict(metainfo={}), 'metainfo has no classes'),
        (dict(max_objects=0), 'max_objects=0'),
        (dict(overflow='keep'), "overflow='keep', expected 'drop' or 'ignore'"),
        (dict(crowds='keep'), "crowds='keep'"),
        (dict(partly_labelled='file_name'), "image 5: 'file_name' is '0.png', expected true or false"),
        (dict(only=['11.png']), 'has no 11.png'),
        (dict(exclude=['0.png', '11.png']), r'has no 11.png \(1 of 2 names of the option "exclude"\)'),
        (dict(partly_labelled=True), 'partly_labelled=True, expected the name'),
        (dict(test_mode=True), 'test_mode=True'),
        (dict(num_targets=0), 'num_targets=0'),
    ],
)
def test_bad_settings_are_named(make, settings, message):
    with pytest.raises(InputError, match=message):
        make(**settings)


@pytest.mark.parametrize(
    ('part', 'index', 'key', 'value', 'message'),
    [
        ('images', 0, 'id', 6, 'image 6: id: 6 is a duplicate'),
        ('images', 0, 'width', -1, 'image 5: width: is -1, expected a positive'),
        ('images', 0, 'file_name', 4, 'image 5: file_name: is 4, expected a string'),
        ('annotations', 0, 'image_id', 77, 'annotation 0: image_id: is 77, but there is no such image'),
        ('annotations', 0, 'category_id', 77, 'annotation 0: category_id: is 77, but there is no such category'),
        ('annotations', 0, 'segmentation', [[1, 2]], 'annotation 0: segmentation: polygon 0 has 2 numbers'),
    ],
)
def test_bad_annotations_name_the_field(tmp_path, coco, part, index, key, value, message):
    coco[part][index][key] = value
    (tmp_path / 'coco.json').write_text(json.dumps(coco))
    with pytest.raises(InputError, match=f'coco.json: {message}'):
        COCOPseudoVideoDataset(str(tmp_path / 'coco.json'), metainfo=dict(classes=('cat', 'car', 'mouse')))
