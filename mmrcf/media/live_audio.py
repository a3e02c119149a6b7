"""Audio that arrives in real time: of a live stream, beside its pictures, or of a microphone, beside a camera."""

import contextlib
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame

from mmrcf.audio import AudioChunk
from mmrcf.audio.chunk import CLOCK_JUMP, CLOCK_RESTART
from mmrcf.audio.decoder import AudioDecoder
from mmrcf.audio.queue import AudioQueue
from mmrcf.errors import InputError, InputFileError
from mmrcf.utils.container import reason_of
from mmrcf.utils.demuxer import Demuxer, SharedPacket

from .frame_source import AudioFormat

logger = logging.getLogger(__name__)

# Audio arrives slightly later than the pictures of the same time. Frames wait for it for at most this many seconds of
# the stream; audio with a longer delay counts as stopped.
MAX_LAG = 0.3
# Two readings of one clock, taken one after the other, differ by less (seconds).
SAME_CLOCK = 10.0
PREFIX = 'mic'
JOIN_TIMEOUT = 2.0
ALSA_SETTINGS = Path('/usr/share/alsa')
# FFmpeg's input devices by sys.platform, in order of preference: format, how it names a microphone, the default one.
DEVICES = {
    'linux': (('pulse', '{name}', 'default'), ('alsa', '{name}', 'default')),
    'darwin': (('avfoundation', ':{name}', ':default'),),
    'win32': (('dshow', 'audio={name}', None),),
}


class StreamAudio:
    """Decodes the audio packets of a container and returns their samples frame by frame.

    The times of the samples never go back. The clocks of audio and pictures restart one after the other, since a
    picture leaves its decoder later than it arrives. So the audio has a clock of its own: what comes after a jump
    follows directly, until the clock of the frames, which is exact, has made the same jump.

    Args:
        stream: The audio stream of the container.
        name: Name of the container for messages.
    """

    def __init__(self, stream: AudioStream, name: str) -> None:
        self._name = name
        self._decoder = AudioDecoder(stream, name)
        self._queue = AudioQueue()  # on the clock that the container begins with
        self._jumped = 0.0  # by how many seconds the clock of the audio is ahead of that one
        self._first_start: float | None = None

    @classmethod
    def of(cls, demuxer: Demuxer) -> 'StreamAudio | None':
        """The audio of a container; None, with a warning where there is some that cannot be decoded."""
        if demuxer.audio is None:
            return None
        if demuxer.audio.codec_context is None:
            logger.warning('%s: its audio cannot be decoded; continues without audio', demuxer.name)
            return None
        return cls(demuxer.audio, demuxer.name)

    @property
    def format(self) -> AudioFormat | None:
        """Name, rate and channels; None while neither the container nor a sample has given them."""
        if not self._decoder.sample_rate:
            return None
        return AudioFormat(self._name, self._decoder.sample_rate, self._decoder.channels)

    def add(self, packet: SharedPacket) -> None:
        """Decode a packet of the stream."""
        for chunk in self._decoder.decode(packet):
            end = self._queue.end_time
            if chunk.time is not None:
                chunk = replace(chunk, time=chunk.time - self._jumped)
                if end is not None and not -CLOCK_RESTART <= chunk.time - end <= CLOCK_JUMP:
                    self._jumped += chunk.time - end
                    chunk = replace(chunk, time=end)
            self._queue.put(chunk)

    def wait_for(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """Yield the same frames, each one once the audio before it has arrived or is too late."""
        held: deque[VideoFrame] = deque()
        for newest in frames:
            held.append(newest)
            while held and not self._should_wait(held[0], newest):
                yield held.popleft()
        yield from held

    def chunk_until(self, time: float, start: float) -> AudioChunk | None:
        """The samples since the last call and before ``time``.

        Args:
            time: On the clock of the frames, in seconds; so is the time of the chunk.
            start: Presentation time at which that clock is at 0; changes where the clock of the container restarts.
        """
        if self._first_start is None:
            self._first_start = start
        if abs(start - self._first_start - self._jumped) <= CLOCK_RESTART:
            self._jumped = start - self._first_start
        chunk = self._queue.take(time + self._first_start)
        return chunk and replace(chunk, time=chunk.time - self._first_start)

    def _should_wait(self, frame: VideoFrame, newest: VideoFrame) -> bool:
        end = self._queue.end_time
        if end is None or frame.time is None or newest.time is None:
            return False
        end += self._jumped
        return frame.time > end and newest.time <= end + MAX_LAG


class Microphone:
    """Reads an input device in a separate thread; an :class:`~mmrcf.media.audio_input.AudioFeed`.

    Args:
        device: 'mic' for the default microphone, 'mic:NAME' for one by its name in the system.
        time_zero: Time of day that is time 0 of the frames, in seconds.

    Attributes:
        name: For messages.
        sample_rate: Samples per second.
        channels: Number of channels.

    Raises:
        InputFileError: The device cannot be opened.
        InputError: Microphones are not supported on this system, or it has no default one.
    """

    def __init__(self, device: str, time_zero: float) -> None:
        self.name = f'microphone {device.partition(":")[2] or "default"}'
        self._time_zero = time_zero
        self._container = _open_device(device, self.name)
        self._decoder = AudioDecoder(self._container.streams.audio[0], self.name)
        self.sample_rate, self.channels = self._decoder.sample_rate, self._decoder.channels
        self._shift: float | None = None
        self._queue = AudioQueue()
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name=self.name, daemon=True)
        self._thread.start()

    def chunk_until(self, time: float) -> AudioChunk | None:
        """The samples since the last call and before ``time``; waits for late ones for up to MAX_LAG seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or not self._is_late(time), MAX_LAG)
            return self._queue.take(time)

    def skip_until(self, time: float) -> None:
        """Skip the samples before ``time``."""
        with self._changed:
            self._queue.take(time)

    def _is_late(self, time: float) -> bool:
        end = self._queue.end_time
        return end is not None and end < time <= end + MAX_LAG

    def _read(self) -> None:
        try:
            for packet in self._container.demux(audio=0):
                chunks = self._decoder.decode(packet)
                with self._changed:
                    if self._ended:
                        break
                    for chunk in chunks:
                        self._queue.put(self._to_frame_clock(chunk))
                    self._changed.notify()
        except (av.error.FFmpegError, OSError) as error:
            logger.warning('%s: stops here (%s); the frames continue without audio', self.name, reason_of(error))
        finally:
            self._container.close()
            with self._changed:
                self._ended = True
                self._changed.notify()

    def _to_frame_clock(self, chunk: AudioChunk) -> AudioChunk:
        if chunk.time is None:
            return chunk
        if self._shift is None:
            now = chunk.time + len(chunk.samples) / chunk.sample_rate
            self._shift = time_of_day_offset(now) - self._time_zero
        return replace(chunk, time=chunk.time + self._shift)

    def close(self) -> None:
        """Stop reading."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(JOIN_TIMEOUT)


def time_of_day_offset(device_time: float) -> float:
    """Seconds to add to the times of a device to get the time of day.

    Cameras and microphones use the time of day or the monotonic clock of the system; both are recognised. For a device
    with another clock, ``device_time`` is taken as now.

    Args:
        device_time: The present time on the clock of the device, in seconds.
    """
    now, monotonic = time.time(), time.monotonic()
    for clock in (now, monotonic):
        if abs(device_time - clock) < SAME_CLOCK:
            return now - clock
    return now - device_time


def _open_device(device: str, name: str) -> InputContainer:
    if sys.platform not in DEVICES:
        raise InputError(f'{device}: microphones are not supported on {sys.platform}; give an audio file')
    wanted, reasons = device.partition(':')[2], []
    for container_format, pattern, default in DEVICES[sys.platform]:
        url = pattern.format(name=wanted) if wanted else default
        if url is None:
            raise InputError(f'{device}: there is no default microphone on {sys.platform}; give {PREFIX}:NAME')
        if container_format == 'alsa' and ALSA_SETTINGS.exists():
            # The FFmpeg in PyAV's wheels looks for the settings of ALSA in the folder where it was built.
            os.environ.setdefault('ALSA_CONFIG_DIR', str(ALSA_SETTINGS))
        try:
            with _muted_stderr():
                container = av.open(url, format=container_format)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reasons.append(f'{container_format}: {getattr(error, "strerror", None) or error}')
            continue
        if container.streams.audio:
            return container
        container.close()
        reasons.append(f'{container_format}: has no audio')
    raise InputFileError(
        f'{name}: cannot be opened ({"; ".join(reasons)}); check that it is plugged in, or give {PREFIX}:NAME'
    )


@contextlib.contextmanager
def _muted_stderr() -> Iterator[None]:
    """Discard what is written to stderr: ALSA writes ten lines there for a device that does not exist."""
    stderr = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(null)
        os.close(stderr)
