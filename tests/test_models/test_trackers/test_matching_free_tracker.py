import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmrcf.errors import InputError
from mmrcf.models.trackers import MatchingFreeTracker
from mmrcf.structures import SlotPredictions

A, B, C = (0, 10), (12, 22), (24, 34)


def test_first_frame_shows_the_order_of_the_slots(slots, track):
    assert track(MatchingFreeTracker(), [slots([A, None, B])]) == [[1, None, 3]]


def test_track_id_returns_to_its_slot_after_an_absence(slots, track):
    frames = [slots([A, B]), slots([None, B]), slots([C, B])]
    assert track(MatchingFreeTracker(), frames) == [[1, 2], [None, 2], [1, 2]]


def test_two_slots_change_places(slots, track):
    assert track(MatchingFreeTracker(), [slots([A, B]), slots([B, A])]) == [[1, 2], [2, 1]]


def test_three_slots_change_places(slots, track):
    assert track(MatchingFreeTracker(), [slots([A, B, C]), slots([C, A, B])])[-1] == [3, 1, 2]


def test_own_slot_comes_before_a_better_overlap(slots, track):
    # Slot 0 covers its own former mask by 9/11 and that of slot 1 fully; slot 1 has left, so nothing else continues it.
    frames = [slots([(0, 10), (1, 11)]), slots([(1, 11), None])]
    assert track(MatchingFreeTracker(), frames)[-1] == [1, None]


def test_track_id_of_a_slot_that_goes_on_cannot_be_taken(slots, track):
    assert track(MatchingFreeTracker(), [slots([A, None]), slots([A, A])])[-1] == [1, 2]


def test_object_moves_to_another_slot_and_its_old_slot_takes_the_other_track_id(slots, track):
    frames = [slots([A, None]), slots([None, A]), slots([B, A])]
    assert track(MatchingFreeTracker(), frames) == [[1, None], [None, 1], [2, 1]]


def test_new_object_in_the_slot_that_was_left(slots, track):
    assert track(MatchingFreeTracker(), [slots([A, None]), slots([B, A])])[-1] == [2, 1]


def test_of_two_claims_on_one_track_id_the_greater_overlap_wins(slots, track):
    # IoU with the former mask of slot 0: slot 1 has 8/10, slot 2 has 9/10.
    frames = [slots([A, None, None]), slots([None, (0, 8), (0, 9)])]
    assert track(MatchingFreeTracker(), frames)[-1] == [None, 2, 1]


def test_of_equal_claims_the_lower_slot_wins(slots, track):
    frames = [slots([A, None, None]), slots([None, A, A])]
    assert track(MatchingFreeTracker(), frames)[-1] == [None, 1, 3]


def test_a_slot_takes_one_track_id_only(slots, track):
    frames = [slots([(0, 10), (0, 9), None]), slots([None, None, (0, 10)]), slots([B, C, (0, 10)])]
    assert track(MatchingFreeTracker(), frames) == [[1, 2, None], [None, None, 1], [3, 2, 1]]


def test_claims_in_a_row(slots, track):
    # Slot 0 takes from 1 (IoU 1), slot 1 takes from 2 (IoU 0.9); slot 2 is left with the track ID that nobody claimed.
    frames = [slots([A, B, C]), slots([B, (24, 33), None])]
    tracker = MatchingFreeTracker()
    assert track(tracker, frames)[-1] == [2, 3, None]
    assert track(tracker, [*frames, slots([None, None, A])])[-1] == [None, None, 1]


def test_overlap_of_exactly_one_half_is_not_enough(slots, track):
    assert track(MatchingFreeTracker(), [slots([A, None]), slots([None, (0, 20)])])[-1] == [None, 2]
    assert track(MatchingFreeTracker(), [slots([A, None]), slots([None, (0, 19)])])[-1] == [None, 1]


def test_threshold_is_compared_exactly(slots, track):
    frames = [slots([A, None]), slots([None, (0, 6)])]
    assert track(MatchingFreeTracker(iou_threshold=0.6), frames)[-1] == [None, 2]


def test_only_the_last_frame_counts(slots, track):
    frames = [slots([A, None]), slots([None, None]), slots([None, A])]
    assert track(MatchingFreeTracker(), frames)[-1] == [None, 2]


def test_empty_masks_do_not_overlap(slots, track):
    empty = (5, 5)
    assert track(MatchingFreeTracker(), [slots([empty, A]), slots([A, empty])])[-1] == [2, 1]
    assert track(MatchingFreeTracker(), [slots([empty, empty]), slots([empty, empty])])[-1] == [1, 2]


class TestDuplicates:
    def test_the_better_score_is_shown(self, slots, track):
        frames = [slots([(0, 10), (0, 9), B], scores=[0.6, 0.9, 0.5])]
        assert track(MatchingFreeTracker(duplicate_iou=0.8), frames) == [[None, 2, 3]]
        assert track(MatchingFreeTracker(duplicate_iou=0.9), frames) == [[1, 2, 3]]
        assert track(MatchingFreeTracker(), frames) == [[1, 2, 3]]

    def test_a_suppressed_slot_suppresses_nobody(self, slots, track):
        # 1 overlaps 0 by 8/12 and is suppressed; 2 overlaps 1 by 8/12 too, but 0 by 6/14 only.
        frames = [slots([(0, 10), (2, 12), (4, 14)], scores=[0.9, 0.8, 0.7])]
        assert track(MatchingFreeTracker(duplicate_iou=0.6), frames) == [[1, None, 3]]

    def test_track_id_stays_with_the_object_while_the_better_slot_alternates(self, slots, track):
        first, second = slots([A, A], scores=[0.9, 0.8]), slots([A, A], scores=[0.8, 0.9])
        active = track(MatchingFreeTracker(duplicate_iou=0.8), [first, second, first, second])
        assert active == [[1, None], [None, 1], [1, None], [None, 1]]

    def test_a_suppressed_mask_is_not_remembered(self, slots, track):
        # The duplicate of slot 1 was never shown, so slot 1 does not go on by its own mask when it fires alone.
        tracker = MatchingFreeTracker(duplicate_iou=0.8)
        state = tracker.init_state(2)
        _, _, state = tracker.update(state, slots([A, A], scores=[0.9, 0.8]))
        assert not state.masks[1].any()
        ids, active, _ = tracker.update(state, slots([None, A]))
        assert (ids[1].item(), active.tolist()) == (1, [False, True])

    def test_a_duplicate_takes_no_track_id(self, slots, track):
        # Slot 1 repeats slot 0 with a worse score; it is not there, so slot 0 goes on and the rest is as it was.
        frames = [slots([A, B]), slots([A, A], scores=[0.9, 0.8]), slots([A, B])]
        assert track(MatchingFreeTracker(duplicate_iou=0.8), frames) == [[1, 2], [1, None], [1, 2]]


class TestMaxAge:
    def test_a_track_id_silent_for_longer_does_not_come_back(self, slots, track):
        frames = [slots([A, B]), slots([None, B]), slots([None, B]), slots([A, B])]
        assert track(MatchingFreeTracker(max_age=2), frames)[-1] == [1, 2]
        assert track(MatchingFreeTracker(max_age=1), frames)[-1] == [3, 2]

    def test_the_new_number_is_kept(self, slots, track):
        frames = [slots([A, B]), slots([None, B]), slots([A, B]), slots([A, B]), slots([B, A])]
        assert track(MatchingFreeTracker(max_age=0), frames)[2:] == [[3, 2], [3, 2], [2, 3]]

    def test_a_track_id_that_was_never_shown_does_not_expire(self, slots, track):
        frames = [slots([A, None]), *[slots([A, None])] * 4, slots([A, B])]
        assert track(MatchingFreeTracker(max_age=1), frames)[-1] == [1, 2]

    def test_age_goes_with_the_track_id(self, slots, track):
        # Track ID 2 falls silent; its slot takes track ID 1, so slot 0 holds the old one when it fires again.
        frames = [slots([A, B]), slots([A, None]), slots([A, None]), slots([None, A]), slots([C, A])]
        assert track(MatchingFreeTracker(max_age=1), frames)[-2:] == [[None, 1], [3, 1]]
        assert track(MatchingFreeTracker(), frames)[-1] == [2, 1]


class TestReturnByClass:
    def test_the_track_id_of_its_class_comes_back_in_another_slot(self, slots, track):
        frames = [
            slots([A, B, None], labels=[0, 1, 2]),
            slots([None, B, None], labels=[0, 1, 2]),
            slots([None, B, C], labels=[0, 1, 0]),
        ]
        assert track(MatchingFreeTracker(return_by_class=True), frames)[-1] == [None, 2, 1]
        assert track(MatchingFreeTracker(), frames)[-1] == [None, 2, 3]

    def test_of_two_of_one_class_the_nearer_one(self, slots, track):
        frames = [
            slots([(0, 4), (20, 24), None], labels=[0, 0, 1]),
            slots([None, None, None], labels=[0, 0, 1]),
            slots([None, None, (26, 30)], labels=[1, 1, 0]),
            slots([(6, 10), None, (26, 30)], labels=[0, 1, 0]),
        ]
        active = track(MatchingFreeTracker(return_by_class=True), frames)
        assert active[2:] == [[None, None, 2], [1, None, 2]]

    def test_better_scores_choose_first(self, slots, track):
        # Both are near to where track ID 1 was seen; slot 2 is the surer one.
        frames = [
            slots([A, None, None], labels=[0, 1, 1]),
            slots([None, None, None], labels=[0, 1, 1]),
            slots([None, (12, 22), (13, 23)], scores=[0.5, 0.6, 0.9], labels=[1, 0, 0]),
        ]
        assert track(MatchingFreeTracker(return_by_class=True), frames)[-1] == [None, 2, 1]

    def test_an_object_in_sight_keeps_its_track_id(self, slots, track):
        # Slot 0 goes on by overlap though another class is named; the new object in slot 1 finds nobody of its class.
        frames = [slots([A, None], labels=[0, 1]), slots([A, B], labels=[1, 0])]
        assert track(MatchingFreeTracker(return_by_class=True), frames)[-1] == [1, 2]

    def test_the_class_of_a_track_id_is_that_of_most_of_its_frames(self, slots, track):
        frames = [
            *[slots([A, None], labels=[0, 1])] * 3,
            slots([A, None], labels=[1, 1]),
            slots([None, None], labels=[0, 1]),
            slots([None, A], labels=[1, 0]),
        ]
        assert track(MatchingFreeTracker(return_by_class=True), frames)[-1] == [None, 1]

    def test_who_was_gone_for_too_long_does_not_come_back(self, slots, track):
        gone = slots([None, None], labels=[0, 1])
        frames = [slots([A, None], labels=[0, 1]), gone, gone, slots([None, A], labels=[1, 0])]
        assert track(MatchingFreeTracker(return_by_class=True, max_age=1), frames)[-1] == [None, 2]
        assert track(MatchingFreeTracker(return_by_class=True, max_age=2), frames)[-1] == [None, 1]


class TestStartScore:
    def test_what_goes_on_needs_no_high_score(self, slots, track):
        frames = [slots([A, B], scores=[0.9, 0.7]), slots([A, B], scores=[0.5, 0.9]), slots([A, B], scores=[0.5, 0.5])]
        assert track(MatchingFreeTracker(start_score=0.8), frames) == [[1, None], [1, 2], [1, 2]]

    def test_an_object_that_changes_its_slot_goes_on(self, slots, track):
        frames = [slots([A, None], scores=[0.9, 0.9]), slots([None, A], scores=[0.9, 0.5])]
        assert track(MatchingFreeTracker(start_score=0.8), frames)[-1] == [None, 1]

    def test_after_an_absence_it_starts_anew(self, slots, track):
        frames = [slots([A], scores=[0.9]), slots([None]), slots([A], scores=[0.7]), slots([A], scores=[0.8])]
        assert track(MatchingFreeTracker(start_score=0.8), frames) == [[1], [None], [None], [1]]

    def test_what_is_not_shown_takes_no_track_id(self, slots, track):
        # Slot 2 is of the class that is out of sight and near to it, but not sure enough to be taken for it.
        frames = [
            slots([A, None, None], labels=[0, 1, 1]),
            slots([None, None, None], labels=[0, 1, 1]),
            slots([None, C, B], scores=[0.9, 0.9, 0.7], labels=[1, 0, 0]),
        ]
        tracker = MatchingFreeTracker(start_score=0.8, return_by_class=True)
        assert track(tracker, frames)[-1] == [None, 1, None]


def test_autocast_does_not_change_the_overlap(slots):
    tracker = MatchingFreeTracker()
    wide = [slots([(0, 3001), (4000, 7000)], width=8000), slots([(2000, 7000), (0, 1501)], width=8000)]
    # IoU of slot 1 with the former slot 0 is 1501/3001, just above one half; in bfloat16 it is not.
    _, _, state = tracker.update(tracker.init_state(2), wide[0])
    expected, _, _ = tracker.update(state, wide[1])
    with torch.autocast('cpu', torch.bfloat16):
        ids, _, _ = tracker.update(state, wide[1])
    assert ids.tolist() == expected.tolist() == [2, 1]


def test_frames_of_another_size_need_a_new_stream(slots):
    tracker = MatchingFreeTracker()
    _, _, state = tracker.update(tracker.init_state(2), slots([A, B], width=40))
    with pytest.raises(ValueError, match='one size'):
        tracker.update(state, slots([A, B], width=41))


@pytest.mark.parametrize(
    'options', [{'iou_threshold': 1.5}, {'duplicate_iou': -0.1}, {'max_age': -1}, {'start_score': 2}]
)
def test_options_out_of_range(options):
    with pytest.raises(InputError, match=f'MatchingFreeTracker: {next(iter(options))}='):
        MatchingFreeTracker(**options)


NUM_OBJECTS = 4


@st.composite
def moving_objects(draw: st.DrawFn) -> tuple[list[list[int]], list[list[int]]]:
    """Offsets of objects that move by at most 1 of 8 pixels a frame, and the slot of each object, by frame."""
    offsets = [[draw(st.integers(0, 10)) for _ in range(NUM_OBJECTS)]]
    for _ in range(draw(st.integers(1, 6))):
        offsets.append([min(10, max(0, offset + draw(st.integers(-1, 1)))) for offset in offsets[-1]])
    return offsets, [draw(st.permutations(range(NUM_OBJECTS))) for _ in offsets]


@given(moving_objects())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_an_object_keeps_its_track_id_whatever_slots_it_visits(clip):
    offsets, slot_of_object = clip
    tracker = MatchingFreeTracker()
    state = tracker.init_state(NUM_OBJECTS)
    seen = []
    for positions, order in zip(offsets, slot_of_object, strict=True):
        masks = torch.zeros(NUM_OBJECTS, NUM_OBJECTS, 20, dtype=torch.bool)
        for number, (offset, slot) in enumerate(zip(positions, order, strict=True)):
            masks[slot, number, offset : offset + 8] = True
        every = torch.ones(NUM_OBJECTS)
        frame = SlotPredictions(masks, every, every[:, None], every.bool(), every[:, None])
        ids, _, state = tracker.update(state, frame)
        seen.append([ids[slot].item() for slot in order])
    assert all(frame == seen[0] for frame in seen)


SPAN = st.none() | st.tuples(st.integers(0, 12), st.integers(1, 12))


@pytest.mark.parametrize('returns', [False, True])
@given(clip=st.lists(st.lists(SPAN, min_size=5, max_size=5), max_size=8))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_track_ids_are_a_permutation(slots, returns, clip):
    tracker = MatchingFreeTracker(duplicate_iou=0.7, return_by_class=returns)
    state = tracker.init_state(5)
    for frame in clip:
        spans = [None if span is None else (span[0], span[0] + span[1]) for span in frame]
        _, _, state = tracker.update(state, slots(spans, scores=[0.5, 0.9, 0.9, 0.6, 0.7], labels=[0, 1, 0, 1, 0]))
        assert sorted(state.track_ids.tolist()) == [1, 2, 3, 4, 5]
        assert state.next_id == 6


def test_update_is_quick():
    generator = torch.Generator().manual_seed(0)
    frames = [
        SlotPredictions(
            masks=torch.rand(10, 90, 160, generator=generator) > 0.5,
            scores=torch.rand(10, generator=generator),
            class_probs=torch.rand(10, 40, generator=generator),
            above_thr=torch.ones(10, dtype=torch.bool),
            codes=torch.rand(10, 256, generator=generator),
        )
        for _ in range(2)
    ]
    tracker = MatchingFreeTracker(duplicate_iou=0.8)
    _, _, state = tracker.update(tracker.init_state(10), frames[0])
    times = []
    for _ in range(30):
        start = time.perf_counter()
        tracker.update(state, frames[1])
        times.append(time.perf_counter() - start)
    # About 0.9 ms on one core; the bound leaves room for a busy machine.
    assert min(times) < 5e-3
