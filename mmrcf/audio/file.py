"""The sound of a file, decoded by PyAV and placed by its presentation times."""

import logging
import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import av
import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from mmrcf.errors import InputError, InputFileError
from mmrcf.utils import require_file
from mmrcf.utils.container import MAX_SKIP_WARNINGS, open_container, reason_of, timeout_of

from .chunk import AudioChunk, check_sample_rate, place, samples_before
from .clock import CLOCK_RESTART
from .decoder import SoundDecoder
from .window import SoundWindow

logger = logging.getLogger(__name__)


def read_sound(path: str | Path, clock_start: float | None = None) -> SoundWindow:
    """Decode the first sound stream of a file (wav, flac, mp3, mp4, ...) at its own rate.

    Args:
        path: The file.
        clock_start: Presentation time that is time 0, in seconds. None: the start of the container where there are
            pictures beside the sound, else the first sample.

    Returns:
        A window that keeps everything; an empty one where the file has no sound stream or no samples.

    Raises:
        InputFileError: The file is missing, or its sound cannot be read.
        InputError: The sound is of a kind that cannot be decoded.
    """
    path = require_file(path, 'sound')
    with closing(SoundReader(str(path), clock_start, f'sound {path}')) as reader:
        return SoundWindow.empty().extend(reader.chunks())


class SoundReader:
    """Hands out the samples of the first sound stream, as one channel, up to one time after the other.

    Reads ahead by one packet, in constant memory. Damaged packets are left out with a warning; their time is unknown.

    Args:
        url: What PyAV opens: a path or a URL.
        clock_start: As in :func:`read_sound`.
        name: What the user called it; for messages.

    Attributes:
        sample_rate: Samples a second; None where there is no sound.
        channels: Channels in the file, before they become one; 0 where there is no sound.
        clock_start: Presentation time that is time 0 (at the start of the file), in seconds.

    Raises:
        InputFileError: It cannot be opened or none of its sound can be decoded.
        InputError: The sound is of a kind that cannot be decoded.
    """

    def __init__(self, url: str, clock_start: float | None, name: str) -> None:
        self._name = name
        self._num_warnings = 0
        self._end: int | None = None
        self.clock_start = self._time_zero = clock_start or 0.0
        self.sample_rate: int | None = None
        self.channels = 0
        self._container = open_container(url, name, timeout=timeout_of(url), kind='sound')
        try:
            self._pieces = self._read(clock_start)
            self._next = next(self._pieces, None)
        except BaseException:
            self.close()
            raise

    def chunk_until(self, time: float) -> AudioChunk | None:
        """All samples that are over at ``time`` (seconds; infinity: all) and were not handed out yet.

        Returns:
            One channel, (S,) float32, NaN in gaps, with the time of its first sample; None where there are no samples.
        """
        end = math.inf if time == math.inf else samples_before(time, self.sample_rate or 1)
        pieces = list(self._pieces_before(end))
        if not pieces:
            return None
        first, (last, last_samples) = pieces[0][0], pieces[-1]
        joined = np.full(last + len(last_samples) - first, np.nan, np.float32)
        for start, samples in pieces:
            joined[start - first : start - first + len(samples)] = samples
        return self._chunk(first, joined)

    def skip_until(self, time: float) -> None:
        """Pass over what :meth:`chunk_until` would return, in constant memory."""
        for _ in self._pieces_before(samples_before(time, self.sample_rate or 1)):
            pass

    def chunks(self) -> Iterator[AudioChunk]:
        """Yield the samples that are left as they are decoded, without filling gaps."""
        for first, samples in self._pieces_before(math.inf):
            yield self._chunk(first, samples)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._container.close()

    def _chunk(self, first: int, samples: np.ndarray) -> AudioChunk:
        return AudioChunk(samples, self.sample_rate, first / self.sample_rate)

    def _pieces_before(self, end: float) -> Iterator[tuple[int, np.ndarray]]:
        while self._next is not None and self._next[0] < end:
            first, samples = self._next
            if first + len(samples) <= end:
                self._next = next(self._pieces, None)
            else:
                samples, rest = samples[: end - first], samples[end - first :]
                self._next = (end, rest)
            yield first, samples

    def _read(self, clock_start: float | None) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the index of the first sample, and the samples (S,) float32, of piece after piece in order."""
        stream = _sound_stream(self._container, self._name)
        if stream is None:
            return
        if clock_start is None and _has_pictures(self._container) and self._container.start_time is not None:
            clock_start = self._container.start_time / av.time_base
        for chunk in self._decode(stream):
            if self.sample_rate is None:
                self.sample_rate = chunk.sample_rate
                self.channels = stream.codec_context.layout.nb_channels
                self.clock_start = (chunk.time or 0.0) if clock_start is None else clock_start
                self._time_zero = self.clock_start
            first, samples = self._placed(chunk)
            if len(samples):
                self._end = first + len(samples)
                yield first, samples

    def _placed(self, chunk: AudioChunk) -> tuple[int, np.ndarray]:
        """Index of the first sample, and the samples, without those that were there already."""
        time = None if chunk.time is None else chunk.time - self._time_zero
        try:
            first, end = place(time, self.sample_rate, self._end), self._end
        except InputError as error:
            raise InputError(f'{self._name}: {error}') from error
        if end is not None and first < end - CLOCK_RESTART * self.sample_rate:
            first = end
            self._time_zero = chunk.time - end / self.sample_rate
            self._warn(f'its clock jumps back at {end / self.sample_rate:.3f} s; it goes on from there')
        if np.isnan(chunk.samples).any():
            self._warn('holds samples that are no numbers; they count as unknown')
        overlap = 0 if end is None else max(0, end - first)
        return first + overlap, chunk.samples[overlap:]

    def _decode(self, stream: AudioStream) -> Iterator[AudioChunk]:
        decoder = SoundDecoder(stream, self._name)
        packets = self._container.demux(stream)
        num_packets = num_chunks = 0
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                self._warn(f'its sound breaks off ({reason_of(error)})')
                packet = None
            try:
                # None flushes the decoder: reading broke off before PyAV's own flush packet.
                chunks = decoder.decode(packet)
                check_sample_rate(decoder.sample_rate)
            except ValueError as error:
                raise InputError(f'{self._name}: cannot be used ({error}); convert it to 16-bit WAV') from error
            yield from chunks
            num_chunks += len(chunks)
            if packet is None:
                break
            num_packets += packet.size > 0
        if num_packets and not num_chunks:
            raise InputFileError(f'{self._name}: none of its sound can be decoded; it is damaged or not a sound file')

    def _warn(self, what: str) -> None:
        self._num_warnings += 1
        if self._num_warnings <= MAX_SKIP_WARNINGS:
            logger.warning('%s: %s', self._name, what)


def _sound_stream(container: InputContainer, name: str) -> AudioStream | None:
    if not container.streams.audio:
        return None
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise InputError(f'{name}: its sound codec is unknown to this FFmpeg; convert it to AAC or WAV first')
    return stream


def _has_pictures(container: InputContainer) -> bool:
    return any(not stream.disposition & Disposition.attached_pic for stream in container.streams.video)
