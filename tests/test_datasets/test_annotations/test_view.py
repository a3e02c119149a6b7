"""A view of an annotation file: a choice of its videos, other class names, images as videos of one frame."""

import copy
import json

import pytest

from mmrcf.datasets import YouTubeVISDataset
from mmrcf.datasets.annotations import AnnotationFile, AnnotationView, parse_annotations
from mmrcf.datasets.annotations.view import read_names
from mmrcf.errors import InputError, InputFileError
from mmrcf.evaluation import load_ground_truth


@pytest.fixture
def videos() -> dict:
    return dict(
        videos=[
            dict(id=7, height=4, width=4, file_names=['bear/0.jpg', 'bear/1.jpg']),
            dict(id=3, height=4, width=4, file_names=['boat/0.jpg']),
        ],
        categories=[dict(id=5, name='dog'), dict(id=2, name='cat'), dict(id=9, name='ball')],
        annotations=[
            dict(id=1, video_id=7, category_id=5, segmentations=[None, [[0, 0, 2, 0, 2, 2]]]),
            dict(id=2, video_id=3, category_id=9, segmentations=[[[0, 0, 2, 0, 2, 2]]]),
            dict(id=3, video_id=3, category_id=2, segmentations=[[[0, 0, 2, 0, 2, 2]]]),
        ],
    )


@pytest.fixture
def images() -> dict:
    return dict(
        images=[dict(id=4, file_name='a/4.jpg', height=4, width=4), dict(id=6, file_name='6.jpg', height=4, width=4)],
        categories=[dict(id=1, name='dog')],
        annotations=[
            dict(
                id=1, image_id=6, category_id=1, iscrowd=1, area=2, bbox=[0, 0, 2, 2], segmentation=[[0, 0, 2, 0, 2, 2]]
            )
        ],
    )


def ids(file: AnnotationFile) -> list[int]:
    return list(file.videos)


def categories(file: AnnotationFile) -> list[tuple[int, int]]:
    return [(item.annotation_id, item.category_id) for item in file.annotations]


@pytest.mark.parametrize(
    ('view', 'expected'),
    [
        (AnnotationView(), [7, 3]),
        (AnnotationView(only=['boat']), [3]),
        (AnnotationView(only=[7]), [7]),
        (AnnotationView(exclude=['bear']), [3]),
        (AnnotationView(only=['bear', 'boat'], exclude=['7']), [3]),
    ],
)
def test_videos_are_chosen_by_id_or_folder(videos, view, expected) -> None:
    before = copy.deepcopy(videos)
    file = parse_annotations(videos, 'file', view)
    assert ids(file) == expected
    assert {item.video_id for item in file.annotations} == set(expected)
    assert videos == before


def test_categories_become_classes_and_the_rest_is_left_out(videos) -> None:
    file = parse_annotations(videos, 'file', AnnotationView(class_map=dict(cat='animal', dog='animal', ball='thing')))
    assert file.categories == {1: 'animal', 2: 'thing'}
    assert categories(file) == [(1, 1), (2, 2), (3, 1)]
    file = parse_annotations(videos, 'file', AnnotationView(class_map=dict(cat='animal', horse='animal')))
    assert categories(file) == [(3, 1)]


def test_images_are_videos_of_one_frame(images) -> None:
    assert ids(parse_annotations(images, 'file', AnnotationView(only=['a/4.jpg']))) == [
        4
    ]  # by its own name, not its folder's
    with pytest.raises(InputError, match='has no a '):
        parse_annotations(images, 'file', AnnotationView(only=['a']))
    file = parse_annotations(images, 'file', AnnotationView(only=['6.jpg']))
    assert ids(file) == [6] and file.videos[6].file_names == ('6.jpg',)
    (track,) = file.annotations
    assert (track.annotation_id, track.video_id, track.category_id, track.crowd) == (1, 6, 1, True)
    assert track.segmentations == ([[0, 0, 2, 0, 2, 2]],)


@pytest.mark.parametrize(
    ('view', 'message'),
    [
        (dict(only=['bear', 'wolf']), r'file: has no wolf \(1 of 2 names of the option "only"\)'),
        (dict(exclude=['wolf', 'bear']), r'file: has no wolf \(1 of 2 names of the option "exclude"\)'),
        (dict(exclude=['bear', 'boat', '11', '12']), 'file: nothing is left of it'),
        (dict(only=[]), 'only: has no name'),
        (dict(only=['bear', 'bear']), 'only: bear is given twice'),
        (dict(only=['both']), 'file: the name both of the option "only" fits 2 entries; use their ids'),
        (dict(class_map='youtube_vis'), "class_map='youtube_vis': no such map"),
        (dict(class_map=['dog']), 'expected category names to class names'),
        (dict(class_map=dict(horse='animal')), r"file: has none of the categories \['horse'\]"),
        (dict(class_map=dict(dog='animal', catt='animal')), "file: class_map has 'catt'.*did you mean 'cat'"),
    ],
)
def test_wrong_names_are_named(videos, view, message) -> None:
    videos['videos'] += [dict(id=key, height=4, width=4, file_names=[f'both/{key}.jpg']) for key in (11, 12)]
    with pytest.raises(InputError, match=message):
        parse_annotations(videos, 'file', AnnotationView(**view))


def test_an_annotation_of_no_category_is_named(videos) -> None:
    videos['annotations'][0]['category_id'] = 1
    with pytest.raises(InputError, match='annotation 1: category_id: is 1, but there is no such category'):
        parse_annotations(videos, 'file', AnnotationView(class_map=dict(dog='animal')))


@pytest.mark.parametrize(
    ('part', 'key', 'message'),
    [
        ('videos', 'id', r'videos\[0\]: id: is missing'),
        ('annotations', 'video_id', 'annotation 1: video_id: is missing'),
    ],
)
def test_a_missing_field_is_named(videos, part, key, message) -> None:
    del videos[part][0][key]
    with pytest.raises(InputError, match=f'file: {message}'):
        parse_annotations(videos, 'file', AnnotationView(only=['boat']))


def test_a_text_file_may_name_what_another_file_has(tmp_path, videos) -> None:
    (tmp_path / 'names.txt').write_text('boat\nwolf\n')
    assert ids(parse_annotations(videos, 'file', AnnotationView(only=tmp_path / 'names.txt'))) == [3]
    (tmp_path / 'names.txt').write_text('wolf\n')
    with pytest.raises(InputError, match='has no wolf'):
        parse_annotations(videos, 'file', AnnotationView(only=tmp_path / 'names.txt'))


def test_names_from_a_file(tmp_path) -> None:
    (tmp_path / 'names.txt').write_text('# chosen by hand\nbear\n\n12  # a second one\n')
    assert read_names(tmp_path / 'names.txt', 'only') == ('bear', '12')
    (tmp_path / 'none.txt').write_text('# nothing\n')
    with pytest.raises(InputError, match='only .*none.txt: has no name'):
        read_names(tmp_path / 'none.txt', 'only')
    with pytest.raises(InputFileError, match='only .*missing.txt: no such file'):
        read_names(tmp_path / 'missing.txt', 'only')


def test_data_set_and_ground_truth_take_the_same_view(tmp_path, videos, images) -> None:
    (tmp_path / 'videos.json').write_text(json.dumps(videos))
    (tmp_path / 'images.json').write_text(json.dumps(images))
    choice = dict(class_map=dict(cat='animal', dog='animal'), only=['boat'])
    dataset = YouTubeVISDataset('videos.json', data_root=tmp_path, metainfo=dict(classes=('animal',)), **choice)
    (record,) = dataset.load_data_list()
    assert [item['label'] for item in record['instances']] == [0]
    truth = load_ground_truth(tmp_path / 'videos.json', AnnotationView(**choice))
    assert list(truth.videos) == [3] and truth.categories == {1: 'animal'} and len(truth.tracks) == 1
    assert list(load_ground_truth(tmp_path / 'videos.json').videos) == [3, 7]
    tested = YouTubeVISDataset('images.json', data_root=tmp_path, test_mode=True)
    assert len(tested) == 2
    truth = load_ground_truth(tmp_path / 'images.json')
    assert [track.crowd for track in truth.tracks] == [True]
