import json

import numpy as np
import pytest

from mmrcf.errors import InputError
from mmrcf.evaluation import load_ground_truth, parse_ground_truth

BOX = (10, 20, 30, 40)


def test_polygons_runs_and_nulls_become_the_same_rle(annotations):
    content = annotations([(1, 'cat', [BOX, BOX, BOX, None])])
    compressed = content['annotations'][0]['segmentations'][0]
    mask = np.zeros((300, 320), np.uint8)
    mask[20:60, 10:40] = 1
    flat = mask.flatten(order='F')
    borders = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *borders, flat.size]).tolist()
    content['annotations'][0]['segmentations'] = [
        compressed,
        [[10, 20, 40, 20, 40, 60, 10, 60]],
        {'size': [300, 320], 'counts': runs},
        None,
    ]
    (track,) = parse_ground_truth(content).tracks
    assert track.areas.tolist() == [1200, 1200, 1200, 0]
    assert track.rles[0]['counts'] == track.rles[1]['counts'] == track.rles[2]['counts']
    assert track.rles[3] is None and track.mean_area == 1200


def test_ids_are_in_ascending_order(annotations):
    parsed = parse_ground_truth(annotations([], lengths={9: 1, 2: 1}))
    assert list(parsed.videos) == [2, 9]
    assert dict(parsed.categories) == {10: 'cat', 20: 'dog'}


def test_what_was_read_is_shared_until_the_file_changes(annotations, tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(annotations([(1, 'cat', [BOX])])))
    first = load_ground_truth(path)
    assert load_ground_truth(str(path)) is first
    path.write_text(json.dumps(annotations([(1, 'cat', [BOX]), (1, 'dog', [BOX])])))
    assert len(load_ground_truth(path).tracks) == 2


def set_in(*keys, to):
    def change(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = to

    return change


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda content: content.pop('videos'), 'file.json: videos: is missing, expected a list'),
        (
            lambda content: content['annotations'][0].pop('segmentations'),
            'file.json: annotation 0: segmentations: is missing',
        ),
        (set_in('categories', to={}), 'file.json: categories: is a JSON object, expected a list'),
        (set_in('videos', 0, 'height', to='300'), "video 1: height: is '300', expected a whole number"),
        (set_in('annotations', 0, 'video_id', to=5), 'annotation 0: video_id: is 5, but there is no such video'),
        (
            set_in('annotations', 0, 'category_id', to=5),
            'annotation 0: category_id: is 5, but there is no such',
        ),
        (set_in('annotations', 0, 'segmentations', to=[None]), r'has 1 entry, but video 1 \(clip1\) has 2 frames'),
        (set_in('annotations', 0, 'segmentations', 1, to={'size': [3, 2], 'counts': 'T3'}), r'segmentations\[1\]: RLE'),
        (set_in('categories', 1, 'name', to='cat'), "category 20: name: 'cat' is a duplicate"),
        (lambda content: content['videos'].append(content['videos'][0]), 'video 1: id: 1 is a duplicate'),
        (set_in('annotations', 0, to=3), r'annotations\[0\]: entry: is 3, expected a JSON object'),
    ],
)
def test_bad_file(annotations, change, message):
    content = annotations([(1, 'cat', [BOX, BOX])])
    change(content)
    with pytest.raises(InputError, match=message) as caught:
        parse_ground_truth(content, 'file.json')
    assert '\n' not in str(caught.value)


def test_content_that_is_no_object():
    with pytest.raises(InputError, match='annotations: is a list, expected a JSON object'):
        parse_ground_truth([])
