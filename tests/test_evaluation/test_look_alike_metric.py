import json

import pytest

from mmrcf.errors import InputError
from mmrcf.registry import METRICS

LEFT, NEAR_LEFT, RIGHT, FAR = (0, 0, 20, 20), (4, 0, 20, 20), (100, 0, 20, 20), (200, 200, 20, 20)
CLASSES = ('disc-hum', 'disc-hiss', 'star-beeps', 'star-rumble', 'ring')
HUM, HISS, BEEPS, RUMBLE, RING = ([0.6 if i == k else 0.1 for i in range(5)] for k in range(5))


@pytest.fixture
def measure(tmp_path, annotations):
    def run(tracks, frames, loudness=None, classes=CLASSES, crowd=(), lengths=None, **options):
        content = annotations(tracks, categories=CLASSES, lengths=lengths)
        for index, values in (loudness or {}).items():
            content['annotations'][index]['loudness'] = values
        for index in crowd:
            content['annotations'][index]['iscrowd'] = 1
        path = tmp_path / 'instances.json'
        path.write_text(json.dumps(content))
        metric = METRICS.build({'type': 'mmrcf.LookAlikeMetric', 'ann_file': str(path), **options})
        metric.dataset_meta = {'classes': classes}
        for frame in frames:
            metric.process({}, [frame])
        return {key.removeprefix('pairs/'): value for key, value in metric.evaluate(len(frames)).items()}

    return run


def test_by_hand(measure, frame):
    tracks = [
        (1, 'disc-hum', [LEFT] * 4),
        (1, 'star-beeps', [RIGHT, RIGHT, None, RIGHT]),
        (1, 'ring', [FAR] * 4),
    ]
    frames = [
        # Right, wrong member; the ring is of no group.
        frame(1, 0, 4, [(1, 0, HUM, LEFT), (2, 1, RUMBLE, RIGHT), (3, 2, RING, FAR)]),
        # Wrong member, right; what is taken for a ring has the class of no group.
        frame(1, 1, 4, [(1, 0, HISS, NEAR_LEFT), (2, 1, BEEPS, RIGHT), (3, 2, HUM, FAR)]),
        # The disc is taken for a star, which is no matter of look-alikes; an absent star is matched by nothing.
        frame(1, 2, 4, [(1, 0, BEEPS, LEFT), (2, 1, BEEPS, RIGHT)]),
        # The disc under another track ID; the star is missed.
        frame(1, 3, 4, [(9, 3, HUM, LEFT)]),
    ]
    loudness = {0: [0.0, 0.7, 0.9, 0.2], 1: [0.0, 0.5, 1.0, 1.0]}
    figures = measure(tracks, frames, loudness)
    assert figures == pytest.approx(
        {
            # Disc: right, wrong, -, right. Star: wrong, right, -, missed.
            'frames': 5,
            'frame_accuracy': 3 / 5,
            # Of these the disc sounds in frames 1 and 3, the star in frame 1.
            'sounding_frames': 3,
            'sounding_frame_accuracy': 2 / 3,
            # Track ID 1 has HUM + HISS + BEEPS: an even mean within the group, of which the first member counts.
            # Track ID 2 has RUMBLE + BEEPS + BEEPS.
            'tracks': 2,
            'track_accuracy': 1.0,
            'videos': 0,
            'AP': -1,
            'AP50': -1,
        }
    )


def test_a_track_is_named_by_the_mean_of_its_track_id_within_the_group(measure, frame):
    """The whole distribution counts: its greatest class is of another group, and a frame without a match has a say."""
    unsure = [0.30, 0.25, 0.45, 0.0, 0.0]
    tracks = [(1, 'disc-hiss', [LEFT, LEFT, None])]
    frames = [
        frame(1, 0, 3, [(4, 0, unsure, LEFT)]),
        frame(1, 1, 3, [(4, 0, unsure, LEFT)]),
        frame(1, 2, 3, [(4, 0, HISS, FAR)]),
    ]
    figures = measure(tracks, frames)
    assert figures['frames'] == 0 and figures['frame_accuracy'] == -1
    assert (figures['tracks'], figures['track_accuracy']) == (1, 1)
    assert measure(tracks, [*frames[:2], frame(1, 2, 3)])['track_accuracy'] == 0


def test_the_track_id_that_is_matched_most_often_counts(measure, frame):
    tracks = [(1, 'disc-hum', [LEFT] * 3)]
    said = [(7, HISS), (2, HUM), (7, HISS)]
    frames = [frame(1, t, 3, [(track_id, 0, probs, LEFT)]) for t, (track_id, probs) in enumerate(said)]
    assert measure(tracks, frames)['track_accuracy'] == 0
    # As often each: the older track ID.
    figures = measure(
        [(1, 'disc-hum', [LEFT] * 2)], [frame(1, 0, 2, [(7, 0, HISS, LEFT)]), frame(1, 1, 2, [(2, 0, HUM, LEFT)])]
    )
    assert figures['track_accuracy'] == 1


def test_groups_that_are_given(measure, frame):
    tracks = [(1, 'disc-hum', [LEFT]), (1, 'ring', [RIGHT]), (1, 'star-beeps', [FAR])]
    frames = [frame(1, 0, 1, [(1, 0, RING, LEFT), (2, 1, RING, RIGHT), (3, 2, BEEPS, FAR)])]
    figures = measure(tracks, frames, groups=[['ring', 'disc-hum', 'disc-hiss']])
    assert (figures['frames'], figures['frame_accuracy']) == (2, 0.5)
    assert (figures['tracks'], figures['track_accuracy']) == (2, 0.5)
    assert figures['videos'] == 1


def test_average_precision_of_videos_with_both_members(measure, frame):
    """In video 1 both discs are there and right, in video 2 there is one and wrong."""
    tracks = [(1, 'disc-hum', [LEFT]), (1, 'disc-hiss', [RIGHT]), (2, 'disc-hum', [LEFT])]
    frames = [frame(1, 0, 1, [(1, 0, HUM, LEFT), (2, 1, HISS, RIGHT)]), frame(2, 0, 1, [(1, 0, HISS, LEFT)])]
    figures = measure(tracks, frames)
    assert (figures['videos'], figures['AP'], figures['AP50']) == (1, pytest.approx(100), pytest.approx(100))
    swapped = [frame(1, 0, 1, [(1, 0, HISS, LEFT), (2, 1, HUM, RIGHT)]), frames[1]]
    assert measure(tracks, swapped)['AP'] == 0
    # Videos without any result count as empty ones.
    assert measure(tracks, frames[1:])['AP'] == 0


def test_crowds_and_classes_that_the_model_does_not_have(measure, frame):
    tracks = [(1, 'disc-hum', [LEFT]), (1, 'disc-hiss', [RIGHT]), (1, 'star-rumble', [FAR])]
    frames = [frame(1, 0, 1, [(1, 0, HUM[:3], LEFT), (2, 1, HISS[:3], RIGHT), (3, 2, BEEPS[:3], FAR)])]
    figures = measure(tracks, frames, crowd=[1], classes=CLASSES[:3])
    assert (figures['frames'], figures['tracks'], figures['videos']) == (1, 1, 0)


def test_nothing_predicted(measure, frame):
    figures = measure([(1, 'disc-hum', [LEFT])], [frame(1, 0, 1)], {0: [1.0]})
    assert figures == {
        **dict.fromkeys(('frames', 'tracks', 'sounding_frames', 'videos'), 0),
        **dict.fromkeys(('frame_accuracy', 'track_accuracy', 'sounding_frame_accuracy', 'AP', 'AP50'), -1),
    }


@pytest.mark.parametrize(
    ('groups', 'message'),
    [
        ([['ring']], 'at least two class names'),
        ([], 'at least two class names'),
        (['ring'], 'at least two class names'),
        ([['ring', 'bell']], "'bell' is not a category"),
        ([['ring', 'disc-hum'], ['ring', 'disc-hiss']], "'ring' is a duplicate"),
    ],
)
def test_unusable_groups(measure, groups, message):
    with pytest.raises(InputError, match=message):
        measure([(1, 'ring', [LEFT])], None, groups=groups)


def test_no_names_with_a_hyphen(tmp_path, annotations):
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(annotations([(1, 'cat', [LEFT])], categories=('cat', 'sea-dog', 'dog'))))
    metric = METRICS.build({'type': 'mmrcf.LookAlikeMetric', 'ann_file': str(path)})
    with pytest.raises(InputError, match=r'instances.json share their name .* give groups='):
        metric.dataset_meta = {'classes': ('cat', 'dog')}


def test_groups_are_of_the_names_of_the_data_set(tmp_path, annotations):
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(annotations([(1, 'cat', [LEFT])])))
    metric = METRICS.build({'type': 'mmrcf.LookAlikeMetric', 'ann_file': str(path), 'groups': [['lion', 'wolf']]})
    view = dict(class_map=dict(cat='lion', dog='wolf'))
    metric.dataset_meta = {'classes': ('lion', 'wolf'), 'tested': dict(view=view, video_ids=[1])}
    with pytest.raises(InputError, match="'lion' is not a category"):
        metric.dataset_meta = {'classes': ('cat', 'dog'), 'tested': dict(view={}, video_ids=[1])}


@pytest.mark.parametrize('values', [[0.5], [0.5, None], 'loud', [0.5, '1']])
def test_unusable_loudness_is_named_before_the_test(measure, values):
    with pytest.raises(InputError, match='annotation 0: loudness: expected 2 numbers'):
        measure([(1, 'ring', [LEFT, LEFT])], None, {0: values})
