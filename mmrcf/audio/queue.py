"""Audio on its way to the frames that it belongs to, in bounded memory."""

import math
from collections import deque

import numpy as np

from .chunk import CLOCK_RESTART, JITTER, TIME_SLACK, AudioChunk, to_mono

MAX_SECONDS = 10.0


class AudioQueue:
    """Pieces of audio of one rate, in order of time, as one channel; the newest ``max_seconds`` of them are kept.

    Pieces are joined into one run of samples. A gap between two of them is filled with NaN, which is what unknown
    samples are; what overlaps is cut. A piece from a clock that has started anew, or one that comes after a gap longer
    than what is kept, takes the place of what was there. For one thread at a time.

    Args:
        max_seconds: As above.

    Attributes:
        end_time: Time at which the audio put in so far ends, in seconds; None before the first piece.
    """

    def __init__(self, max_seconds: float = MAX_SECONDS) -> None:
        self.end_time: float | None = None
        self._max_seconds = max_seconds
        self._pieces: deque[np.ndarray] = deque()
        self._num_samples = 0
        self._start = 0.0
        self._sample_rate = 0

    def __len__(self) -> int:
        """Number of samples that wait."""
        return self._num_samples

    def put(self, chunk: AudioChunk) -> None:
        """Add a piece; one without a time goes on where the last one ended."""
        samples = to_mono(chunk.samples)
        time = chunk.time if chunk.time is not None else self.end_time or 0.0
        if self._pieces and not -CLOCK_RESTART <= time - self._held_until <= self._max_seconds:
            self._pieces.clear()
            self._num_samples = 0
        if not self._pieces:
            self._start, self._sample_rate = time, chunk.sample_rate
        gap = round((time - self._held_until) * self._sample_rate)
        if gap > JITTER * self._sample_rate:
            self._append(np.full(gap, np.nan, np.float32))
        elif gap < -JITTER * self._sample_rate:
            samples = samples[-gap:]
        self._append(samples)
        self.end_time = self._held_until
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
    def _held_until(self) -> float:
        return self._start + self._num_samples / self._sample_rate

    def _append(self, samples: np.ndarray) -> None:
        if len(samples):
            self._pieces.append(samples)
            self._num_samples += len(samples)

    def _remove(self, count: int) -> list[np.ndarray]:
        """Remove the oldest ``count`` samples and return them, piece by piece."""
        removed = []
        while count > 0:
            piece = self._pieces.popleft()
            if len(piece) > count:
                self._pieces.appendleft(piece[count:])
                piece = piece[:count]
            removed.append(piece)
            count -= len(piece)
            self._num_samples -= len(piece)
            self._start += len(piece) / self._sample_rate
        return removed
