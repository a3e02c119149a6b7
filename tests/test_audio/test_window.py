"""Audio ordered by time: chunks, gaps, drift, memory."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmrcf.audio import AudioChunk
from mmrcf.audio.log_mel import patch_at, patch_length
from mmrcf.audio.window import AudioWindow
from mmrcf.errors import InputError

RATE = 8000


def noise(count: int, channels: int | None = None) -> np.ndarray:
    shape = count if channels is None else (count, channels)
    return np.random.default_rng(0).integers(-9000, 9000, shape).astype(np.int16)


def whole(samples: np.ndarray, rate: int = RATE, time: float | None = None) -> AudioWindow:
    return AudioWindow.empty().append(AudioChunk(samples, rate, time))


def memory(window: AudioWindow) -> int:
    """Samples in memory, with those of arrays that are held only because a part of them is."""
    arrays = [run.samples if run.samples.base is None else run.samples.base for run in window.runs]
    return sum(array.size for array in arrays)


def test_empty() -> None:
    window = AudioWindow.empty()
    assert (window.end_time, window.sample_rate, window.num_samples_kept) == (None, None, 0)
    patch, valid = window.patch(1.0)
    assert patch.shape == (96, 64) and patch.dtype == torch.float32 and not patch.any() and valid is False
    assert window.append(AudioChunk(np.zeros((0, 2), np.int16), RATE)).patch(0.0)[1] is False


def test_appending_leaves_the_old_window_as_it_was() -> None:
    samples = noise(RATE)
    first = whole(samples[: RATE // 2])
    patch, _ = first.patch(1.0)
    second = first.append(AudioChunk(samples[RATE // 2 :], RATE))
    assert (first.end_time, second.end_time) == (0.5, 1.0)
    assert torch.equal(first.patch(1.0)[0], patch) and not torch.equal(second.patch(1.0)[0], patch)


def test_the_patch_is_that_of_the_samples() -> None:
    window, samples = whole(noise(3 * RATE)), noise(3 * RATE) / np.float32(32768)
    for time in (0.2, 1.5, 3.0, 3.9):
        assert torch.equal(window.patch(time)[0], patch_at(samples, RATE, 0, time))


def test_validity() -> None:
    window = whole(np.zeros(RATE, np.int16), time=2.0)
    for time, valid in [(0.0, False), (2.0, False), (2.001, True), (3.0, True), (3.974, True), (3.976, False)]:
        patch, known = window.patch(time)
        assert known is valid
        assert (patch == np.float32(np.log(0.01))).all() if valid else not patch.any(), 'recorded silence is known'


def test_no_number_is_unknown() -> None:
    samples = noise(RATE) / np.float32(32768)
    assert whole(np.full(RATE, np.nan, np.float32)).patch(1.0)[1] is False
    samples[100] = np.inf
    patch, valid = whole(samples).patch(1.0)
    assert valid and patch.isfinite().all()


@settings(max_examples=25, deadline=None)
@given(
    rate=st.sampled_from([8000, 16000, 22050, 44100]),
    cuts=st.lists(st.integers(0, 88200), max_size=40),
    channels=st.sampled_from([None, 1, 2]),
    timed=st.booleans(),
)
def test_chunks_of_any_size_are_the_file(rate: int, cuts: list[int], channels: int | None, timed: bool) -> None:
    """A window that keeps just what is needed gives the patches of the whole file, to the last bit."""
    samples = noise(2 * rate, channels)
    file, stream = whole(samples, rate), AudioWindow.empty(keep=0)
    bounds = [0, *sorted(min(cut, len(samples)) for cut in cuts), len(samples)]
    for start, end in zip(bounds[:-1], bounds[1:], strict=True):
        stream = stream.append(AudioChunk(samples[start:end], rate, start / rate if timed else None))
        patch, valid = stream.patch(end / rate)
        expected, expected_valid = file.patch(end / rate)
        assert torch.equal(patch, expected) and valid == expected_valid
        assert memory(stream) <= patch_length(rate) + len(samples[start:end])


def test_a_few_samples_at_a_time() -> None:
    samples, stream = noise(RATE // 4), AudioWindow.empty(keep=0)
    for index in range(0, len(samples), 3):
        stream = stream.append(AudioChunk(samples[index : index + 3], RATE))
    assert torch.equal(stream.patch(0.25)[0], whole(samples).patch(0.25)[0])


def test_frames_a_little_late() -> None:
    """Patches not older than ``keep`` before the newest sample can be made, older ones are refused."""
    samples, stream = noise(5 * RATE), AudioWindow.empty(keep=0.5)
    for index in range(0, 4 * RATE, 100):
        stream = stream.append(AudioChunk(samples[index : index + 100], RATE))
    for time in (3.5, 3.6, 4.0, 4.5):
        assert torch.equal(stream.patch(time)[0], whole(samples[: 4 * RATE]).patch(time)[0])
    with pytest.raises(InputError, match='no longer kept'):
        stream.patch(3.4)


def test_clocks_that_tremble_leave_no_gap() -> None:
    samples, window = noise(2 * RATE), AudioWindow.empty()
    for index, jitter in zip(range(0, len(samples), 400), np.resize([0, 0.019, -0.019, 0.01], 40), strict=True):
        window = window.append(AudioChunk(samples[index : index + 400], RATE, index / RATE + jitter))
    assert len(window.runs) == 1 and window.end_time == 2.0
    assert torch.equal(window.patch(2.0)[0], whole(samples).patch(2.0)[0])


def test_a_gap_is_unknown() -> None:
    samples = noise(3 * RATE) / np.float32(32768)
    window = whole(samples[:RATE]).append(AudioChunk(samples[int(1.2 * RATE) :], RATE, 1.2))
    assert window.num_samples_kept == int(2.8 * RATE)
    samples[RATE : int(1.2 * RATE)] = np.nan
    for time in (0.9, 1.1, 1.5, 2.0, 3.0):
        assert torch.equal(window.patch(time)[0], patch_at(samples, RATE, 0, time))


def test_a_gap_of_an_hour_takes_no_memory() -> None:
    samples = noise(RATE)
    for keep in (None, 1.0):
        window = AudioWindow.empty(keep).append(AudioChunk(samples, RATE))
        window = window.append(AudioChunk(samples, RATE, 3600.0)).append(AudioChunk(samples, RATE, 1e9))
        assert window.num_samples_kept <= 3 * RATE and window.end_time == 1e9 + 1
        assert torch.equal(window.patch(1e9 + 1)[0], whole(samples, time=1e9).patch(1e9 + 1)[0])
        assert window.patch(1e9 - 1)[1] is False


def test_what_overlaps_is_dropped() -> None:
    samples = noise(2 * RATE)
    window = whole(samples[:RATE])
    overlapping = AudioChunk(np.concatenate((np.zeros(RATE // 2, np.int16), samples[RATE:])), RATE, 0.5)
    window = window.append(overlapping)
    assert window.end_time == 2.0 and window.num_samples_kept == 2 * RATE
    assert torch.equal(window.patch(1.8)[0], whole(samples).patch(1.8)[0])
    assert window.append(AudioChunk(samples[: RATE // 2], RATE, 0.25)) is window, 'wholly in the past'


def test_a_clock_that_drifts_is_followed() -> None:
    """A microphone of 7960 samples a second that states 8000: its audio stays within 20 ms of its time."""
    window = AudioWindow.empty()
    for index in range(600):
        window = window.append(AudioChunk(np.zeros(796, np.float32), RATE, 0.1 * index))
        assert abs(window.end_time - 0.1 * (index + 1)) < 0.021
    assert len(window.runs) == 15, 'a gap of 20 ms every 4 seconds'


def test_before_time_zero() -> None:
    samples = noise(2 * RATE)
    window = whole(samples, time=-1.0)
    assert window.runs[0].first == -RATE and window.end_time == 1.0
    assert torch.equal(window.patch(0.5)[0], whole(samples).patch(1.5)[0])
    assert window.patch(-0.5)[1]


def test_one_hour_in_constant_memory() -> None:
    chunk, window = noise(2000), AudioWindow.empty(keep=0.5)
    bound = patch_length(RATE) + RATE // 2 + 2000
    for index in range(4 * 3600):
        lost = index % 1000 == 999
        if not lost:
            window = window.append(AudioChunk(chunk, RATE, index / 4))
        assert memory(window) <= bound and len(window.runs) <= 2
    assert window.patch(3599.75)[1]


def test_a_large_chunk_leaves_nothing_behind() -> None:
    window = AudioWindow.empty(keep=0).append(AudioChunk(noise(60 * RATE), RATE))
    assert memory(window) == window.num_samples_kept <= patch_length(RATE)


@pytest.mark.parametrize('time', [np.nan, np.inf, -np.inf])
def test_times_must_be_finite(time: float) -> None:
    with pytest.raises(InputError, match='finite'):
        whole(noise(10)).patch(time)
    with pytest.raises(InputError, match='finite'):
        whole(noise(10), time=time)


def test_the_rate_of_a_stream_cannot_change() -> None:
    with pytest.raises(InputError, match='16000 samples a second after audio of 8000'):
        whole(noise(10)).append(AudioChunk(noise(10), 16000))


@pytest.mark.parametrize('keep', [-1, np.nan, np.inf])
def test_keep(keep: float) -> None:
    with pytest.raises(InputError, match='keep'):
        AudioWindow.empty(keep)
