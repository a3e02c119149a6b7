"""Audio that waits for the frames that it belongs to, in bounded memory."""

import math
from collections import deque

import numpy as np

from .chunk import CLOCK_RESTART, JITTER, TIME_SLACK, AudioChunk, to_mono

MAX_SECONDS = 10.0


class AudioQueue:
    """A queue of audio chunks of one rate, in order of time, as one channel; the newest ``max_seconds`` are kept.

    Chunks are joined into one run of samples. A gap is filled with NaN, the value of unknown samples; an overlap is
    cut. A chunk from a clock that has restarted, or after a gap longer than ``max_seconds``, replaces all samples in
    the queue. For one thread at a time.

    Args:
        max_seconds: Longest duration to keep, in seconds.

    Attributes:
        end_time: Time at which the audio so far ends, in seconds; None before the first chunk.
    """

    def __init__(self, max_seconds: float = MAX_SECONDS) -> None:
        self.end_time: float | None = None
        self._max_seconds = max_seconds
        self._arrays: deque[np.ndarray] = deque()
        self._num_samples = 0
        self._start = 0.0
        self._sample_rate = 0

    def __len__(self) -> int:
        """Number of samples in the queue."""
        return self._num_samples

    def put(self, chunk: AudioChunk) -> None:
        """Add a chunk; one without a time follows the last one directly."""
        samples = to_mono(chunk.samples)
        time = chunk.time if chunk.time is not None else self.end_time or 0.0
        if self._arrays and not -CLOCK_RESTART <= time - self._end <= self._max_seconds:
            self._arrays.clear()
            self._num_samples = 0
        if not self._arrays:
            self._start, self._sample_rate = time, chunk.sample_rate
        gap = round((time - self._end) * self._sample_rate)
        if gap > JITTER * self._sample_rate:
            self._append(np.full(gap, np.nan, np.float32))
        elif gap < -JITTER * self._sample_rate:
            samples = samples[-gap:]
        self._append(samples)
        self.end_time = self._end
        self._remove(self._num_samples - math.ceil(self._max_seconds * self._sample_rate))

    def take(self, until: float = math.inf) -> AudioChunk | None:
        """Remove and return the samples that are over at ``until`` (seconds); None where there are none."""
        count = self._num_samples
        if until < math.inf:
            count = min(count, math.floor((until - self._start) * self._sample_rate + TIME_SLACK))
        if count <= 0:
            return None
        start = self._start
        return AudioChunk(np.concatenate(self._remove(count)), self._sample_rate, start)

    @property
    def _end(self) -> float:
        return self._start + self._num_samples / self._sample_rate

    def _append(self, samples: np.ndarray) -> None:
        if len(samples):
            self._arrays.append(samples)
            self._num_samples += len(samples)

    def _remove(self, count: int) -> list[np.ndarray]:
        """Remove the oldest ``count`` samples and return them as a list of arrays."""
        removed = []
        while count > 0:
            array = self._arrays.popleft()
            if len(array) > count:
                self._arrays.appendleft(array[count:])
                array = array[:count]
            removed.append(array)
            count -= len(array)
            self._num_samples -= len(array)
            self._start += len(array) / self._sample_rate
        return removed
