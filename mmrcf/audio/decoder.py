"""The audio packets of a container, as samples."""

import logging

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet

from mmrcf.utils.container import MAX_SKIP_WARNINGS, reason_of
from mmrcf.utils.demuxer import SharedPacket

from .chunk import AudioChunk, to_mono

logger = logging.getLogger(__name__)

KINDS = frozenset(('u8', 's16', 's32', 'flt', 'dbl'))
# With so many planes FFmpeg's list of them has no end mark, and PyAV reads on beyond it.
MAX_PLANES = 8


class AudioDecoder:
    """Decodes the packets of one audio stream; the owner of the container reads them.

    Damaged packets, and frames of another rate than the first one, are left out; the first few with a warning.

    Args:
        stream: The stream.
        name: Name for messages, as the user gave it.

    Attributes:
        sample_rate: Samples per second: of the container (0: unknown) until the first samples, then of these.
        channels: Channels in the stream, before they become one; likewise.
    """

    def __init__(self, stream: AudioStream, name: str) -> None:
        self.sample_rate = stream.codec_context.sample_rate
        self.channels = stream.codec_context.layout.nb_channels
        self._name = name
        self._has_begun = False
        self._left_out = 0

    def decode(self, packet: Packet | SharedPacket) -> list[AudioChunk]:
        """The samples of a packet, (S,) float32, with presentation times of the container."""
        try:
            frames = packet.decode()
        except av.error.EOFError:
            return []
        except av.error.FFmpegError as error:
            self._leave_out(f'a damaged audio packet ({reason_of(error)})')
            return []
        chunks = []
        for frame in frames:
            if not self._has_begun:
                # AAC with spectral band replication has twice the rate that its container states.
                self.sample_rate, self.channels = frame.sample_rate, frame.layout.nb_channels
                self._has_begun = True
            if frame.sample_rate == self.sample_rate:
                chunks.append(AudioChunk(to_mono(frame_samples(frame)), frame.sample_rate, frame.time))
            else:
                self._leave_out(f'audio of {frame.sample_rate} samples a second, not {self.sample_rate}')
        return chunks

    def _leave_out(self, what: str) -> None:
        self._left_out += 1
        if self._left_out <= MAX_SKIP_WARNINGS:
            logger.warning('%s: left out %s', self._name, what)


def frame_samples(frame: AudioFrame) -> np.ndarray:
    """The samples of a decoded frame, (S, channels), in their own type; float32 if NumPy does not have it."""
    channels = frame.layout.nb_channels
    kind = frame.format.packed.name
    if kind not in KINDS or (frame.format.is_planar and channels >= MAX_PLANES):
        wanted = kind if kind in KINDS else 'flt'
        (frame,) = AudioResampler(wanted, frame.layout, frame.sample_rate).resample(frame)
    samples = frame.to_ndarray()
    return samples.T if frame.format.is_planar else samples.reshape(-1, channels)
