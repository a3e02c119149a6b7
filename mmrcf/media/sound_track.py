"""The sound of a file, carried into the output beside new pictures."""

import logging
from collections.abc import Iterator
from fractions import Fraction

import av
import av.error
from av.audio.resampler import AudioResampler
from av.container import OutputContainer
from av.packet import Packet

from mmrcf.utils.container import timeout_of

from .sound_encoder import SoundEncoder

logger = logging.getLogger(__name__)

# What MP4 players in general understand; other sound is encoded anew as AAC.
COPIED_CODECS = frozenset(('aac', 'mp3', 'ac3', 'eac3', 'alac', 'opus'))


class SoundTrack:
    """Reads the first sound stream of a file a second time, in step with the pictures, in constant memory.

    Args:
        url: The file or URL.
        clock_start: Presentation time that is time 0 of the output, in seconds.
        output: Where the sound goes. The stream is added here, before the first packet is written.

    Raises:
        av.error.FFmpegError: The file cannot be opened or the sound cannot be set up.
        ValueError: The sound is of a kind that cannot be carried over.
    """

    def __init__(self, url: str, clock_start: float, output: OutputContainer) -> None:
        self._name = url
        self._input = av.open(url, metadata_errors='replace', timeout=timeout_of(url))
        try:
            self._stream = self._input.streams.audio[0]
            self._encoder: SoundEncoder | None = None
            context = self._stream.codec_context
            if context is None or not context.sample_rate:
                raise ValueError('it is damaged, or its codec is unknown')
            if self._stream.codec.canonical_name in COPIED_CODECS:
                self._output_stream = output.add_stream_from_template(self._stream)
            else:
                self._encoder = SoundEncoder(output, context.sample_rate, context.layout.nb_channels)
                self._converter = AudioResampler(format='fltp', layout=self._encoder.layout, rate=context.sample_rate)
        except BaseException:
            self._input.close()
            raise
        self._shift = round(Fraction(clock_start) / self._stream.time_base)
        self._packets = self._read()
        self._next: Packet | None = next(self._packets, None)

    def packets_until(self, time: float | None) -> Iterator[Packet]:
        """Yield the packets, ready to be written, that start before ``time`` (seconds); None: all that are left."""
        while self._next is not None:
            if time is not None and self._next.pts * self._next.time_base >= time:
                return
            packet, self._next = self._next, next(self._packets, None)
            yield packet

    def close(self) -> None:
        """Close the second reader."""
        self._input.close()

    def _read(self) -> Iterator[Packet]:
        packets = self._input.demux(self._stream)
        last_decoding_time = None
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                logger.warning('%s: its sound breaks off (%s)', self._name, error)
                packet = None
            if packet is None:
                break
            if packet.dts is None or packet.pts is None:
                continue
            if last_decoding_time is not None and packet.dts <= last_decoding_time:
                continue
            last_decoding_time = packet.dts
            packet.pts -= self._shift
            packet.dts -= self._shift
            yield from self._carry(packet)
        if self._encoder is not None:
            yield from self._encoder.finish()

    def _carry(self, packet: Packet) -> Iterator[Packet]:
        if self._encoder is None:
            packet.stream = self._output_stream
            yield packet
            return
        try:
            pieces = [piece for frame in packet.decode() for piece in self._converter.resample(frame)]
        except (av.error.FFmpegError, ValueError) as error:  # damaged, or suddenly of another rate
            logger.warning('%s: a piece of its sound is left out (%s)', self._name, error)
            return
        for piece in pieces:
            yield from self._encoder.add(piece.to_ndarray(), piece.time)
