"""One reader for all layouts: every field checked, and the same records for data sets, metrics and the validator."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils

from mmrcf.datasets import COCOPseudoVideoDataset, YouTubeVISDataset
from mmrcf.datasets.annotations import (
    AnnotationFile,
    AnnotationRecord,
    VideoRecord,
    file_content,
    parse_annotations,
    read_annotations,
    validate_annotations,
)
from mmrcf.errors import InputError
from mmrcf.evaluation import load_ground_truth

MISSING = object()


def as_coco(content: dict) -> dict:
    """The first frame of every video as an image."""
    images = [
        dict(id=video['id'], height=video['height'], width=video['width'], file_name=video['file_names'][0])
        for video in content['videos']
    ]
    annotations = [
        {key: item[key] for key in ('id', 'category_id', 'iscrowd')}
        | dict(image_id=item['video_id'], segmentation=item['segmentations'][0])
        | dict(area=item['areas'][0], bbox=item['bboxes'][0])
        for item in content['annotations']
    ]
    return dict(images=images, categories=content['categories'], annotations=annotations)


def as_cocovid(content: dict) -> dict:
    """The content as MMTracking writes it: an entry for each frame, an annotation for each object of a frame."""
    images, annotations, image_ids = [], [], {}
    for video in content['videos']:
        for frame, name in enumerate(video['file_names']):
            image_ids[video['id'], frame] = len(images) + 1
            own = dict(id=len(images) + 1, video_id=video['id'], frame_id=frame, file_name=name)
            images.append(own | dict(height=video['height'], width=video['width']))
    for item in content['annotations']:
        for frame, segmentation in enumerate(item['segmentations']):
            if segmentation is not None:
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        image_id=image_ids[item['video_id'], frame],
                        video_id=item['video_id'],
                        instance_id=item['id'],
                        category_id=item['category_id'],
                        iscrowd=item['iscrowd'],
                        segmentation=segmentation,
                        area=item['areas'][frame],
                        bbox=item['bboxes'][frame],
                    )
                )
    videos = [{key: video[key] for key in ('id', 'height', 'width')} for video in content['videos']]
    # Neither the order of the images nor that of the annotations says anything.
    return dict(content, videos=videos, images=images[::-1], annotations=annotations)


LAYOUTS = {'youtube_vis': lambda content: content, 'coco': as_coco, 'cocovid': as_cocovid}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(content: dict, encoding: str = 'utf-8') -> Path:
        path = tmp_path / 'annotations.json'
        path.write_text(json.dumps(content), encoding=encoding)
        return path

    return write_file


@pytest.mark.parametrize('layout', LAYOUTS)
def test_a_byte_order_mark_makes_no_difference(content, write, layout) -> None:
    content = LAYOUTS[layout](content)
    plain = file_content(read_annotations(write(content)))
    path = write(content, 'utf-8-sig')
    assert path.read_bytes()[:3] == b'\xef\xbb\xbf'
    assert file_content(read_annotations(path)) == plain
    assert len(load_ground_truth(path).tracks) == 4
    assert all(problem.severity != 'error' for problem in validate_annotations(path))


VIDEO_FIELDS = [
    ('videos', 'id', 'a whole number'),
    ('videos', 'height', 'a whole number'),
    ('videos', 'width', 'a whole number'),
]
FIELDS = {
    'youtube_vis': [
        *VIDEO_FIELDS,
        ('videos', 'file_names', 'a list'),
        ('annotations', 'video_id', 'a whole number'),
        ('annotations', 'segmentations', 'a list'),
    ],
    'coco': [
        ('images', 'id', 'a whole number'),
        ('images', 'height', 'a whole number'),
        ('images', 'width', 'a whole number'),
        ('images', 'file_name', 'a string'),
        ('annotations', 'image_id', 'a whole number'),
    ],
    'cocovid': [
        *VIDEO_FIELDS,
        *[('images', key, 'a whole number') for key in ('id', 'video_id', 'frame_id')],
        ('images', 'file_name', 'a string'),
        ('annotations', 'image_id', 'a whole number'),
        ('annotations', 'instance_id', 'a whole number'),
    ],
}
SHARED = [
    ('categories', 'id', 'a whole number'),
    ('categories', 'name', 'a string'),
    ('annotations', 'id', 'a whole number'),
    ('annotations', 'category_id', 'a whole number'),
    ('annotations', 'iscrowd', 'a whole number or true or false'),
]
UNITS = dict(videos='video', images='image', categories='category', annotations='annotation')


@pytest.mark.parametrize(
    ('layout', 'part', 'key', 'expected'), [(layout, *row) for layout in LAYOUTS for row in FIELDS[layout] + SHARED]
)
def test_a_field_of_the_wrong_type_is_named_with_file_and_entry(content, write, layout, part, key, expected) -> None:
    content = copy.deepcopy(LAYOUTS[layout](content))
    entry_id = content[part][0]['id']
    name = f'{part}[0]' if key == 'id' else f'{UNITS[part]} {entry_id}'
    wrong = [0] if expected == 'a string' else '0'
    for value, found in ((wrong, "'0'" if wrong == '0' else 'a list'), (1.5, '1.5'), (None, 'null')):
        if value is None and key == 'iscrowd':
            continue  # as if it were not there
        content[part][0][key] = value
        path = write(content)
        with pytest.raises(InputError) as caught:
            read_annotations(path)
        message = f'{name}: {key}: is {found}, expected {expected}'
        assert str(caught.value) == f'annotation file {path}: {message}; correct it'
        errors = [str(problem) for problem in validate_annotations(path) if problem.severity == 'error']
        assert f'error: {message}' in errors
        with pytest.raises(InputError, match=f'{key}: is '):
            load_ground_truth(path)


def test_names_of_windows(content) -> None:
    expected = parse_annotations(content).videos
    for video in content['videos']:
        video['file_names'] = [name.replace('/', '\\') for name in video['file_names']]
    assert '\\' in content['videos'][0]['file_names'][0]
    videos = parse_annotations(content).videos
    assert [video.file_names for video in videos.values()] == [video.file_names for video in expected.values()]


@pytest.mark.parametrize('layout', LAYOUTS)
def test_a_text_is_no_crowd(content, write, layout) -> None:
    content = LAYOUTS[layout](content)
    content['annotations'][0]['iscrowd'] = '0'
    path = write(content)
    message = r"annotation (11|1): iscrowd: is '0', expected a whole number or true or false"
    with pytest.raises(InputError, match=message):
        load_ground_truth(path)
    with pytest.raises(InputError, match=message):
        YouTubeVISDataset(str(path))


@pytest.mark.parametrize(
    ('value', 'crowd'), [(0, False), (1, True), (False, False), (True, True), (None, False), (MISSING, False)]
)
def test_a_crowd_is_a_number_or_a_flag(content, value, crowd) -> None:
    content['annotations'][0].pop('iscrowd')
    if value is not MISSING:
        content['annotations'][0]['iscrowd'] = value
    assert parse_annotations(content).annotations[0].crowd is crowd
    content['annotations'][0]['iscrowd'] = 2
    with pytest.raises(InputError, match='annotations: annotation 11: iscrowd: is 2, expected 0 or 1'):
        parse_annotations(content)


def test_cocovid_is_read_as_youtube_vis(content) -> None:
    expected, file = parse_annotations(content), parse_annotations(as_cocovid(content))
    assert [(video.video_id, video.height, video.width, video.file_names) for video in file.videos.values()] == [
        (video.video_id, video.height, video.width, video.file_names) for video in expected.videos.values()
    ]
    assert file.categories == expected.categories
    for item, other in zip(file.annotations, expected.annotations, strict=True):
        assert (item.video_id, item.category_id, item.crowd) == (other.video_id, other.category_id, other.crowd)
        assert file.rles(item) == expected.rles(other)


def test_images_of_cocovid_are_still_images_where_asked_for(content) -> None:
    file = parse_annotations(as_cocovid(content), as_images=True)
    assert file.has_images and len(file.videos) == 9 and len(file.annotations) == 6 + 2 + 6 + 3


@pytest.mark.parametrize(
    ('part', 'key', 'value', 'message'),
    [
        ('images', 'video_id', 5, 'image 9: video_id: is 5, but there is no such video'),
        ('images', 'frame_id', 0, 'image 7: frame_id: 0 is a duplicate in video 3'),
        ('images', 'id', 8, 'image 8: id: 8 is a duplicate'),
        ('annotations', 'image_id', 77, 'annotation 1: image_id: is 77, but there is no such image'),
        ('annotations', 'image_id', 2, 'annotation 2: instance_id: 11 is a duplicate in image 2'),
        ('annotations', 'category_id', 1, 'annotation 2: category_id: is 2, but 1 in another frame of the instance'),
    ],
)
def test_frames_and_objects_that_do_not_fit_together_are_named(content, part, key, value, message) -> None:
    content = as_cocovid(content)
    content[part][0][key] = value
    with pytest.raises(InputError, match=f'file: {message}'):
        parse_annotations(content, 'file')


@pytest.mark.parametrize('layout', LAYOUTS)
def test_data_set_metric_and_validator_see_the_same(content, write, layout) -> None:
    path = write(LAYOUTS[layout](content))
    assert {str(problem) for problem in validate_annotations(path)} == {
        f'warning: {"image" if layout == "coco" else "video"} 7, annotation {9 if layout == "cocovid" else 13}: '
        "iscrowd: is set; in training the track is background, or with crowds='ignore' an ignored region"
    }
    truth = load_ground_truth(path)
    frames = YouTubeVISDataset(str(path)).load_data_list()
    if layout == 'coco':
        classes = tuple(truth.categories.values())
        images = COCOPseudoVideoDataset(str(path), metainfo=dict(classes=classes)).load_data_list()
        assert [image['instances'] for image in images] == [frame['instances'] for frame in frames]
    seen: list[tuple[int, int, int, bytes]] = []
    for track in truth.tracks:
        label = list(truth.categories).index(track.category_id)
        for frame, rle in enumerate(track.rles):
            if rle is not None and not track.crowd:
                seen.append((track.video_id, frame, label, rle['counts']))
    assert sorted(seen) == sorted(
        (frame['video_id'], frame['frame_id'], item['label'], item['counts'])
        for frame in frames
        for item in frame['instances']
    )


def test_all_errors_of_a_file_are_listed(content, write) -> None:
    content['videos'][0]['height'] = '40'
    content['annotations'][0] |= dict(category_id=None, iscrowd='0')
    content['annotations'][3] |= dict(video_id=1, segmentations={})
    fields = [problem.field for problem in validate_annotations(write(content)) if problem.severity == 'error']
    assert fields == ['height', 'category_id', 'iscrowd', 'video_id', 'segmentations']


def test_a_file_in_no_known_layout_is_refused(write) -> None:
    with pytest.raises(InputError, match='videos: is missing, expected a list'):
        read_annotations(write(dict(categories=[], masklet=[])))
    with pytest.raises(InputError, match='is a list, expected a JSON object in the layout of YouTube-VIS'):
        read_annotations(write([]))


@st.composite
def files(draw: st.DrawFn) -> AnnotationFile:
    """One or two videos, or images, with some objects; some frames without."""
    has_images = draw(st.booleans())
    videos, annotations = {}, []
    for video_id in draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=2, unique=True)):
        shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
        length = 1 if has_images else draw(st.integers(1, 3))
        names = tuple(f'{video_id}/ü{frame}.jpg' for frame in range(length))
        entry = draw(st.dictionaries(st.just('fps'), st.integers(1, 60)))
        videos[video_id] = VideoRecord(video_id, *shape, names, entry=entry, is_image=has_images)
        for _ in range(draw(st.integers(0, 2))):
            rles = []
            for _ in names:
                mask = draw(arrays.arrays(np.uint8, shape, elements=st.integers(0, 1)))
                rles.append(mask_utils.encode(np.asfortranarray(mask)) if mask.any() else None)
            category_id, crowd = draw(st.sampled_from([3, 8])), draw(st.booleans())
            annotations.append(AnnotationRecord(len(annotations), video_id, category_id, crowd, rles))
    return AnnotationFile('file', videos, {8: 'cat', 3: 'dög'}, annotations, has_images)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(files())
def test_what_is_written_is_read_again(file: AnnotationFile) -> None:
    again = parse_annotations(json.loads(json.dumps(file_content(file))), 'file')
    assert again.categories == file.categories and list(again.categories) == list(file.categories)
    assert again.has_images == file.has_images
    for video, other in zip(again.videos.values(), file.videos.values(), strict=True):
        assert video.entry.items() >= dict(other.entry).items()
        for key in ('video_id', 'height', 'width', 'file_names', 'is_image'):
            assert getattr(video, key) == getattr(other, key)
    for item, other in zip(again.annotations, file.annotations, strict=True):
        for key in ('annotation_id', 'video_id', 'category_id', 'crowd'):
            assert getattr(item, key) == getattr(other, key)
        assert again.rles(item) == file.rles(other)


@pytest.mark.parametrize('side', ['height', 'width'])
def test_a_video_too_large_for_the_memory_is_refused_before_its_masks(
    side: str, tmp_path: Path, load_script: Callable, capsys: pytest.CaptureFixture
) -> None:
    """Three points in a video of 1e9 pixels a side end the rasteriser's process."""
    size = dict(height=100, width=100) | {side: 10**9}
    content = dict(
        videos=[dict(id=1, file_names=['v/0.jpg'], length=1, **size)],
        categories=[dict(id=1, name='dog')],
        annotations=[
            dict(id=1, video_id=1, category_id=1, iscrowd=0, segmentations=[[[0, 0, 10**9, 0, 10**9, 10**9]]])
        ],
    )
    path = tmp_path / 'ann.json'
    path.write_text(json.dumps(content))
    message = f'video 1: {side}: is 1000000000, expected at most 16384 pixels'
    with pytest.raises(InputError, match=message):
        read_annotations(path)
    with pytest.raises(InputError, match=message):
        YouTubeVISDataset(str(path))
    with pytest.raises(SystemExit):
        load_script('tools/dataset_converters/validate_ytvis.py').main([str(path)])
    assert message in capsys.readouterr().out
    content['videos'][0][side] = 20000
    content['annotations'][0]['segmentations'] = [[[0, 0, 50, 0, 50, 50]]]
    path.write_text(json.dumps(content))
    assert len(YouTubeVISDataset(str(path), max_side=20000)) == 1
    load_script('tools/dataset_converters/validate_ytvis.py').parse_args([str(path), '--max-side', '20000'])


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"videos": ' + '[' * 100_000, 'lie too deep in each other'),
        ('{"videos": [{"id": ' + '1' * 5000 + '}]}', 'a number that is too long'),
    ],
)
def test_json_beyond_the_limits_of_python_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / 'ann.json').write_text(text)
    with pytest.raises(InputError, match=message):
        read_annotations(tmp_path / 'ann.json')
