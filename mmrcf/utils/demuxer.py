"""The packets of a container, read once for several readers: pictures, audio for the model, audio for the output."""

import errno
import logging
from collections import deque
from collections.abc import Iterator
from typing import Any

import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from mmrcf.urls import scheme_of

from .container import reason_of

logger = logging.getLogger(__name__)

MAX_QUEUED_BYTES = 64 * 2**20
"""Limit of the packets of one stream that wait while another stream is read."""
MAX_QUEUED_SECONDS = 10.0
"""A stream that lags behind another by more is not waited for."""

_NO_MOVING_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.dependent


class SharedPacket:
    """A packet that several readers take, decoded once; without one it stands for the end of the stream.

    Attributes:
        packet: The packet, which no reader may change; None at the end.
    """

    def __init__(self, packet: Packet | None, stream: Stream) -> None:
        self.packet = packet
        self._stream = stream
        self._frames: list[Any] | None = None
        self._error: Exception | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return self.packet.size if self.packet is not None else 0

    @property
    def time(self) -> float | None:
        """Decoding time in seconds; None where the container has none."""
        if self.packet is None or self.packet.dts is None:
            return None
        return float(self.packet.dts * self.packet.time_base)

    @property
    def end(self) -> float | None:
        """Presentation time at which the packet ends, in seconds; None where the container has none."""
        if self.packet is None or self.packet.pts is None:
            return None
        return float((self.packet.pts + (self.packet.duration or 0)) * self.packet.time_base)

    def decode(self) -> list[Any]:
        """The frames that the packet completes; the last ones at the end. Raises what the decoder raises."""
        if self._frames is None and self._error is None:
            try:
                self._frames = self._stream.decode(self.packet or self._end_mark())
            except (av.error.FFmpegError, ValueError) as error:
                self._error = error
        if self._error is not None:
            raise self._error
        return self._frames

    def _end_mark(self) -> Packet:
        """An empty packet: PyAV gives the last frames the time base of the packet that it decodes."""
        packet = Packet()
        packet.stream, packet.time_base = self._stream, self._stream.time_base
        return packet

    def copy(self) -> Packet:
        """A packet of the same content that may be changed."""
        source = self.packet
        packet = Packet(source)
        packet.time_base, packet.pts, packet.dts = source.time_base, source.pts, source.dts
        packet.duration, packet.is_keyframe = source.duration or 0, source.is_keyframe
        for side_data in source.iter_sidedata():
            packet.set_sidedata(side_data)
        return packet


class PacketReader:
    """Yields the packets of one stream; None where the next one is too far ahead of what another reader has taken.

    The last one is the end of the stream, whose ``decode`` empties the decoder.
    """

    def __init__(self, demuxer: 'Demuxer', kept: list[SharedPacket], patient: bool) -> None:
        self._demuxer = demuxer
        self._queue = deque(kept)
        self._size = sum(packet.size for packet in kept)
        self._patient = patient
        self._ended = False

    def __iter__(self) -> Iterator[SharedPacket | None]:
        return self

    def __next__(self) -> SharedPacket | None:
        while not self._queue:
            if self._ended:
                raise StopIteration
            if not self._patient and self._demuxer.is_video_far_ahead():
                return None
            if not self._demuxer.read_packet() and not self._queue:
                raise StopIteration  # the end came before this reader
        packet = self._queue.popleft()
        self._size -= packet.size
        self._ended = packet.packet is None
        return packet

    def queued(self) -> Iterator[SharedPacket]:
        """Yield what has been read already."""
        while self._queue:
            yield next(self)

    def is_full(self) -> bool:
        """Whether more waits here than MAX_QUEUED_BYTES or MAX_QUEUED_SECONDS."""
        if self._size > MAX_QUEUED_BYTES:
            return True
        times = [packet.time for packet in (self._queue[0], self._queue[-1])] if self._queue else [None]
        return None not in times and times[-1] - times[0] > MAX_QUEUED_SECONDS

    def put(self, packet: SharedPacket) -> bool:
        """Add a packet. Returns whether the oldest ones had to be dropped for it."""
        self._queue.append(packet)
        self._size += packet.size
        drops = not self._patient and self._size > MAX_QUEUED_BYTES
        while self._size > MAX_QUEUED_BYTES and not self._patient:
            self._size -= self._queue.popleft().size
        return drops

    def close(self) -> None:
        """Take no more packets."""
        self._demuxer.leave(self)


class Demuxer:
    """Reads a container from start to end, once, and hands each packet to all readers of its stream.

    The streams are chosen as players do: what the file marks as default, else the best; the others are not read.
    Readers of the audio get all of it if they come before :meth:`seal`.

    Args:
        container: The container. This object closes it.
        name: Name for messages.
        pictures: Whether the pictures are wanted.

    Attributes:
        container: As given.
        name: As given.
        video: The video stream; None where there is none, or none is wanted.
        audio: The audio stream; None where there is none.
    """

    _ended = True  # until it has begun

    def __init__(self, container: InputContainer, name: str, *, pictures: bool = True) -> None:
        self.container = container
        self.name = name
        self.video = best_video(container) if pictures else None
        self.audio = best_audio(container, self.video)
        self._readers: dict[int, list[PacketReader]] = {}
        self._kept: list[SharedPacket] | None = []
        self._ended = False
        self._drops = False
        self._streams = [stream for stream in (self.video, self.audio) if stream is not None]
        for stream in container.streams:
            if stream not in self._streams:
                # An adaptive stream then loads no more of this variant.
                stream.discard = Discard.all
        self._packets = container.demux(*self._streams) if self._streams else iter(())

    def read_video(self) -> PacketReader:
        """A reader of the video stream; there may be one."""
        return self._add_reader(PacketReader(self, [], patient=True), self.video)

    def read_audio(self) -> PacketReader:
        """A reader of the audio stream, from its start."""
        return self._add_reader(PacketReader(self, self._kept or [], patient=False), self.audio)

    def _add_reader(self, reader: PacketReader, stream: Stream) -> PacketReader:
        self._readers.setdefault(stream.index, []).append(reader)
        return reader

    def leave(self, reader: PacketReader) -> None:
        """Hand no more packets to ``reader``."""
        for readers in self._readers.values():
            if reader in readers:
                readers.remove(reader)

    def seal(self) -> None:
        """Keep no audio for readers that come later. Called when the first frame is taken."""
        self._kept = None

    def is_video_far_ahead(self) -> bool:
        """Whether so much of the video waits for its reader that no more is read for the audio."""
        return self.video is not None and any(reader.is_full() for reader in self._readers.get(self.video.index, ()))

    def read_packet(self) -> bool:
        """Read one packet and hand it to its readers; at the end of the container, hand the end to all of them.

        Returns:
            False after the end.
        """
        if self._ended:
            return False
        try:
            packet = next(self._packets, None)
        except (av.error.FFmpegError, OSError) as error:
            if not self._is_end_of_http(error):
                logger.warning('%s: reading stops here (%s)', self.name, reason_of(error))
            packet = None
        if packet is None:
            self._end()
        elif packet.size or packet.dts is not None:  # not PyAV's own mark of the end
            self._hand_out(SharedPacket(packet, packet.stream), packet.stream)
        return True

    def _is_end_of_http(self, error: OSError) -> bool:
        """Whether ``error`` is how FFmpeg reports the end of an answer whose length its server did not say."""
        is_http = scheme_of(self.container.name) in ('http', 'https')
        return is_http and error.errno == errno.EIO and self.container.size <= 0

    def _end(self) -> None:
        self._ended = True
        for stream in self._streams:
            self._hand_out(SharedPacket(None, stream), stream)

    def _hand_out(self, packet: SharedPacket, stream: Stream) -> None:
        if self._kept is not None and stream is self.audio:
            self._kept.append(packet)
        for reader in self._readers.get(stream.index, ()):
            if reader.put(packet) and not self._drops:
                self._drops = True
                logger.warning(
                    '%s: its audio lies more than %d MiB ahead of its pictures; a part of it is left out',
                    self.name,
                    MAX_QUEUED_BYTES // 2**20,
                )

    def __del__(self) -> None:
        # An adaptive stream that the garbage collector takes apart while it is open corrupts the memory.
        self.close()

    def close(self) -> None:
        """Close the container; its readers are at their end. May be called twice."""
        if not self._ended:
            self._end()
        self.container.close()


def best_video(container: InputContainer) -> VideoStream | None:
    """The video stream that a player shows: with a known codec, marked as default, of the most pixels and bits."""
    streams = [stream for stream in container.streams.video if not stream.disposition & _NO_MOVING_PICTURES]

    def rank(stream: VideoStream) -> tuple:
        context = stream.codec_context
        if context is None:
            return (False,)
        bits = int(stream.metadata.get('variant_bitrate') or context.bit_rate or 0)
        return True, bool(stream.disposition & Disposition.default), context.width * context.height, bits

    return max(streams, key=rank, default=None)


def best_audio(container: InputContainer, video: VideoStream | None) -> AudioStream | None:
    """The audio stream that a player plays with ``video``: FFmpeg's choice, if its codec is known."""
    best = container.streams.best('audio', related=video)
    if best is not None and best.codec_context is None:
        return next((stream for stream in container.streams.audio if stream.codec_context is not None), best)
    return best
