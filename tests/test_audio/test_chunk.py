import math

import numpy as np
import pytest

from mmrcf.audio.chunk import check_sample_rate, first_sample_index, samples_before, to_mono
from mmrcf.errors import InputError


@pytest.mark.parametrize(
    ('samples', 'expected'),
    [
        (np.array([0, 16384, -32768], np.int16), [0, 0.5, -1]),
        (np.array([0, 2**30, -(2**31)], np.int32), [0, 0.5, -1]),
        (np.array([0, 64, -128], np.int8), [0, 0.5, -1]),
        (np.array([0, 2**62, -(2**63)], np.int64), [0, 0.5, -1]),
        (np.array([128, 192, 0], np.uint8), [0, 0.5, -1]),
        (np.array([0, 0.25, -1.5], np.float32), [0, 0.25, -1.5]),
        (np.array([0, 0.25, -1.5], np.float64), [0, 0.25, -1.5]),
        (np.array([0, 0.25, -1.5], np.float16), [0, 0.25, -1.5]),
        (np.array([0, 0.25, -1.5], '>f4'), [0, 0.25, -1.5]),
        ([0.0, 0.25], [0, 0.25]),
    ],
)
def test_scaling_by_kind(samples: np.ndarray, expected: list[float]) -> None:
    mono = to_mono(samples)
    assert mono.dtype == np.float32
    np.testing.assert_array_equal(mono, np.float32(expected))


@pytest.mark.parametrize('channels', [1, 2, 6, 8, 64])
def test_channels_are_averaged(channels: int) -> None:
    samples = np.random.default_rng(0).integers(-32768, 32767, (50, channels), dtype=np.int16, endpoint=True)
    np.testing.assert_allclose(to_mono(samples), samples.astype(float).mean(1) / 32768, atol=1e-7)
    one_channel = samples[:, 0]
    np.testing.assert_array_equal(to_mono(np.repeat(one_channel[:, None], channels, 1)), to_mono(one_channel))


@pytest.mark.parametrize('shape', [(0,), (0, 2)])
def test_no_samples(shape: tuple) -> None:
    assert to_mono(np.zeros(shape, np.int16)).shape == (0,)


def test_what_is_no_number_is_unknown() -> None:
    samples = np.array([[0.5, np.nan], [np.inf, 0], [-np.inf, np.inf], [1e30, 0], [0.5, 0.5]])
    np.testing.assert_array_equal(to_mono(samples), np.float32([np.nan] * 4 + [0.5]))


def test_the_caller_may_use_its_buffer_again() -> None:
    buffer = np.ones(8, np.float32)
    mono = to_mono(buffer)
    buffer[:] = 0
    assert mono.all()


@pytest.mark.parametrize(
    'samples',
    [
        np.zeros((2, 735), np.float32),  # channels first
        np.zeros((10, 0), np.float32),
        np.zeros((1, 2, 3), np.float32),
        np.float32(1),
        np.zeros(3, np.uint16),
        np.zeros(3, bool),
        np.zeros(3, complex),
        np.array(['a']),
        np.array([None]),
    ],
)
def test_what_is_no_audio_is_refused(samples: np.ndarray) -> None:
    with pytest.raises(InputError, match='samples: expected'):
        to_mono(samples)


@pytest.mark.parametrize('rate', [999, 768_001, 44100.5, 0, -8000, math.nan, math.inf])
def test_rates_out_of_range(rate: float) -> None:
    with pytest.raises(InputError, match='sample rate'):
        check_sample_rate(rate)


def test_rates() -> None:
    assert check_sample_rate(np.int64(44100)) == check_sample_rate(44100.0) == 44100


@pytest.mark.parametrize('rate', [8000, 16000, 44100, 48000])
@pytest.mark.parametrize('fps', [1, 6, 25, 30000 / 1001, 60])
def test_frames_of_an_hour_miss_no_sample(rate: int, fps: float) -> None:
    """floor(t R) in floats is that of the exact quotient, also where a frame falls onto a sample."""
    for index in range(0, int(3600 * fps), 997):
        exact = index * rate * 1001 // 30000 if fps == 30000 / 1001 else index * rate // fps
        assert samples_before(index / fps, rate) == exact


def test_the_end_of_sample_k_is_after_it() -> None:
    for rate in (1000, 16000, 44100, 192000):
        for k in (0, 1, 12345, 10**8 + 7):
            assert samples_before(k / rate, rate) == k


def test_times_must_be_finite() -> None:
    for time in (math.nan, math.inf, -math.inf, 1e18):
        with pytest.raises(InputError, match='time'):
            samples_before(time, 16000)
        with pytest.raises(InputError, match='time'):
            first_sample_index(time, 16000, 0)


@pytest.mark.parametrize(
    ('time', 'expected', 'index'),
    [
        (None, None, 0),
        (None, 77, 77),
        (0.5, None, 4000),
        (-0.5, None, -4000),
        (0.5, 4000, 4000),
        (0.5199, 4000, 4000),
        (0.4801, 4000, 4000),
        (0.5202, 4000, 4162),
        (0.4798, 4000, 3838),
        (1e5, 0, 800_000_000),
    ],
)
def test_first_sample_index(time: float | None, expected: int | None, index: int) -> None:
    assert first_sample_index(time, 8000, expected) == index
