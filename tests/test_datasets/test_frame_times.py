import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrcf.datasets.frame_times import FrameTimeError, frame_times

rates = st.floats(0.01, 1000)
lengths = st.integers(1, 200)
offsets = st.floats(-10, 10)


@given(rates, lengths, offsets)
def test_times_by_rate_grow_by_one_frame(fps, length, offset):
    times = frame_times({}, length, fps, offset)
    assert len(times) == length and times[0] == offset
    assert all(after - before == pytest.approx(1 / fps, abs=1e-9) for before, after in pairwise(times))


@given(rates, rates, lengths)
def test_a_videos_own_rate_goes_before_the_one_given(own, given_rate, length):
    assert frame_times(dict(fps=own), length, given_rate) == frame_times({}, length, own)
    assert frame_times(dict(fps=None), length, given_rate) == frame_times({}, length, given_rate)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=50, unique=True), offsets)
def test_timestamps_are_taken_as_they_are_whatever_the_rate(milliseconds, offset):
    stamps = [value / 1000 for value in sorted(milliseconds)]
    times = frame_times(dict(timestamps=stamps, fps='nonsense'), len(stamps), None, offset)
    assert times == [stamp + offset for stamp in stamps]
    assert all(before < after for before, after in pairwise(times))


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=20), st.data())
def test_times_that_do_not_grow_are_refused_by_name(milliseconds, data):
    stamps = [value / 1000 for value in sorted(milliseconds)]
    place = data.draw(st.integers(1, len(stamps) - 1))
    stamps[place] = stamps[place - 1] - data.draw(st.sampled_from([0.0, 0.001, 5.0]))
    with pytest.raises(FrameTimeError, match=r"'timestamps\[\d+\]' is .* times must grow"):
        frame_times(dict(timestamps=stamps), len(stamps))


@pytest.mark.parametrize(
    ('video', 'message'),
    [
        ({}, "no 'timestamps' and no 'fps'"),
        (dict(fps=0), "'fps' is 0, expected a positive"),
        (dict(fps=-2.0), "'fps' is -2.0"),
        (dict(fps='25'), "'fps' is '25'"),
        (dict(fps=True), "'fps' is True"),
        (json.loads('{"fps": NaN}'), "'fps' is nan"),
        (json.loads('{"fps": 1e999}'), "'fps' is inf"),
        (dict(fps=10**400), "'fps' is 1000"),
        (dict(timestamps=3.0), "'timestamps' is float, expected a list"),
        (dict(timestamps=[0, 1]), "'timestamps' has 2 entries, but the video has 3 frames"),
        (dict(timestamps=[0, None, 2]), r"'timestamps\[1\]' is None"),
        (dict(timestamps=[0, '1', 2]), r"'timestamps\[1\]' is '1'"),
        (json.loads('{"timestamps": [0, NaN, 2]}'), r"'timestamps\[1\]' is nan"),
        (json.loads('{"timestamps": [0, 1, Infinity]}'), r"'timestamps\[2\]' is inf"),
    ],
)
def test_a_field_that_is_no_time_is_named(video, message):
    with pytest.raises(FrameTimeError, match=message) as caught:
        frame_times(video, 3)
    assert '\n' not in str(caught.value)
