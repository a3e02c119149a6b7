import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmrcf.datasets.clips import sample_clip


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(0, 5), st.integers(1, 5), st.integers(1, 6), st.integers(0, 2**32))
def test_clips_look_back_only(video_length, num_references, num_targets, max_gap, seed):
    clip = sample_clip(np.random.default_rng(seed), video_length, num_references, num_targets, max_gap)
    steps = np.diff(clip)
    assert len(clip) == num_references + num_targets
    assert min(clip) >= 0 and max(clip) < video_length
    assert (steps >= 0).all() and (steps <= max_gap).all()
    # Only the oldest frame of the video is repeated.
    assert all(frame == 0 for frame, step in zip(clip, steps, strict=False) if step == 0)
    if video_length >= num_targets:
        assert len(set(clip[-num_targets:])) == num_targets


def test_every_frame_can_be_the_first_target():
    rng = np.random.default_rng(0)
    clips = [sample_clip(rng, 6, 2, 1, 2) for _ in range(300)]
    counts = np.bincount([clip[-1] for clip in clips], minlength=6)
    assert (counts > 25).all()
    assert [0, 0, 0] in clips


def test_all_gaps_are_drawn():
    rng = np.random.default_rng(0)
    clips = [sample_clip(rng, 50, 1, 2, 3) for _ in range(200)]
    assert {clip[2] - clip[1] for clip in clips} == {1, 2, 3}
    assert {clip[1] - clip[0] for clip in clips if clip[1] > 3} == {1, 2, 3}


def test_a_video_shorter_than_the_targets_repeats_its_oldest_frame():
    assert sample_clip(np.random.default_rng(0), 2, 1, 3, 4) == [0, 0, 0, 1]
