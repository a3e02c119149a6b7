import copy
import json

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils

from mmrcf.datasets.annotations import read_labelled_videos, validate_annotations
from mmrcf.errors import InputError

HEIGHT, WIDTH = 20, 30


def rle_of(left: int) -> dict:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[4:10, left : left + 8] = 1
    rle = mask_utils.encode(np.asfortranarray(mask))
    return dict(size=rle['size'], counts=rle['counts'].decode())


@pytest.fixture(scope='module')
def content() -> dict:
    names = ['v/0.jpg', 'v/1.jpg', 'v/2.jpg']
    return dict(
        videos=[dict(id=4, height=HEIGHT, width=WIDTH, length=3, file_names=names)],
        categories=[dict(id=1, name='cat'), dict(id=2, name='dog')],
        annotations=[
            dict(
                id=9,
                video_id=4,
                category_id=2,
                iscrowd=0,
                length=3,
                segmentations=[rle_of(2), None, rle_of(6)],
                areas=[48, None, 48],
                bboxes=[[2, 4, 8, 6], None, [6, 4, 8, 6]],
            )
        ],
    )


@pytest.fixture
def write(tmp_path):
    def write_file(content: object) -> str:
        path = tmp_path / 'instances.json'
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return write_file


def edited(content: dict, keys: tuple, value: object) -> dict:
    content = copy.deepcopy(content)
    entry = content
    for key in keys[:-1]:
        entry = entry[key]
    if value is ...:
        del entry[keys[-1]]
    else:
        entry[keys[-1]] = value
    return content


VIDEO, TRACK = ('videos', 0), ('annotations', 0)


@pytest.mark.parametrize(
    ('keys', 'value', 'line'),
    [
        (('videos',), {}, 'error: file: videos: is a JSON object, expected a list'),
        (('categories',), [], 'error: file: categories: is an empty list'),
        (('annotations',), ..., 'warning: file: annotations: missing or null'),
        (('annotations',), [], 'warning: file: annotations: is an empty list'),
        (VIDEO, 3, 'error: videos[0]: entry: is 3, expected a JSON object'),
        ((*VIDEO, 'id'), ..., 'error: videos[0]: id: is missing, expected a whole number'),
        ((*VIDEO, 'id'), 0, 'warning: video 0: id: is 0'),
        ((*VIDEO, 'height'), '20', "error: video 4: height: is '20', expected a whole number"),
        ((*VIDEO, 'length'), 2, 'error: video 4: length: is 2, but it has 3 file_names'),
        ((*VIDEO, 'file_names'), [1], 'error: video 4: file_names[0]: is 1, expected a path'),
        ((*VIDEO, 'file_names'), [None], 'error: video 4: file_names[0]: is null, expected a path'),
        ((*VIDEO, 'file_names', 1), 'v/0.jpg', "warning: video 4: file_names: 'v/0.jpg' is there 2 times"),
        (('categories', 1, 'id'), 1, 'error: category 1: id: 1 is a duplicate'),
        (('categories', 1, 'name'), 'cat', "error: category 2: name: 'cat' is a duplicate"),
        (('categories', 1, 'name'), None, 'error: category 2: name: is null, expected a string'),
        ((*TRACK, 'id'), None, 'error: annotations[0]: id: is null, expected a whole number'),
        ((*TRACK, 'id'), -3, 'warning: video 4, annotation -3: id: is -3'),
        ((*TRACK, 'video_id'), 5, 'error: annotation 9: video_id: is 5, but there is no such video'),
        ((*TRACK, 'category_id'), 5, 'error: annotation 9: category_id: is 5, but there is no such category'),
        ((*TRACK, 'category_id'), ..., 'error: annotation 9: category_id: is missing, expected a whole number'),
        ((*TRACK, 'iscrowd'), 1, 'warning: video 4, annotation 9: iscrowd: is set'),
        ((*TRACK, 'iscrowd'), 'no', "error: annotation 9: iscrowd: is 'no', expected a whole number or true or false"),
        ((*TRACK, 'length'), 1, 'warning: video 4, annotation 9: length: is 1, but that of the video is 3'),
        ((*TRACK, 'segmentations'), ..., 'error: annotation 9: segmentations: is missing, expected a list'),
        ((*TRACK, 'segmentations'), [None], 'error: video 4, annotation 9: segmentations: has 1 entry, but'),
        ((*TRACK, 'segmentations'), [None] * 3, 'warning: video 4, annotation 9: segmentations: the object is in no'),
        ((*TRACK, 'segmentations', 2, 'size'), [9, 9], 'error: video 4, annotation 9: segmentations[2]: RLE size is'),
        ((*TRACK, 'segmentations', 0, 'counts'), 'x', 'error: video 4, annotation 9: segmentations[0]: RLE counts'),
        ((*TRACK, 'segmentations', 0), [[1, 2]], 'error: video 4, annotation 9: segmentations[0]: polygon 0 has 2'),
        ((*TRACK, 'segmentations', 1), [[1] * 6], 'warning: video 4, annotation 9: segmentations[1]: the mask has no'),
        ((*TRACK, 'areas', 2), 70, 'warning: video 4, annotation 9: areas[2]: is 70, but that of the mask is 48; '),
        ((*TRACK, 'areas', 0), None, 'warning: video 4, annotation 9: areas[0]: is null, but that of the mask is 48; '),
        ((*TRACK, 'areas', 1), 48, 'warning: video 4, annotation 9: areas[1]: is 48'),
        ((*TRACK, 'areas'), [48], 'warning: video 4, annotation 9: areas: has 1 entry'),
        ((*TRACK, 'bboxes', 0), [2, 4, 10, 10], 'warning: video 4, annotation 9: bboxes[0]: is [2, 4, 10, 10]'),
        ((*TRACK, 'bboxes', 0), [2, 4], 'warning: video 4, annotation 9: bboxes[0]: is [2, 4]'),
        ((*TRACK, 'bboxes'), ..., 'warning: video 4, annotation 9: bboxes: is null, expected a list'),
    ],
)
def test_a_problem_is_named_with_its_place_and_field(content, write, keys, value, line):
    problems = [str(problem) for problem in validate_annotations(write(edited(content, keys, value)))]
    assert any(problem.startswith(line) for problem in problems), problems
    assert all('\n' not in problem for problem in problems)


def test_every_problem_is_reported(content, write):
    broken = copy.deepcopy(content)
    second = copy.deepcopy(broken['annotations'][0]) | dict(video_id=77)
    broken['annotations'].append(second)
    broken['annotations'][0]['segmentations'] = [rle_of(2), [[1, 2, 3]], dict(size=[1, 1], counts=[1])]
    broken['videos'][0]['length'] = 1
    problems = validate_annotations(write(broken))
    assert [(problem.severity, problem.field) for problem in problems] == [
        ('error', 'length'),
        ('error', 'segmentations[1]'),
        ('error', 'segmentations[2]'),
        ('error', 'id'),
        ('error', 'video_id'),
    ]
    assert (problems[1].video_id, problems[1].annotation_id) == (4, 9)


def test_polygon_areas_may_differ_a_little(content, write):
    track = content['annotations'][0] | dict(
        segmentations=[[[1.5, 1.5, 20.2, 3.1, 18.7, 15.9, 3.3, 14.8]], None, None],
        areas=[210.1, None, None],
        bboxes=[[1.5, 1.5, 18.7, 14.4], None, None],
    )
    assert validate_annotations(write(content | dict(annotations=[track]))) == []


MUTATIONS = st.tuples(
    st.sampled_from(
        [
            ('videos',),
            ('videos', 0),
            *[('videos', 0, key) for key in ('id', 'height', 'width', 'length', 'file_names')],
            ('videos', 0, 'file_names', 1),
            ('categories',),
            ('categories', 1),
            ('categories', 1, 'id'),
            ('categories', 1, 'name'),
            ('annotations', 0),
            *[('annotations', 0, key) for key in ('id', 'video_id', 'category_id', 'iscrowd', 'length', 'areas')],
            ('annotations', 0, 'segmentations'),
            ('annotations', 0, 'segmentations', 0),
            ('annotations', 0, 'segmentations', 0, 'size'),
            ('annotations', 0, 'segmentations', 0, 'counts'),
        ]
    ),
    st.one_of(
        st.just(...),
        st.none(),
        st.integers(-2, 5),
        st.text(max_size=3),
        st.lists(st.one_of(st.none(), st.integers(0, 30), st.lists(st.integers(0, 30), max_size=8)), max_size=4),
        st.just({}),
    ),
)


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(MUTATIONS)
def test_errors_are_exactly_what_the_reader_refuses(content, write, mutation):
    path = write(edited(content, *mutation))
    has_errors = any(problem.severity == 'error' for problem in validate_annotations(path))
    try:
        read_labelled_videos(path, classes=None)
        refused = False
    except InputError as error:
        refused = True
        assert '\n' not in str(error)
    assert has_errors == refused


def test_images_are_opened(content, write, tmp_path):
    (tmp_path / 'v').mkdir()
    for name, height in (('0.jpg', HEIGHT), ('1.jpg', HEIGHT + 1)):
        cv2.imwrite(str(tmp_path / 'v' / name), np.zeros((height, WIDTH, 3), np.uint8))
    problems = validate_annotations(write(content), tmp_path)
    assert [(problem.severity, problem.location, problem.field) for problem in problems] == [
        ('error', 'video 4', 'file_names[1]'),
        ('error', 'video 4', 'file_names[2]'),
    ]
    assert 'v/1.jpg is 30 x 21 pixels, but the video 30 x 20' in problems[0].message
    assert 'v/2.jpg: no such file' in problems[1].message


@pytest.fixture
def run(load_script, capsys):
    def run_tool(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            load_script('tools/dataset_converters/validate_ytvis.py').main(list(arguments))
        return stop.value.code or 0, *capsys.readouterr()

    return run_tool


def test_the_tool_says_whether_a_file_is_good(content, write, run, tmp_path):
    code, out, _ = run(write(content))
    assert code == 0 and out.endswith('instances.json: 0 errors, 0 warnings\n')
    code, out, _ = run(write(edited(content, (*TRACK, 'areas', 0), 1)))
    assert code == 0 and out.endswith('0 errors, 1 warning\n')
    report = tmp_path / 'report.json'
    code, out, _ = run(write(edited(content, (*TRACK, 'video_id'), 1)), '--json', str(report))
    assert code == 1 and 'error: annotation 9: video_id' in out
    (problem,) = json.loads(report.read_text())
    assert (problem['severity'], problem['annotation_id'], problem['field']) == ('error', 9, 'video_id')


@pytest.mark.parametrize('text', ['', '{"videos": [', '[]'])
def test_the_tool_with_a_file_that_is_no_annotation_file(write, run, text):
    code, out, err = run(write(text))
    assert code == 2 and out == '' and err.startswith('error: annotation file ') and err.count('\n') == 1


def test_the_tool_with_paths_that_are_not_there(content, write, run, tmp_path):
    for arguments in ([str(tmp_path / 'no.json')], [str(tmp_path)], [write(content), '--image-root', 'nowhere']):
        code, _, err = run(*arguments)
        assert code == 2 and err.count('\n') == 1
    (tmp_path / 'folder.json').mkdir()
    code, _, err = run(write(content), '--json', str(tmp_path / 'folder.json'))
    assert code == 2 and 'is a folder' in err
    code, _, err = run(write(content), '--json', str(tmp_path / 'frame.jpg'))
    assert code == 2 and 'expected a name that ends in .json' in err
