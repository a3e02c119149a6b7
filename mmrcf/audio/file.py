"""The audio of a file, decoded by PyAV and aligned by its presentation times."""

import logging
import math
import wave
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition

from mmrcf.errors import InputError, InputFileError
from mmrcf.utils import require_file
from mmrcf.utils.container import MAX_SKIP_WARNINGS, open_container, timeout_of
from mmrcf.utils.demuxer import Demuxer, PacketReader

from .chunk import (
    CLOCK_JUMP,
    CLOCK_RESTART,
    MAX_CHANNELS,
    SAMPLE_RATES,
    AudioChunk,
    check_sample_rate,
    first_sample_index,
    samples_before,
)
from .decoder import AudioDecoder
from .window import AudioWindow

logger = logging.getLogger(__name__)


def read_audio(path: str | Path, clock_start: float | None = None) -> AudioWindow:
    """Decode the audio of a file (wav, flac, mp3, mp4, ...) at its own rate.

    Args:
        path: The file.
        clock_start: Presentation time that is time 0, in seconds. None: the start of the container where there are
            pictures beside the audio, else the first sample.

    Returns:
        A window that keeps everything; an empty one where the file has no audio stream or no samples.

    Raises:
        InputFileError: The file is missing, or its audio cannot be read.
        InputError: The audio is of a kind that cannot be decoded.
    """
    path = require_file(path, 'audio')
    with closing(AudioReader.open(str(path), clock_start, f'audio {path}')) as reader:
        return AudioWindow.empty().extend(reader.chunks())


def read_wav_segment(path: str | Path, start: float, end: float) -> AudioWindow | None:
    """The samples of one segment of a file of 16-bit PCM, as :func:`read_audio` has them.

    Decoding the whole file takes longer than loading the frames of a clip.

    Args:
        path: The file. Its first sample has time 0.
        start: Where the segment begins, in seconds.
        end: Where it ends, in seconds.

    Returns:
        A window, empty where the file has no samples there; None where the file is of another kind, or damaged, and
        has to be read by ``read_audio``.
    """
    try:
        with wave.open(str(path), 'rb') as file:
            channels, rate = file.getnchannels(), file.getframerate()
            # The header of a recording that was never finished has 0 samples, but audio may follow it.
            usual = file.getsampwidth() == 2 and channels <= MAX_CHANNELS and file.getnframes() > 0
            if not usual or not SAMPLE_RATES[0] <= rate <= SAMPLE_RATES[1]:
                return None
            first = max(0, math.floor(start * rate))
            count = min(file.getnframes(), math.ceil(end * rate)) - first
            if count <= 0:
                return AudioWindow.empty()
            file.setpos(first)
            data = file.readframes(count)
    except (wave.Error, EOFError, OSError, RuntimeError):  # the last one where a size in it leads out of the file
        return None
    # A file that was cut short may end inside a sample.
    whole = len(data) // (2 * channels) * channels
    samples = np.frombuffer(data, '<i2', whole).reshape(-1, channels)
    return AudioWindow.empty().append(AudioChunk(samples, rate, first / rate))


class AudioReader:
    """Reads the samples of the audio of a container, as one channel, up to one time after the other.

    Reads ahead by one packet, in constant memory. Damaged packets are left out with a warning; their time is unknown.

    Args:
        demuxer: The container, which other readers may share. This object closes it.
        clock_start: As in :func:`read_audio`.

    Attributes:
        demuxer: As given.
        sample_rate: Samples a second; None where there is no audio.
        channels: Channels in the file, before they become one; 0 where there is no audio.
        clock_start: Presentation time that is time 0 (at the start of the file), in seconds.

    Raises:
        InputFileError: None of the audio can be decoded.
        InputError: The audio is of a kind that cannot be decoded.
    """

    def __init__(self, demuxer: Demuxer, clock_start: float | None) -> None:
        self.demuxer = demuxer
        self._name = demuxer.name
        self._num_warnings = 0
        self._end: int | None = None
        self.clock_start = self._time_zero = clock_start or 0.0
        self.sample_rate: int | None = None
        self.channels = 0
        self._segments = self._read(clock_start)
        self._next: tuple[int, np.ndarray] | None = None
        self._peek()

    @classmethod
    def open(cls, url: str, clock_start: float | None, name: str) -> 'AudioReader':
        """Open a file or stream for its audio alone.

        Args:
            url: As in :func:`~mmrcf.utils.container.open_container`.
            clock_start: As in :func:`read_audio`.
            name: Name for messages, as the user gave it.

        Raises:
            InputFileError: It cannot be opened or none of its audio can be decoded.
            InputError: The audio is of a kind that cannot be decoded.
        """
        demuxer = Demuxer(open_container(url, name, timeout=timeout_of(url), kind='audio'), name, pictures=False)
        try:
            return cls(demuxer, clock_start)
        except BaseException:
            demuxer.close()
            raise

    def chunk_until(self, time: float) -> AudioChunk | None:
        """All samples that are over at ``time`` (seconds; infinity: all) and were not returned yet.

        Returns:
            One channel, (S,) float32, NaN in gaps, with the time of its first sample; None where there are no samples.
        """
        end = math.inf if time == math.inf else samples_before(time, self.sample_rate or 1)
        segments = list(self._segments_before(end))
        if not segments:
            return None
        first, (last, last_samples) = segments[0][0], segments[-1]
        joined = np.full(last + len(last_samples) - first, np.nan, np.float32)
        for start, samples in segments:
            joined[start - first : start - first + len(samples)] = samples
        return self._chunk(first, joined)

    def skip_until(self, time: float) -> None:
        """Skip what :meth:`chunk_until` would return, in constant memory."""
        for _ in self._segments_before(samples_before(time, self.sample_rate or 1)):
            pass

    def chunks(self) -> Iterator[AudioChunk]:
        """Yield the remaining samples as they are decoded, without filling gaps."""
        for first, samples in self._segments_before(math.inf):
            yield self._chunk(first, samples)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self.demuxer.close()

    def _chunk(self, first: int, samples: np.ndarray) -> AudioChunk:
        return AudioChunk(samples, self.sample_rate, first / self.sample_rate)

    def _peek(self) -> tuple[int, np.ndarray] | None:
        """The next segment; None at the end, and where it is far ahead of the pictures of the same container."""
        if self._next is None:
            self._next = next(self._segments, None)
        return self._next

    def _segments_before(self, end: float) -> Iterator[tuple[int, np.ndarray]]:
        self.demuxer.seal()
        while (segment := self._peek()) is not None and segment[0] < end:
            first, samples = segment
            if first + len(samples) <= end:
                self._next = None
            else:
                samples, rest = samples[: end - first], samples[end - first :]
                self._next = (end, rest)
            yield first, samples

    def _read(self, clock_start: float | None) -> Iterator[tuple[int, np.ndarray] | None]:
        """Yield segments in order: index of the first sample, samples (S,) float32; None: not yet."""
        stream, container = self.demuxer.audio, self.demuxer.container
        if stream is None:
            return
        if stream.codec_context is None:
            raise InputError(f'{self._name}: its audio codec is unknown to this FFmpeg; convert it to AAC or WAV first')
        decoder = AudioDecoder(stream, self._name)
        self.sample_rate, self.channels = decoder.sample_rate or None, decoder.channels
        if clock_start is None and _has_pictures(container) and container.start_time is not None:
            clock_start = container.start_time / av.time_base
        for chunk in self._decode(decoder, self.demuxer.read_audio()):
            if chunk is None:
                yield None
                continue
            if self._end is None:
                self.sample_rate, self.channels = chunk.sample_rate, decoder.channels
                self.clock_start = (chunk.time or 0.0) if clock_start is None else clock_start
                self._time_zero = self.clock_start
            first, samples = self._align(chunk)
            if len(samples):
                self._end = first + len(samples)
                yield first, samples
        if self._end is None:
            self.sample_rate, self.channels = None, 0

    def _align(self, chunk: AudioChunk) -> tuple[int, np.ndarray]:
        """Index of the first sample, and the samples, without those that overlap the samples so far."""
        time = None if chunk.time is None else chunk.time - self._time_zero
        try:
            first, end = first_sample_index(time, self.sample_rate, self._end), self._end
        except InputError as error:
            raise InputError(f'{self._name}: {error}') from error
        back, ahead = (round(seconds * self.sample_rate) for seconds in (CLOCK_RESTART, CLOCK_JUMP))
        if end is not None and not end - back <= first <= end + ahead:
            where = 'back' if first < end else 'ahead'
            first = end
            self._time_zero = chunk.time - end / self.sample_rate
            self._warn(f'its clock jumps {where} at {end / self.sample_rate:.3f} s; it continues from there')
        if np.isnan(chunk.samples).any():
            self._warn('holds samples that are no numbers; they count as unknown')
        overlap = 0 if end is None else max(0, end - first)
        return first + overlap, chunk.samples[overlap:]

    def _decode(self, decoder: AudioDecoder, packets: PacketReader) -> Iterator[AudioChunk | None]:
        """The chunks of the packets; None where nothing has arrived yet."""
        num_packets = num_chunks = 0
        for packet in packets:
            if packet is None:
                yield None
                continue
            try:
                chunks = decoder.decode(packet)
                check_sample_rate(decoder.sample_rate)
            except ValueError as error:
                raise InputError(f'{self._name}: cannot be used ({error}); convert it to 16-bit WAV') from error
            yield from chunks
            num_chunks += len(chunks)
            num_packets += packet.size > 0
        if num_packets and not num_chunks:
            raise InputFileError(f'{self._name}: none of its audio can be decoded; it is damaged or not an audio file')

    def _warn(self, what: str) -> None:
        self._num_warnings += 1
        if self._num_warnings <= MAX_SKIP_WARNINGS:
            logger.warning('%s: %s', self._name, what)


def _has_pictures(container: InputContainer) -> bool:
    return any(not stream.disposition & Disposition.attached_pic for stream in container.streams.video)
