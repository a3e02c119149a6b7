"""Tracks in the layout of YouTube-VIS as results, as text of MOTChallenge, and as COCO results."""

import json
from pathlib import Path

import pytest

from mmrcf.datasets.annotations import parse_annotations, validate_annotations
from mmrcf.errors import InputError
from mmrcf.evaluation import VideoEvaluation, parse_ground_truth, parse_results

LEFT, RIGHT = (0, 10, 20, 20), (100, 0, 30, 20)


@pytest.fixture
def predicted(annotations):
    """``predicted(tracks, **names)``: tracks as the demo writes them; ``folder`` is that of the frames."""

    def make(tracks, folder='clip1', categories=('dog', 'cat')):
        content = annotations(tracks, categories)
        for video in content['videos']:
            video['file_names'] = [f'{folder}/{Path(name).name}' for name in video['file_names']]
        for number, entry in enumerate(content['annotations']):
            entry.update(score=0.75, track_id=3 * number)
        return content

    return make


def test_predictions_are_scored_under_the_ids_of_the_labels(annotations, predicted) -> None:
    truth = parse_ground_truth(annotations([(1, 'cat', [LEFT, None]), (2, 'dog', [RIGHT, RIGHT])]))
    tracks = parse_results(predicted([(9, 'cat', [LEFT, None])]), truth)
    assert [(track.video_id, truth.categories[track.category_id], track.score) for track in tracks] == [
        (1, 'cat', 0.75)
    ]
    assert VideoEvaluation(truth, tracks).metrics()['AP'] == pytest.approx(50)
    other = parse_results(predicted([(9, 'cow', [LEFT, None])], categories=('cow',)), truth)
    assert other == []


def test_a_single_video_needs_no_name(annotations, predicted) -> None:
    truth = parse_ground_truth(annotations([(1, 'cat', [LEFT, None])]))
    assert len(parse_results(predicted([(9, 'cat', [LEFT, None])], folder='my'), truth)) == 1


@pytest.mark.parametrize(
    ('folder', 'boxes', 'message'),
    [
        ('other', [LEFT, None], r'video 9 \(other\) fits 0 videos'),
        ('clip1', [LEFT], r'has 1 frame of 320x300 pixels, and 2 of 320x300'),
    ],
)
def test_another_video_is_refused(annotations, predicted, folder: str, boxes: list, message: str) -> None:
    truth = parse_ground_truth(annotations([(1, 'cat', [LEFT, None]), (2, 'dog', [RIGHT, RIGHT])]))
    with pytest.raises(InputError, match=message):
        parse_results(predicted([(9, 'cat', boxes)], folder), truth)


@pytest.mark.parametrize('score', [None, 'high', float('nan')])
def test_a_track_without_a_score_is_refused(annotations, predicted, score: object) -> None:
    content = predicted([(9, 'cat', [LEFT, None])])
    content['annotations'][0]['score'] = score
    with pytest.raises(InputError, match='score'):
        parse_results(content, parse_ground_truth(annotations([(1, 'cat', [LEFT, None])])))


def write(path: Path, content: object) -> str:
    path.write_text(json.dumps(content))
    return str(path)


def test_export(load_script, annotations, predicted, tmp_path: Path, capsys) -> None:
    tool = load_script('tools/dataset_converters/export_tracks.py')
    content = predicted([(1, 'cat', [LEFT, None, RIGHT]), (1, 'dog', [None, RIGHT, RIGHT])])
    tracks = write(tmp_path / 'tracks.json', content)
    tool.main([tracks, 'mot', '--out', str(tmp_path / 'tracks.txt')])
    assert (tmp_path / 'tracks.txt').read_text().splitlines() == [
        '1,1,1,11,20,20,0.750000,-1,-1,-1',
        '2,4,101,1,30,20,0.750000,-1,-1,-1',
        '3,1,101,1,30,20,0.750000,-1,-1,-1',
        '3,4,101,1,30,20,0.750000,-1,-1,-1',
    ]
    tool.main([tracks, 'coco', '--out', str(tmp_path / 'plain.json')])
    plain = json.loads((tmp_path / 'plain.json').read_text())
    assert [(item['image_id'], item['category_id'], item['track_id']) for item in plain] == [
        (1, 20, 0), (3, 20, 0), (2, 10, 3), (3, 10, 3)
    ]  # fmt: skip
    assert plain[0]['bbox'] == list(LEFT) and plain[0]['score'] == 0.75
    images = [dict(id=50 - t, file_name=f'clip1/{t:05d}.jpg', height=300, width=320) for t in range(3)]
    labels = dict(images=images, categories=[dict(id=7, name='cat'), dict(id=8, name='dog')], annotations=[])
    tool.main([
        tracks, 'coco', '--out', str(tmp_path / 'named.json'), '--ann-file', write(tmp_path / 'coco.json', labels)
    ])  # fmt: skip
    named = json.loads((tmp_path / 'named.json').read_text())
    assert [(item['image_id'], item['category_id']) for item in named] == [(50, 7), (48, 7), (49, 8), (48, 8)]
    with pytest.raises(SystemExit):
        tool.main([tracks, 'mot', '--out', tracks])
    assert 'is an input of this command' in capsys.readouterr().err


def test_several_videos_need_a_choice_for_text(load_script, predicted, tmp_path: Path, capsys) -> None:
    tool = load_script('tools/dataset_converters/export_tracks.py')
    tracks = write(tmp_path / 'tracks.json', predicted([(1, 'cat', [LEFT]), (2, 'dog', [RIGHT])]))
    with pytest.raises(SystemExit):
        tool.main([tracks, 'mot', '--out', str(tmp_path / 'a.txt')])
    assert 'has 2 videos' in capsys.readouterr().err
    tool.main([tracks, 'mot', '--out', str(tmp_path / 'a.txt'), '--video', '2'])
    assert (tmp_path / 'a.txt').read_text().count('\n') == 1


def test_predictions_are_a_valid_file(predicted, tmp_path: Path) -> None:
    path = write(tmp_path / 'tracks.json', predicted([(1, 'cat', [LEFT, None])]))
    assert not [problem for problem in validate_annotations(path) if problem.severity == 'error']
    assert parse_annotations(json.loads(Path(path).read_text()), 'tracks').require_annotations()
