"""What every registered tracker guarantees, whatever it does inside."""

import copy
from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import mmrcf.models.trackers  # noqa: F401 (registers the trackers)
from mmrcf.models.trackers import BaseTracker
from mmrcf.registry import MODELS
from mmrcf.structures import SlotPredictions, TrackState

TRACKERS = sorted(
    name for name, part in MODELS.module_dict.items() if isinstance(part, type) and issubclass(part, BaseTracker)
)
OPTIONS = [{}, {'duplicate_iou': 0.6, 'max_age': 1}]
MORE_OPTIONS = {'MatchingFreeTracker': {'return_by_class': True, 'start_score': 0.5}}
NUM_SLOTS, SIZE = 4, 6


def random_stream(seed: int) -> list[SlotPredictions]:
    """Frames full of conflicts: few slots, a small image, everything may overlap, vanish and come back."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(rng.integers(1, 7)):
        masks = torch.zeros(NUM_SLOTS, SIZE, SIZE, dtype=torch.bool)
        for mask, (top, left, height, width) in zip(masks, rng.integers(0, 4, (NUM_SLOTS, 4)), strict=True):
            mask[top : top + height, left : left + width] = True
        scores = torch.from_numpy(rng.choice([0.1, 0.5, 0.9], NUM_SLOTS))
        codes = torch.from_numpy(rng.integers(-1, 2, (NUM_SLOTS, 2))).float()
        frames.append(SlotPredictions(masks, scores, scores[:, None], scores >= 0.4, codes))
    return frames


# One draw a stream keeps the tests quick; a failing seed reproduces the stream.
streams = st.integers(0, 2**32 - 1).map(random_stream)


def same(one: TrackState, other: TrackState) -> bool:
    for field in fields(TrackState):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if not (torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b):
            return False
    return True


def size(state: TrackState) -> int:
    return sum(value.numel() for value in vars(state).values() if isinstance(value, torch.Tensor))


def build(name: str, options: dict) -> BaseTracker:
    more = MORE_OPTIONS.get(name, {}) if options else {}
    return MODELS.build({'type': f'mmrcf.{name}', **options, **more})


def run(tracker: BaseTracker, frames: list[SlotPredictions]) -> list[list[int]]:
    state, said = tracker.init_state(NUM_SLOTS), []
    for frame in frames:
        ids, active, state = tracker.update(state, frame)
        said.append(torch.where(active, ids, 0).tolist())
    return said


def test_the_trackers_are_registered():
    assert {'MatchingFreeTracker', 'HungarianTracker', 'IoUTracker'} <= set(TRACKERS)


@pytest.mark.parametrize('options', OPTIONS, ids=['default', 'limits'])
@pytest.mark.parametrize('name', TRACKERS)
class TestContract:
    @given(frames=streams)
    @settings(max_examples=25, deadline=None, derandomize=True)
    def test_track_ids(self, name, options, frames):
        tracker = build(name, options)
        state, kept = tracker.init_state(NUM_SLOTS), []
        for frame in frames:
            ids, active, new_state = tracker.update(state, frame)
            assert ids.dtype == torch.int64 and active.dtype == torch.bool
            assert ids.shape == active.shape == (NUM_SLOTS,)
            assert not (active & ~frame.above_thr).any()
            if not options:
                assert torch.equal(active, frame.above_thr)
            numbers = ids[active].tolist()
            assert len(set(numbers)) == len(numbers) and min(numbers, default=1) >= 1
            assert max(numbers, default=0) < new_state.next_id
            assert len(set(new_state.track_ids.tolist())) == len(new_state.track_ids)
            kept.append((ids, ids.clone(), active, active.clone()))
            state = new_state
        assert all(torch.equal(ids, then) and torch.equal(on, on_then) for ids, then, on, on_then in kept)

    @given(frames=streams)
    @settings(max_examples=12, deadline=None, derandomize=True)
    def test_update_changes_nothing_it_is_given(self, name, options, frames):
        tracker = build(name, options)
        state = tracker.init_state(NUM_SLOTS)
        for frame in frames:
            before, given_frame = copy.deepcopy(state), copy.deepcopy(frame)
            _, _, new_state = tracker.update(state, frame)
            assert same(state, before)
            assert all(torch.equal(getattr(frame, key), value) for key, value in vars(given_frame).items())
            state = new_state

    @given(frames=streams, others=streams)
    @settings(max_examples=12, deadline=None, derandomize=True)
    def test_streams_do_not_touch_each_other(self, name, options, frames, others):
        alone = run(build(name, options), frames)
        tracker = build(name, options)
        state, other_state, said = tracker.init_state(NUM_SLOTS), tracker.init_state(NUM_SLOTS), []
        for index, frame in enumerate(frames):
            _, _, other_state = tracker.update(other_state, others[index % len(others)])
            ids, active, state = tracker.update(state, frame)
            said.append(torch.where(active, ids, 0).tolist())
        assert said == alone

    @given(frames=streams, more=streams)
    @settings(max_examples=12, deadline=None, derandomize=True)
    def test_the_future_does_not_change_the_past(self, name, options, frames, more):
        tracker = build(name, options)
        assert run(tracker, frames + more)[: len(frames)] == run(tracker, frames)

    def test_state_does_not_grow(self, name, options):
        generator = torch.Generator().manual_seed(0)
        tracker = build(name, options)
        state, sizes = tracker.init_state(NUM_SLOTS), set()
        for _ in range(100):
            scores = torch.rand(NUM_SLOTS, generator=generator)
            masks = torch.rand(NUM_SLOTS, SIZE, SIZE, generator=generator) > 0.5
            codes = torch.randn(NUM_SLOTS, 8, generator=generator)
            _, _, state = tracker.update(state, SlotPredictions(masks, scores, scores[:, None], scores > 0.3, codes))
            sizes.add(size(state))
        assert len(sizes) == 1

    def test_frames_without_objects(self, name, options, slots, track):
        assert track(build(name, options), [slots([None, None])] * 2) == [[None, None]] * 2


@pytest.mark.parametrize('name', TRACKERS)
def test_misspelt_option_fails_at_build(name):
    with pytest.raises(TypeError, match='iou_treshold'):
        build(name, {'iou_treshold': 0.5})
