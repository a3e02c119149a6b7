import json
from contextlib import nullcontext

import numpy as np
import pytest

from mmrcf.errors import InputError
from mmrcf.evaluation import RegionMetric
from mmrcf.registry import METRICS

LEFT, HALF_LEFT, NEAR_LEFT, RIGHT = (0, 0, 20, 20), (0, 0, 10, 20), (4, 0, 20, 20), (100, 0, 20, 20)
CAT, DOG = (0.9, 0.1), (0.1, 0.9)
FIGURES = ('J', 'J_right_class', 'recall')


@pytest.fixture
def measure(tmp_path, annotations):
    def run(tracks, frames, per_video=False, classes=('cat', 'dog'), **options):
        path = tmp_path / 'instances.json'
        path.write_text(json.dumps(annotations(tracks, **options)))
        metric = RegionMetric(path, per_video=per_video)
        metric.dataset_meta = {'classes': classes}
        for frame in frames:
            metric.process({}, [frame])
        return {key.removeprefix('region/'): value for key, value in metric.evaluate(len(frames)).items()}

    return run


@pytest.fixture
def video(frame):
    """``video(1, {track ID: (class distribution, a box a frame)})``: the frames of a video."""

    def make(video_id, tracks):
        (length,) = {len(boxes) for _, boxes in tracks.values()}
        return [
            frame(
                video_id,
                index,
                length,
                [(key, slot, probs, b[index]) for slot, (key, (probs, b)) in enumerate(tracks.items()) if b[index]],
            )
            for index in range(length)
        ]

    return make


def test_by_hand(measure, video):
    tracks = [
        (1, 'cat', [LEFT, LEFT, None, None]),
        (1, 'dog', [RIGHT] * 4),
        (2, 'dog', [None, LEFT]),
    ]
    frames = video(
        1,
        {
            # On the cat: 1, then 1/2, both absent 1, alone 0. J = 2.5 / 4, by a track of the wrong class.
            1: (DOG, [LEFT, HALF_LEFT, None, LEFT]),
            # On the cat: 16 * 20 / (24 * 20) = 2/3, absent 0, alone 0, both absent 1. J = 5/12, of its class.
            4: (CAT, [NEAR_LEFT, None, LEFT, None]),
            # On the dog: in one frame of four, so it is not found.
            2: (DOG, [RIGHT, None, None, None]),
        },
    )
    # In the second video something is shown, but never where the dog is: missed, though both are absent at first.
    frames += video(2, {1: (DOG, [None, RIGHT])})
    figures = measure(tracks, frames, per_video=True)
    assert figures == pytest.approx(
        {
            'J': (2.5 / 4 + 1 / 4 + 0) / 3,
            'J_right_class': (5 / 12 + 1 / 4 + 0) / 3,
            'recall': 1 / 3,
            'J/clip1': (2.5 / 4 + 1 / 4) / 2,
            'J/clip2': 0,
        }
    )
    assert all(type(value) is float for value in figures.values())


def test_the_class_of_a_track_is_of_its_mean_distribution(measure, frame):
    # Taken for a dog in two frames of three, but for a cat in the mean.
    said = [(0.4, 0.6), (1.0, 0.0), (0.4, 0.6)]
    frames = [frame(1, index, 3, [(1, 0, probs, LEFT)]) for index, probs in enumerate(said)]
    assert measure([(1, 'cat', [LEFT] * 3)], frames)['J_right_class'] == 1
    assert measure([(1, 'dog', [LEFT] * 3)], frames) == {'J': 1, 'J_right_class': 0, 'recall': 1}


def test_a_change_of_track_id_costs_one_side_of_it(measure, video):
    frames = video(1, {1: (CAT, [LEFT] * 3 + [None]), 2: (CAT, [None] * 3 + [LEFT])})
    assert measure([(1, 'cat', [LEFT] * 4)], frames)['J'] == 3 / 4


def test_exactly_one_half_is_not_found(measure, video):
    figures = measure([(1, 'cat', [LEFT] * 2)], video(1, {1: (CAT, [LEFT, None])}))
    assert figures == {'J': 1 / 2, 'J_right_class': 1 / 2, 'recall': 0}


@pytest.mark.parametrize('frames', ['none', 'empty', 'without a pixel'])
def test_an_object_that_nothing_covers_scores_0(measure, video, frame, frames):
    given = {
        'none': [],
        'empty': [frame(1, index, 3) for index in range(3)],
        'without a pixel': video(1, {1: (CAT, [(0, 0, 0, 0)] * 3)}),
    }[frames]
    # Out of sight in two frames of three: DAVIS's rule alone would give an empty track 2/3.
    assert measure([(1, 'cat', [None, LEFT, None])], given) == dict.fromkeys(FIGURES, 0)


def test_nothing_to_measure(measure, video):
    frames = video(1, {1: (CAT, [LEFT])})
    figures = measure([], frames, per_video=True, lengths={1: 1})
    assert figures == dict.fromkeys((*FIGURES, 'J/clip1'), -1)
    # An object that is never seen is as good as none.
    assert measure([(1, 'cat', [None])], frames) == dict.fromkeys(FIGURES, -1)


def test_crowds_and_other_classes_are_left_out(measure, video, annotations, tmp_path):
    tracks = [(1, 'cat', [LEFT]), (1, 'cow', [RIGHT]), (1, 'dog', [RIGHT])]
    path = tmp_path / 'crowd.json'
    content = annotations(tracks, categories=('cat', 'dog', 'cow'))
    content['annotations'][2]['iscrowd'] = 1
    path.write_text(json.dumps(content))
    metric = RegionMetric(path, classes=('cat', 'dog'))
    metric.process({}, video(1, {1: (CAT, [LEFT])}))
    assert metric.evaluate()['region/J'] == 1


def test_a_track_of_a_class_without_category_counts_for_j_only(measure, video):
    frames = video(1, {1: (DOG, [LEFT])})
    figures = measure([(1, 'cat', [LEFT])], frames, classes=('cat', 'yak'))
    assert figures == {'J': 1, 'J_right_class': 0, 'recall': 1}


class TestProperties:
    """On two videos of two and one objects that come and go, and tracks that follow them roughly."""

    @pytest.fixture
    def truth(self):
        return [(1, 'cat', self.boxes(0)), (1, 'dog', self.boxes(120)), (2, 'cat', self.boxes(40))]

    @pytest.fixture
    def found(self):
        return {
            1: {5: (CAT, self.boxes(3)), 2: (CAT, self.boxes(110)), 9: (DOG, self.boxes(124))},
            2: {1: (DOG, self.boxes(35))},
        }

    @pytest.fixture
    def score(self, measure, video, truth):
        def run(found):
            frames = [frame for video_id, tracks in found.items() for frame in video(video_id, tracks)]
            return measure(truth, frames, per_video=True)

        return run

    @staticmethod
    def boxes(offset):
        rng = np.random.default_rng(offset)
        tops = [int(top) if top < 8 else None for top in rng.integers(0, 10, 6)]
        return [None if top is None else (4 * t + offset, top, 30, 40) for t, top in enumerate(tops)]

    def test_perfect_is_1(self, score, truth):
        (_, _, cat), (_, _, dog), (_, _, other) = truth
        figures = score({1: {0: (CAT, cat), 3: (DOG, dog)}, 2: {3: (CAT, other)}})
        assert figures == dict.fromkeys((*FIGURES, 'J/clip1', 'J/clip2'), 1)

    def test_names_of_track_ids_play_no_part(self, score, found):
        figures = score(found)
        assert 0 < figures['J_right_class'] < figures['J'] < 1
        for names in ({5: 9, 9: 2, 2: 5, 1: 7}, {5: 0, 9: 100, 2: 1, 1: 0}):
            renamed = {key: {names[old]: track for old, track in tracks.items()} for key, tracks in found.items()}
            assert score(renamed) == figures

    def test_a_worse_track_plays_no_part(self, score, found):
        figures = score(found)
        found[1][3] = (DOG, [(200, 200, 10, 10)] * 6)
        found[1][4] = (CAT, [*found[1][5][1][:3], None, None, None])
        assert score(found) == figures

    def test_a_better_track_is_taken(self, score, truth, found):
        figures = score(found)
        found[2][8] = (CAT, truth[2][2])
        again = score(found)
        assert again['J'] > figures['J'] and again['J/clip2'] == 1
        assert again['J/clip1'] == figures['J/clip1']


class TestPerVideo:
    def test_more_than_20_videos_are_refused(self, measure):
        tracks = [(video_id, 'cat', [LEFT]) for video_id in range(1, 22)]
        with pytest.raises(InputError, match=r'per_video=True: .*instances.json has 21 videos, expected at most 20'):
            measure(tracks, None, per_video=True)
        assert measure(tracks, [])['J'] == 0
        assert len(measure(tracks[:20], [], per_video=True)) == 20 + len(FIGURES)

    def test_the_videos_of_a_view_count(self, annotations, tmp_path):
        path = tmp_path / 'instances.json'
        path.write_text(json.dumps(annotations([(video_id, 'cat', [LEFT]) for video_id in range(1, 22)])))
        view = dict(ann_file=path, only=['clip3', 'clip5'])
        own, of_the_data_set = RegionMetric(view, per_video=True), RegionMetric(path, per_video=True)
        own.dataset_meta = {'classes': ('cat',)}
        of_the_data_set.dataset_meta = {
            'classes': ('cat',),
            'tested': dict(view=dict(only=['clip3', 'clip5']), video_ids=[3, 5]),
        }
        for metric in (own, of_the_data_set):
            names = [key for key in metric.evaluate() if '/J/' in key]
            assert names == ['region/J/clip3', 'region/J/clip5']

    def test_two_videos_of_one_folder_are_refused(self, annotations, tmp_path):
        content = annotations([(1, 'cat', [LEFT]), (2, 'cat', [LEFT])])
        path = tmp_path / 'instances.json'
        for video in content['videos']:
            video['file_names'] = ['images/a.jpg']
        path.write_text(json.dumps(content))
        for per_video in (False, True):
            metric = RegionMetric(path, per_video=per_video)
            with pytest.raises(InputError, match="two videos called 'images'") if per_video else nullcontext():
                metric.dataset_meta = {'classes': ('cat',)}

    def test_without_a_folder_a_video_is_called_by_its_id(self, annotations, tmp_path):
        content = annotations([(1, 'cat', [LEFT]), (2, 'cat', [LEFT])])
        path = tmp_path / 'instances.json'
        content['videos'][0]['file_names'] = ['a.jpg']
        content['videos'][1]['file_names'] = ['b.jpg']
        path.write_text(json.dumps(content))
        figures = RegionMetric(path, classes=('cat',), per_video=True).evaluate()
        assert [key for key in figures if '/J/' in key] == ['region/J/1', 'region/J/2']


def test_it_is_registered(annotations, tmp_path):
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(annotations([(1, 'cat', [LEFT])])))
    assert isinstance(METRICS.build({'type': 'mmrcf.RegionMetric', 'ann_file': str(path)}), RegionMetric)
