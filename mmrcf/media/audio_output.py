"""Audio for an output file: packets copied from another file, or samples encoded as AAC."""

import io
import logging
from collections.abc import Iterator
from fractions import Fraction

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from mmrcf.audio.chunk import MAX_VALUE, first_sample_index
from mmrcf.utils.container import timeout_of

logger = logging.getLogger(__name__)

# Supported by most players of MP4 and MOV; other audio is transcoded to AAC for them.
MP4_CODECS = frozenset(('aac', 'mp3', 'ac3', 'eac3', 'alac', 'opus'))
MATROSKA = 'matroska'
AAC_RATES = frozenset((8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000))
OTHER_RATE = 48000


def can_copy(stream: AudioStream, output: OutputContainer) -> bool:
    """Whether the packets of a stream can go into an output as they are.

    A trial file of the same format is asked, since a format may take a codec at some sample rates only. Matroska takes
    nearly all codecs, and its players play them; of what MP4 and MOV take, their players play a few only.
    """
    if output.format.name != MATROSKA and stream.codec.canonical_name not in MP4_CODECS:
        return False
    try:
        with av.open(io.BytesIO(), 'w', format=output.format.name) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.error.FFmpegError, OSError, ValueError):
        return False
    return True


class AACEncoder:
    """Encodes chunks of samples as AAC. Gaps become silence, because an encoder counts samples from time 0.

    Args:
        output: The open output file. The stream is added on construction, before the first packet is written.
        sample_rate: Samples per second of the input; rates that AAC does not have are resampled.
        channels: Channels of the input; more than two become two.

    Attributes:
        layout: 'mono' or 'stereo', of input and output.
    """

    def __init__(self, output: OutputContainer, sample_rate: int, channels: int) -> None:
        self.layout = 'mono' if channels == 1 else 'stereo'
        rate = sample_rate if sample_rate in AAC_RATES else OTHER_RATE
        self._stream = output.add_stream('aac', rate=rate, layout=self.layout)
        self._resampler = AudioResampler(format='fltp', layout=self.layout, rate=rate)
        self._sample_rate = sample_rate
        self._channels = 1 if channels == 1 else 2
        self._end: int | None = None
        self._num_encoded = 0

    def add(self, samples: np.ndarray, time: float | None) -> Iterator[Packet]:
        """Yield the packets that ``samples`` complete.

        Args:
            samples: (channels, S) float32. Values that are not finite become silence.
            time: Time of the first sample in seconds; None: directly after the last one. Samples before time 0 and
                samples that overlap are dropped.
        """
        first = first_sample_index(time, self._sample_rate, self._end)
        while self._num_encoded < first:
            count = min(self._sample_rate, first - self._num_encoded)
            yield from self._encode(np.zeros((self._channels, count), np.float32))
        samples = samples[:, self._num_encoded - first :]
        if samples.shape[1]:
            yield from self._encode(np.where(np.abs(samples) <= MAX_VALUE, samples, 0).astype(np.float32))
        self._end = self._num_encoded

    def finish(self) -> Iterator[Packet]:
        """Yield the remaining packets."""
        yield from self._resample_and_encode(None)
        yield from self._stream.encode(None)

    def _encode(self, samples: np.ndarray) -> Iterator[Packet]:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format='fltp', layout=self.layout)
        frame.sample_rate, frame.pts, frame.time_base = (
            self._sample_rate,
            self._num_encoded,
            Fraction(1, self._sample_rate),
        )
        self._num_encoded += samples.shape[1]
        yield from self._resample_and_encode(frame)

    def _resample_and_encode(self, frame: AudioFrame | None) -> Iterator[Packet]:
        for resampled in self._resampler.resample(frame):
            yield from self._stream.encode(resampled)


class AudioRemuxer:
    """Copies the first audio stream of a file into an output, in step with the video, in constant memory.

    Packets are copied as they are where :func:`can_copy` says so, else transcoded to AAC.

    Args:
        url: The file or URL.
        clock_start: Presentation time in the file that is time 0 of the output, in seconds.
        output: The open output file. The stream is added on construction, before the first packet is written.

    Raises:
        av.error.FFmpegError: The file cannot be opened or the audio cannot be set up.
        ValueError: The audio is damaged, or its codec is unknown.
    """

    def __init__(self, url: str, clock_start: float, output: OutputContainer) -> None:
        self._name = url
        self._input = av.open(url, metadata_errors='replace', timeout=timeout_of(url))
        try:
            self._stream = self._input.streams.audio[0]
            self._encoder: AACEncoder | None = None
            context = self._stream.codec_context
            if context is None or not context.sample_rate:
                raise ValueError('it is damaged, or its codec is unknown')
            if can_copy(self._stream, output):
                self._output_stream = output.add_stream_from_template(self._stream)
            else:
                self._encoder = AACEncoder(output, context.sample_rate, context.layout.nb_channels)
                self._converter = AudioResampler(format='fltp', layout=self._encoder.layout, rate=context.sample_rate)
        except BaseException:
            self._input.close()
            raise
        self._shift = round(Fraction(clock_start) / self._stream.time_base)
        self._packets = self._read()
        self._next: Packet | None = next(self._packets, None)

    def packets_until(self, time: float | None) -> Iterator[Packet]:
        """Yield the next packets for the output that start before ``time`` (seconds); None: all remaining ones."""
        while self._next is not None:
            if time is not None and self._next.pts * self._next.time_base >= time:
                return
            packet, self._next = self._next, next(self._packets, None)
            yield packet

    def close(self) -> None:
        """Close the file that the audio comes from."""
        self._input.close()

    def _read(self) -> Iterator[Packet]:
        packets = self._input.demux(self._stream)
        last_decoding_time = None
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                logger.warning('%s: its audio ends early (%s)', self._name, error)
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
            yield from self._convert(packet)
        if self._encoder is not None:
            yield from self._encoder.finish()

    def _convert(self, packet: Packet) -> Iterator[Packet]:
        if self._encoder is None:
            packet.stream = self._output_stream
            yield packet
            return
        try:
            frames = [frame for decoded in packet.decode() for frame in self._converter.resample(decoded)]
        except (av.error.FFmpegError, ValueError) as error:  # damaged, or another sample rate than before
            logger.warning('%s: an audio packet is left out (%s)', self._name, error)
            return
        for frame in frames:
            yield from self._encoder.add(frame.to_ndarray(), frame.time)
