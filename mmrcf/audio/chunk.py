"""Samples in a row as they come from a source: their values as one channel of floats, and their position in time.

Sample k of a stream of R samples a second has time k / R, on the clock of the frames; k may be negative.
"""

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np

from mmrcf.errors import InputError

SAMPLE_RATES = (1000, 768_000)
MAX_CHANNELS = 64
# Louder than this is damage; without a limit one such sample makes a whole patch infinite.
MAX_VALUE = 1e6
# Times are sums and quotients of floats: a time that misses a sample by less than this part of one counts as on it.
TIME_SLACK = 1e-6
# Clocks of devices count from 1970 at most; far beyond that the resolution of a float is coarser than a sample.
MAX_TIME = 1e10
# A chunk within this many seconds of the end of the last one follows it directly: the clocks of sources jitter.
JITTER = 0.02
# A clock of audio that jumps back by more seconds than this has restarted; by less, samples are duplicated.
CLOCK_RESTART = 1.0
# A clock that jumps ahead by more seconds than this was set again: what comes after the jump follows directly. A gap of
# days would be days of silence otherwise, and times that no container holds.
CLOCK_JUMP = 3600.0


@dataclass(frozen=True, eq=False)
class AudioChunk:
    """Samples in a row, as they come from a source.

    Attributes:
        samples: (S,) or (S, channels), S may be 0. Signed integers and uint8 are scaled by their range; floats are
            taken as they are, in [-1, 1].
        sample_rate: Samples a second, at least 1000.
        time: Presentation time of the first sample in seconds, on the clock of the frames; None where the chunk
            follows the last one directly.
    """

    samples: np.ndarray
    sample_rate: int
    time: float | None = None


def to_mono(samples: np.ndarray) -> np.ndarray:
    """The mean of all channels.

    Args:
        samples: (S,) or (S, channels). Signed integers and uint8 are scaled by their range; floats are taken as they
            are. S may be 0.

    Returns:
        (S,) float32 in [-1, 1], as loud floats as they are; NaN (unknown) where a channel holds no usable number. Never
        the memory of ``samples``.

    Raises:
        InputError: The shape or the type is another.
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and not 1 <= samples.shape[1] <= MAX_CHANNELS):
        raise InputError(
            f'samples: expected shape (samples,) or (samples, channels) with at most {MAX_CHANNELS} channels, '
            f'got {samples.shape}'
        )
    kind, size = samples.dtype.kind, samples.dtype.itemsize
    if kind not in 'if' and samples.dtype != np.uint8:
        raise InputError(f'samples: expected signed integers, uint8 or floats, got {samples.dtype}')
    values = samples.astype(np.float64)
    if kind == 'f':
        # A comparison with NaN is false: one test for NaN, infinities and absurd values.
        values[~(np.abs(values) <= MAX_VALUE)] = np.nan
    if samples.ndim == 2:
        values = values[:, 0] if values.shape[1] == 1 else values.mean(axis=1)
    if kind != 'f':
        middle = 2.0 ** (8 * size - 1)
        values = (values - middle if kind == 'u' else values) / middle
    return values.astype(np.float32)


def check_sample_rate(sample_rate: int) -> int:
    """``sample_rate`` as an int.

    Raises:
        InputError: It is no whole number of samples a second, or out of range.
    """
    low, high = SAMPLE_RATES
    if not isinstance(sample_rate, Real) or not low <= sample_rate <= high or int(sample_rate) != sample_rate:
        raise InputError(f'sample rate {sample_rate}: expected a whole number from {low} to {high} samples a second')
    return int(sample_rate)


def check_time(time: float) -> float:
    """``time``, in seconds.

    Raises:
        InputError: It is not finite, or so large that the resolution of floats is coarser than a sample.
    """
    if not isinstance(time, Real) or not abs(time) <= MAX_TIME:
        raise InputError(f'time {time}: expected a finite number of seconds, at most {MAX_TIME:g}')
    return time


def samples_before(time: float, sample_rate: int) -> int:
    """First sample that is not over at ``time`` (seconds): whatever belongs to that time has only smaller indices.

    Raises:
        InputError: The time is no usable one.
    """
    check_time(time)
    return math.floor(time * sample_rate + TIME_SLACK)


def first_sample_index(time: float | None, sample_rate: int, expected: int | None) -> int:
    """Index of the first sample of a chunk.

    Args:
        time: Presentation time of that sample in seconds; None: the chunk follows the last one directly.
        sample_rate: Samples a second.
        expected: Index after the last sample so far; None at the start.

    Returns:
        ``expected`` if ``time`` is that within the jitter of clocks, else the sample nearest to ``time``.

    Raises:
        InputError: The time is no usable one.
    """
    if time is None:
        return expected or 0
    index = round(check_time(time) * sample_rate)
    if expected is not None and abs(index - expected) <= JITTER * sample_rate:
        return expected
    return index
