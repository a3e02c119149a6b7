import pytest
import torch

from mmrcf.errors import InputError
from mmrcf.models.trackers import HungarianTracker

SPAN = (0, 4)
EAST, NORTH, SOUTH = [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]


def test_the_best_sum_of_similarities_decides_and_not_the_best_pair(slots, track):
    tracker = HungarianTracker(min_similarity=-1.0)
    angles = torch.deg2rad(torch.tensor([0.0, 60.0, 10.0, -15.0]))
    codes = torch.stack([angles.cos(), angles.sin()], dim=1).tolist()
    frames = [slots([SPAN] * 2, codes=codes[:2]), slots([SPAN] * 2, codes=codes[2:])]
    # cos 10 + cos 75 = 1.24, with the best pair, is less than cos 50 + cos 15 = 1.61.
    assert track(tracker, frames) == [[1, 2], [2, 1]]


def test_an_absent_object_comes_back_with_its_track_id(slots, track):
    frames = [slots([SPAN, None], codes=[EAST, NORTH])]
    frames += [slots([None, SPAN], codes=[EAST, NORTH])] * 3
    frames += [slots([SPAN, SPAN], codes=[NORTH, EAST])]
    assert track(HungarianTracker(), frames)[-1] == [2, 1]
    assert track(HungarianTracker(max_age=2), frames)[-1] == [2, 3]


def test_momentum_keeps_a_share_of_the_older_code(slots):
    tracker = HungarianTracker(min_similarity=0.5, momentum=0.75)
    state = tracker.init_state(1)
    for code in (EAST, [0.6, 0.8]):
        ids, _, state = tracker.update(state, slots([SPAN], codes=[code]))
        assert ids.tolist() == [1]
    # 0.75 (1, 0) + 0.25 (0.6, 0.8) = (0.9, 0.2), at unit length.
    assert state.codes[0].tolist() == pytest.approx([0.9762, 0.2169], abs=1e-4)
    # A new track has its first code whole.
    ids, _, state = tracker.update(state, slots([SPAN], codes=[SOUTH]))
    assert ids.tolist() == [2] and state.codes[1].tolist() == SOUTH


@pytest.mark.parametrize('momentum', [-0.1, 1.0])
def test_momentum_out_of_range_is_refused(momentum):
    with pytest.raises(InputError, match=f'momentum={momentum} is out of range'):
        HungarianTracker(momentum=momentum)
