import copy
import pickle
import random

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import TrackDataSample
from pycocotools import mask as mask_utils

from mmrcf.datasets import YOUTUBE_VIS_2019_CLASSES, YOUTUBE_VIS_2021_CLASSES, ClipRequest, YouTubeVISDataset
from mmrcf.errors import InputError, InputFileError
from mmrcf.inputs import kept_inputs
from mmrcf.registry import DATASETS
from mmrcf.utils import atomic_output

LOAD = [dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations'), dict(type='PackClip')]
TEST = [dict(type='LoadClipFrames'), dict(type='ClipResize', scale=(30, 20)), dict(type='PackClip')]


def make(path, **settings):
    settings = dict(pipeline=LOAD) | settings
    return YouTubeVISDataset('instances.json', data_root=path.parent, data_prefix=dict(img='images'), **settings)


def frames_of(sample):
    return sample['data_samples'].video_data_samples


def test_class_lists_are_those_of_the_challenge():
    for classes in (YOUTUBE_VIS_2019_CLASSES, YOUTUBE_VIS_2021_CLASSES):
        assert len(classes) == len(set(classes)) == 40
    assert (YOUTUBE_VIS_2019_CLASSES[0], YOUTUBE_VIS_2019_CLASSES[-1]) == ('person', 'tennis_racket')
    assert list(YOUTUBE_VIS_2021_CLASSES) == sorted(YOUTUBE_VIS_2021_CLASSES)


def test_a_training_item_is_a_clip_of_one_video(write_ytvis):
    dataset = make(write_ytvis(), num_references=2, num_targets=2, max_gap=2)
    assert len(dataset) == 2
    for index, (video_id, length) in enumerate([(7, 6), (3, 3)]):
        sample = dataset[index]
        frames = frames_of(sample)
        assert sample['inputs']['img'].shape == (4, 3, 40, 60) and sample['inputs']['img'].dtype == torch.uint8
        assert isinstance(sample['data_samples'], TrackDataSample) and len(frames) == 4
        assert all(frame.video_id == video_id and frame.video_length == length for frame in frames)
        assert [frame.frame_id for frame in frames] == sorted(frame.frame_id for frame in frames)


def test_frames_and_masks_show_what_is_in_the_files(write_ytvis):
    dataset = make(write_ytvis(), num_references=1, num_targets=3)
    for frame, image in zip(frames_of(sample := dataset[0]), sample['inputs']['img'], strict=True):
        objects = frame.gt_instances
        assert image[:, 39, 59].tolist() == [20 + frame.frame_id] * 3
        assert objects.instances_ids.tolist() == ([1, 2] if frame.frame_id < 2 else [1])
        assert objects.labels.tolist() == ([1, 0] if frame.frame_id < 2 else [1])
        assert objects.labels.dtype == objects.instances_ids.dtype == torch.int64
        left = 4 + 5 * frame.frame_id
        assert objects.bboxes[0].tolist() == [left, 6, left + 12, 16]
        for mask, colour in zip(objects.masks.masks, ([60, 60, 220], [60, 220, 60]), strict=False):
            assert (image.permute(1, 2, 0)[torch.from_numpy(mask > 0)] == torch.tensor(colour)).all()


def test_labels_follow_names_whatever_the_order_of_the_file(write_ytvis, content):
    shuffled = copy.deepcopy(content)
    shuffled['categories'] = [dict(id=2, name='dog'), dict(id=1, name='cat')]
    random.Random(0).shuffle(shuffled['annotations'])
    for file_content in (content, shuffled):
        dataset = make(write_ytvis(file_content), metainfo=dict(classes=['dog', 'whale', 'cat']), num_targets=6)
        assert dataset.metainfo['classes'] == ('dog', 'whale', 'cat')
        objects = frames_of(dataset[0])[1].gt_instances  # frame 0
        assert {(label, mask.sum()) for label, mask in zip(objects.labels.tolist(), objects.masks, strict=True)} == {
            (0, 120),
            (2, 192),
        }


def test_without_classes_the_files_own_are_taken_in_the_order_of_their_ids(write_ytvis, content):
    content['categories'].reverse()
    assert make(write_ytvis()).metainfo['classes'] == ('cat', 'dog')


def test_categories_are_ignored_by_name_only(write_ytvis):
    path = write_ytvis()
    with pytest.raises(InputError, match=r"json: categories \['cat'\] are not in the class list .* ignore_cat"):
        make(path, metainfo=dict(classes=('dog',)))
    dataset = make(path, metainfo=dict(classes=('dog',)), ignore_categories=['cat'])
    assert all(frame.gt_instances.labels.tolist() == [0] for index in range(2) for frame in frames_of(dataset[index]))


def test_polygons_and_rle_give_the_same_masks(write_ytvis, content, changed):
    polygon = [[10, 3, 30, 3, 30, 12, 10, 12]]
    expected = make(write_ytvis(), num_references=0)[1]
    keys = ('annotations', 3, 'segmentations')
    drawn = make(write_ytvis(changed(keys, [None, polygon, None])), num_references=0)
    sample = drawn[ClipRequest(1, (0,))]
    assert [frame.frame_id for frame in frames_of(sample)] == [1]
    box = np.zeros((40, 60))
    box[3:12, 10:30] = 1
    assert (frames_of(sample)[0].gt_instances.masks.masks[0] == box).all()
    assert frames_of(expected)[0].gt_instances.masks.masks.sum() == 180


def test_clips_without_objects_are_drawn_anew(write_ytvis, changed):
    absent = [None] * 5 + changed(('videos',), [])['annotations'][0]['segmentations'][5:]
    content = changed(('annotations', 0, 'segmentations'), absent)
    content['annotations'][1]['segmentations'] = [None] * 6
    dataset = make(write_ytvis(content), num_references=1, max_sampling_tries=50)
    assert {frames_of(dataset[0])[-1].frame_id for _ in range(10)} == {5}


def test_videos_without_objects_are_dropped_in_training_only(write_ytvis, content, changed):
    path = write_ytvis(changed(('annotations',), content['annotations'][:3]))
    assert len(make(path)) == 1
    kept = make(path, drop_empty_videos=False)
    assert len(kept) == 2 and len(frames_of(kept[1])[0].gt_instances) == 0
    assert len(make(path, test_mode=True, pipeline=TEST)) == 9
    with pytest.raises(InputError, match='no video has an object of the 2 classes'):
        make(write_ytvis(changed(('annotations',), [])))


def test_a_draw_makes_the_whole_sample_a_function_of_its_seed(write_ytvis):
    augment = [
        dict(type='RandomClipFlip'),
        dict(type='RandomClipWindow', size=(48, 32)),
        dict(type='ClipPhotometricDistortion'),
    ]
    dataset = make(write_ytvis(), num_targets=2, max_gap=2, pipeline=[*LOAD[:2], *augment, LOAD[2]])

    def draw(seed):
        np.random.seed(random.randrange(2**31))
        sample = dataset[ClipRequest(0, seed)]
        return [frame.frame_id for frame in frames_of(sample)], sample['inputs']['img']

    images = []
    for seed in range(8):
        (first, image), (second, again) = draw((seed, 3)), draw((seed, 3))
        assert first == second and torch.equal(image, again)
        images.append(image)
    assert len({tuple(image.shape) + (int(image.sum()),) for image in images}) == 8


def test_a_test_item_is_one_frame_without_ground_truth(write_ytvis, changed):
    dataset = make(write_ytvis(changed(('annotations',), None)), test_mode=True, pipeline=TEST)
    assert len(dataset) == 9
    seen = []
    for sample in (dataset[index] for index in range(9)):
        (frame,) = frames_of(sample)
        assert sample['inputs']['img'].shape == (1, 3, 20, 30)
        assert 'gt_instances' not in frame
        assert (frame.ori_shape, frame.img_shape, frame.scale_factor) == ((40, 60), (20, 30), (0.5, 0.5))
        seen.append((frame.video_id, frame.frame_id, frame.video_length))
    assert seen == [(7, t, 6) for t in range(6)] + [(3, t, 3) for t in range(3)]
    with pytest.raises(InputError, match='categories: is missing, expected a list'):
        make(write_ytvis(changed(('categories',))))


def test_fetching_a_frame_does_not_unpack_its_video(write_ytvis):
    dataset = make(write_ytvis(), test_mode=True, pipeline=TEST)
    sizes = np.diff(np.concatenate([[0], dataset.data_address]))
    assert len(sizes) == 9 and len(pickle.loads(dataset.data_bytes[: sizes[0]].tobytes())['img_path']) > 0


def test_files_are_read_lazily_where_asked(tmp_path):
    dataset = DATASETS.build(dict(type='YouTubeVISDataset', ann_file=str(tmp_path / 'no.json'), lazy_init=True))
    with pytest.raises(InputFileError, match='no.json: no such file'):
        len(dataset)


@pytest.mark.parametrize(
    ('keys', 'value', 'message'),
    [
        (('videos',), ..., 'instances.json: videos: is missing, expected a list'),
        (('videos',), [], 'videos: is an empty list'),
        (('videos',), {}, 'videos: is a JSON object, expected a list'),
        (('videos', 0, 'id'), ..., r'videos\[0\]: id: is missing'),
        (('videos', 0, 'id'), '7', r"videos\[0\]: id: is '7', expected a whole number"),
        (('videos', 0, 'id'), 3, 'video 3: id: 3 is a duplicate'),
        (('videos', 0, 'height'), 0, 'video 7: height: is 0, expected a positive'),
        (('videos', 0, 'length'), 5, 'video 7: length: is 5, but it has 6 file_names'),
        (('videos', 0, 'file_names'), [], 'video 7: file_names: is an empty list, expected the path'),
        (('categories',), ..., 'categories: is missing'),
        (('categories', 0, 'id'), 2, 'category 2: id: 2 is a duplicate'),
        (('categories', 0, 'name'), 'dog', "category 2: name: 'dog' is a duplicate"),
        (('annotations',), None, 'annotations: is missing or null, expected a list'),
        (('annotations', 0), 5, r'annotations\[0\]: entry: is 5, expected a JSON object'),
        (('annotations', 0, 'id'), 12, 'annotation 12: id: 12 is a duplicate'),
        (('annotations', 0, 'video_id'), 99, 'annotation 11: video_id: is 99, but there is no such video'),
        (('annotations', 0, 'category_id'), 99, 'annotation 11: category_id: is 99, but there is no such category'),
        (
            ('annotations', 0, 'segmentations'),
            [None] * 5,
            r'annotation 11: .* 5 entries, but video 7 \(a\) has 6 frames',
        ),
        (('annotations', 0, 'segmentations', 2, 'size'), [60, 40], r'annotation 11: segmentations\[2\]: RLE size is'),
        (('annotations', 0, 'segmentations', 2), [[1, 2, 3]], r'annotation 11: segmentations\[2\]: polygon 0 has 3'),
    ],
)
def test_bad_annotations_name_the_file_and_the_field(write_ytvis, changed, keys, value, message):
    path = write_ytvis(changed(keys, value))
    with pytest.raises(InputError, match=message) as caught:
        make(path)
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)


@pytest.mark.parametrize('text', ['', '{"videos": [', 'no json', '[1, 2]'])
def test_a_file_that_is_no_annotation_file(write_ytvis, text):
    path = write_ytvis()
    path.write_text(text)
    with pytest.raises(InputError, match=r'instances.json: '):
        make(path)


@pytest.mark.parametrize('test_mode', [False, True])
@pytest.mark.parametrize('damage', ['missing', 'folder', 'empty', 'text', 'cut', 'cut png', 'other size'])
def test_unusable_images_are_named(write_ytvis, changed, damage, test_mode):
    content = changed(('videos', 1, 'file_names'), [f'b/{t}.jpg' for t in range(3)])
    path = write_ytvis(content)
    for frame in range(3):
        image = path.parent / 'images' / 'b' / f'{frame}.jpg'
        noise = np.random.default_rng(frame).integers(0, 255, (40, 60, 3), dtype=np.uint8)
        data = cv2.imencode('.jpg', noise)[1].tobytes()
        if damage == 'folder':
            image.mkdir()
        elif damage == 'other size':
            cv2.imwrite(str(image), noise[:30])
        elif damage != 'missing':
            png = cv2.imencode('.png', noise)[1].tobytes()
            cut = {'cut': data[: len(data) // 2], 'cut png': png[: len(png) // 2]}
            image.write_bytes((cut | {'empty': b'', 'text': b'not an image'})[damage])
    dataset = make(path, test_mode=test_mode, pipeline=TEST if test_mode else LOAD)
    with pytest.raises(InputError, match=r'image .*images/b/\d.jpg: ') as caught:
        dataset[6 if test_mode else 1]
    assert '\n' not in str(caught.value)


def test_the_error_of_a_loader_process_is_still_an_input_error(write_ytvis):
    path = write_ytvis()
    (path.parent / 'images' / 'a' / '00000.png').unlink()
    dataset = make(path, test_mode=True, pipeline=TEST)
    batches = iter(torch.utils.data.DataLoader(dataset, sampler=[0], num_workers=1, collate_fn=list))
    with pytest.raises(InputError, match='00000.png: no such file'):
        next(batches)
    with pytest.raises(StopIteration):
        next(batches)


def test_samples_cross_processes_unchanged(write_ytvis):
    sample = make(write_ytvis(), num_targets=3)[ClipRequest(0, (1,))]['data_samples']
    copied = pickle.loads(pickle.dumps(sample))
    assert type(copied) is type(sample)
    for frame, other in zip(sample.video_data_samples, copied.video_data_samples, strict=True):
        assert frame.metainfo == other.metainfo
        assert (frame.gt_instances.masks.masks == other.gt_instances.masks.masks).all()
        for key in ('labels', 'instances_ids', 'bboxes'):
            assert torch.equal(frame.gt_instances[key], other.gt_instances[key])
            assert other.gt_instances[key].dtype == frame.gt_instances[key].dtype


@pytest.mark.parametrize(
    'settings', [dict(num_references=-1), dict(num_targets=0), dict(max_gap=0), dict(max_sampling_tries=0)]
)
def test_settings_out_of_range(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        YouTubeVISDataset('instances.json', lazy_init=True, **settings)


@pytest.mark.parametrize('classes', ['imagenet', [], ['a', 'a'], [1]])
def test_class_lists_that_are_none(classes):
    with pytest.raises(InputError, match='class'):
        YouTubeVISDataset('instances.json', lazy_init=True, metainfo=dict(classes=classes))


def test_a_misspelt_prefix_is_named():
    with pytest.raises(InputError, match=r"data_prefix has the keys \['img_path'\], expected 'img'"):
        YouTubeVISDataset('instances.json', lazy_init=True, data_prefix=dict(img_path='x'))


def test_crowds_are_no_ground_truth(write_ytvis, content):
    dataset = make(write_ytvis(), num_targets=6)
    crowd = mask_utils.decode(content['annotations'][2]['segmentations'][0])
    for frame in frames_of(dataset[0]):
        assert not any((mask == crowd).all() for mask in frame.gt_instances.masks)


def test_crowds_can_be_ignored_regions(write_ytvis, content):
    dataset = make(write_ytvis(), num_targets=6, crowds='ignore')
    crowd = content['annotations'][2]['segmentations']
    for frame in frames_of(dataset[0]):
        expected = crowd[frame.frame_id]
        assert ('ignored_instances' in frame) == (expected is not None)
        if expected is not None:
            np.testing.assert_array_equal(frame.ignored_instances.masks.masks[0], mask_utils.decode(expected))
        assert frame.gt_instances.instances_ids.min() >= 1 and frame.gt_instances.labels.min() >= 0
    dropped = make(write_ytvis(), num_targets=6)
    dropped.full_init()
    assert dataset.object_counts.tolist() == dropped.object_counts.tolist()
    with pytest.raises(InputError, match="crowds='keep', expected 'drop' or 'ignore'"):
        YouTubeVISDataset('instances.json', lazy_init=True, crowds='keep')


def test_all_beside_the_objects_of_a_partly_labelled_video_is_ignored(write_ytvis):
    path = write_ytvis()
    dataset = make(path, num_references=2, num_targets=4, partly_labelled=True)
    for seed in range(3):
        for frame in frames_of(dataset[ClipRequest(0, (seed,))]):
            masks = frame.gt_instances.masks.masks.any(axis=0)
            np.testing.assert_array_equal(frame.ignored_instances.masks.masks, ~masks[None])
    assert all('ignored_instances' not in frame for frame in frames_of(make(path, num_targets=6)[0]))
    (record,) = make(path, partly_labelled=True, test_mode=True).get_data_info(0)['instances']
    assert record == []


def test_a_frame_without_objects_of_a_partly_labelled_video_is_ignored_whole(write_ytvis, content):
    for annotation in content['annotations']:
        annotation['segmentations'][0] = None
    dataset = make(write_ytvis(content), num_targets=6, partly_labelled=True)
    first = min(frames_of(dataset[0]), key=lambda frame: frame.frame_id)
    assert first.frame_id == 0 and len(first.gt_instances) == 0
    assert first.ignored_instances.masks.masks.all()


def test_frames_that_a_loader_reads_are_inputs_of_the_command(write_ytvis):
    path = write_ytvis()
    with kept_inputs():
        frame = make(path, test_mode=True).get_data_info(0)['img_path'][0]
        with pytest.raises(InputError, match='is an input of this command'), atomic_output(frame):
            pass
