import numpy as np
import pytest

from mmrcf.audio import AudioChunk
from mmrcf.audio.queue import AudioQueue

RATE = 8000


def chunk(first: int, count: int, time: float | None = None) -> AudioChunk:
    """Samples whose values are their index, at their time."""
    return AudioChunk(np.arange(first, first + count, dtype=np.float32), RATE, first / RATE if time is None else time)


def test_takes_what_is_over() -> None:
    queue = AudioQueue()
    for first in range(0, 8000, 1000):
        queue.put(chunk(first, 1000))
    assert queue.end_time == 1.0
    taken = queue.take(until=0.25001)
    assert taken.time == 0 and taken.sample_rate == RATE
    np.testing.assert_array_equal(taken.samples, np.arange(2000))
    assert queue.take(until=0.25001) is None and queue.take(until=-1.0) is None
    rest = queue.take()
    assert rest.time == pytest.approx(0.25) and len(rest.samples) == 6000
    assert queue.take() is None and len(queue) == 0 and queue.end_time == 1.0


def test_gaps_are_unknown_and_overlaps_are_cut() -> None:
    queue = AudioQueue()
    queue.put(chunk(0, 800))
    queue.put(chunk(1600, 800))
    queue.put(chunk(2000, 800))
    samples = queue.take().samples
    assert len(samples) == 2800 and np.isnan(samples[800:1600]).all()
    np.testing.assert_array_equal(samples[1600:], np.arange(1600, 2800))


def test_times_that_tremble_leave_no_gap() -> None:
    queue = AudioQueue()
    for index in range(20):
        queue.put(chunk(800 * index, 800, time=0.1 * index + 0.009 * (-1) ** index))
    np.testing.assert_array_equal(queue.take().samples, np.arange(16000))


def test_a_clock_that_drifts_is_followed() -> None:
    """A microphone that is slow by a thousandth: its samples keep their time."""
    queue = AudioQueue()
    for index in range(1000):
        queue.put(chunk(800 * index, 800, time=0.1001 * index))
        taken = queue.take(until=0.1 * index)
        if taken is not None:
            newest = taken.samples[~np.isnan(taken.samples)][-1]
            assert taken.time + len(taken.samples) / RATE == pytest.approx(newest / RATE * 1.001, abs=0.025)


def test_a_clock_that_restarts() -> None:
    queue = AudioQueue()
    queue.put(chunk(80000, 800))
    queue.put(chunk(0, 800))
    taken = queue.take()
    assert taken.time == 0 and len(taken.samples) == 800


def test_memory_is_bounded() -> None:
    queue = AudioQueue(max_seconds=2.0)
    for index in range(500):
        queue.put(chunk(800 * index, 800))
        assert len(queue) <= 2 * RATE
    queue.put(chunk(3600 * RATE, 800))
    assert len(queue) == 800, 'the gap of an hour takes no memory'
    assert queue.take().time == pytest.approx(3600)


def test_without_times() -> None:
    queue = AudioQueue()
    queue.put(AudioChunk(np.ones((800, 2), np.int16), RATE))
    queue.put(AudioChunk(np.zeros((0, 2), np.int16), RATE))
    queue.put(AudioChunk(np.ones((800, 2), np.int16), RATE))
    taken = queue.take()
    assert taken.time == 0 and taken.samples.shape == (1600,)
