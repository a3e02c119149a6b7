"""Audio on the clock of the frames, as a value: a whole file, or the newest seconds of a stream."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mmrcf.errors import InputError

from .chunk import AudioChunk, check_sample_rate, first_sample_index, to_mono
from .log_mel import MEL_BANDS, PATCH_FRAMES, patch_at, patch_length, patch_span


@dataclass(frozen=True, eq=False)
class AudioRun:
    """Samples without a gap.

    Attributes:
        first: Index of the first sample, from time 0.
        samples: (n,) float32, NaN where unknown. Never written to.
    """

    first: int
    samples: np.ndarray

    @property
    def end(self) -> int:
        """Index after the last sample."""
        return self.first + len(self.samples)


@dataclass(frozen=True, eq=False)
class AudioWindow:
    """The audio so far. Chunks are ordered by their time; gaps between them are unknown samples and take no memory.

    A chunk within 20 ms of the end of the last one follows it directly. The part of a chunk that overlaps earlier
    samples is dropped. Start with :meth:`empty`.

    Attributes:
        keep: Seconds before the newest sample for which patches can be made; None: everything is kept.
        sample_rate: Samples a second; None before the first sample.
        runs: The samples kept, in order; they do not touch.
        dropped_end: Index after the last sample that was dropped because it was too old; None: none was.
    """

    keep: float | None = None
    sample_rate: int | None = None
    runs: tuple[AudioRun, ...] = ()
    dropped_end: int | None = None

    @classmethod
    def empty(cls, keep: float | None = None) -> 'AudioWindow':
        """A window without audio.

        Args:
            keep: None keeps everything: a file. A number keeps what patches need that end at most that many seconds
                before the newest sample: a stream.

        Raises:
            InputError: ``keep`` is negative or not finite.
        """
        if keep is not None and not (keep >= 0 and math.isfinite(keep)):
            raise InputError(f'keep {keep}: expected a number of seconds that is not negative, or None')
        return cls(keep=keep)

    @property
    def end_time(self) -> float | None:
        """Time in seconds at which the newest sample is over; None where there is none."""
        return self.runs[-1].end / self.sample_rate if self.runs else None

    @property
    def num_samples_kept(self) -> int:
        """Number of samples in memory."""
        return sum(len(run.samples) for run in self.runs)

    def append(self, chunk: AudioChunk) -> 'AudioWindow':
        """This window followed by ``chunk``. Copies what is kept: give a whole file to :meth:`extend` at once.

        Raises:
            InputError: The samples, their rate or their time are no audio, or the rate is not that of the audio so far.
        """
        return self.extend((chunk,))

    def extend(self, chunks: Iterable[AudioChunk]) -> 'AudioWindow':
        """As :meth:`append`, for many chunks at the cost of one."""
        sample_rate = self.sample_rate
        runs = list(self.runs)
        for chunk in chunks:
            sample_rate = self._same_rate(chunk.sample_rate, sample_rate)
            end = runs[-1].end if runs else None
            samples = to_mono(chunk.samples)
            first = first_sample_index(chunk.time, sample_rate, end)
            overlap = max(0, end - first) if runs else 0
            if len(samples) > overlap:
                runs.append(AudioRun(first + overlap, samples[overlap:]))
        if len(runs) == len(self.runs):
            return self
        oldest = None if self.keep is None else runs[-1].end - self._reach(sample_rate)
        dropped_end = self.dropped_end
        if oldest is not None:
            too_old = [min(run.end, oldest) for run in runs if run.first < oldest]
            dropped_end = max(too_old, default=dropped_end)
            runs = [run for run in runs if run.end > oldest]
        return replace(self, sample_rate=sample_rate, runs=_join(runs, oldest), dropped_end=dropped_end)

    def patch(self, time: float) -> tuple[Tensor, bool]:
        """The log-mel patch that ends at ``time`` (seconds), from samples before it alone.

        Returns:
            (96, 64) float32, and whether any sample of its 0.975 s is known; zeros where none is.

        Raises:
            InputError: The time is no usable one, or so long past that the audio is no longer kept.
        """
        if self.sample_rate is None:
            return torch.zeros(PATCH_FRAMES, MEL_BANDS), False
        first, inside, end = patch_span(self.sample_rate, time)
        if self.dropped_end is not None and first < self.dropped_end:
            raise InputError(
                f'time {time:.3f} s: its audio is no longer kept, the newest is at {self.end_time:.3f} s; hand in the '
                'audio up to each frame with that frame'
            )
        samples = self._samples(first, end)
        if np.isnan(samples[inside - first :]).all():
            return torch.zeros(PATCH_FRAMES, MEL_BANDS), False
        return patch_at(samples, self.sample_rate, first, time), True

    def _samples(self, first: int, end: int) -> np.ndarray:
        """(end - first,) float32, NaN where unknown."""
        samples = np.full(end - first, np.nan, np.float32)
        for run in self.runs:
            start, stop = max(first, run.first), min(end, run.end)
            if start < stop:
                samples[start - first : stop - first] = run.samples[start - run.first : stop - run.first]
        return samples

    def _reach(self, sample_rate: int) -> int:
        return math.ceil(self.keep * sample_rate) + patch_length(sample_rate)

    @staticmethod
    def _same_rate(sample_rate: int, known: int | None) -> int:
        sample_rate = check_sample_rate(sample_rate)
        if known not in (None, sample_rate):
            raise InputError(
                f'audio of {sample_rate} samples a second after audio of {known}: the rate of a stream cannot change; '
                'start a new stream'
            )
        return sample_rate


def _join(runs: Sequence[AudioRun], oldest: int | None) -> tuple[AudioRun, ...]:
    """Adjacent runs as one, without the samples before ``oldest`` and without memory that holds them."""
    joined: list[list[AudioRun]] = []
    for previous, run in zip([None, *runs], runs, strict=False):
        if previous is not None and previous.end == run.first:
            joined[-1].append(run)
        else:
            joined.append([run])
    result = []
    for group in joined:
        first = group[0].first if oldest is None else max(group[0].first, oldest)
        parts = [run.samples[max(first - run.first, 0) :] for run in group]
        is_whole = len(group) == 1 and len(parts[0]) == len(group[0].samples)
        result.append(group[0] if is_whole else AudioRun(first, np.concatenate(parts)))
    return tuple(result)
