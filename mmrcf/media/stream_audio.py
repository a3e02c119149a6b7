"""The audio of a live stream, out of the same container as its pictures."""

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame

from mmrcf.audio import AudioChunk
from mmrcf.audio.decoder import AudioDecoder
from mmrcf.audio.queue import AudioQueue

from .frame_source import AudioFormat

logger = logging.getLogger(__name__)

# Audio reaches us a little after the pictures of its time: frames wait for it, but not for longer than this (seconds
# of the stream). Audio that lags more has stopped.
MAX_LAG = 0.3


class StreamAudio:
    """Takes the audio packets of a container and hands their samples out frame by frame.

    Args:
        stream: The audio stream of the container.
        name: What the user called the container.

    Attributes:
        stream: As given.
    """

    def __init__(self, stream: AudioStream, name: str) -> None:
        self.stream = stream
        self._name = name
        self._decoder = AudioDecoder(stream, name)
        self._queue = AudioQueue()

    @classmethod
    def of(cls, container: InputContainer, name: str) -> 'StreamAudio | None':
        """The first audio stream of ``container``; None, with a warning where there is one that cannot be decoded."""
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            logger.warning('%s: its audio cannot be decoded; goes on without', name)
            return None
        return cls(stream, name)

    @property
    def format(self) -> AudioFormat | None:
        """Name, rate and channels; None as long as the container does not tell and no sample came."""
        if not self._decoder.sample_rate:
            return None
        return AudioFormat(self._name, self._decoder.sample_rate, self._decoder.channels)

    def add(self, packet: Packet) -> None:
        """Decode a packet of the stream."""
        for chunk in self._decoder.decode(packet):
            self._queue.put(chunk)

    def wait_for(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """The same frames, each held back till the audio before it is there, or lags behind too far."""
        held: deque[VideoFrame] = deque()
        for newest in frames:
            held.append(newest)
            while held and not self._is_worth_waiting(held[0], newest):
                yield held.popleft()
        yield from held

    def chunk_until(self, time: float, start: float) -> AudioChunk | None:
        """The samples before ``time`` that were not handed out yet.

        Args:
            time: On the clock of the frames, in seconds; so is the time of the chunk.
            start: Presentation time at which that clock is at 0.
        """
        chunk = self._queue.take(time + start)
        return chunk and replace(chunk, time=chunk.time - start)

    def _is_worth_waiting(self, frame: VideoFrame, newest: VideoFrame) -> bool:
        end = self._queue.end_time
        if end is None or frame.time is None or newest.time is None:
            return False
        return frame.time > end and newest.time <= end + MAX_LAG
