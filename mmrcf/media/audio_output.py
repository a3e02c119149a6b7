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

from mmrcf.audio.chunk import CLOCK_JUMP, CLOCK_RESTART, MAX_VALUE, first_sample_index
from mmrcf.utils.container import MAX_SKIP_WARNINGS, reason_of
from mmrcf.utils.demuxer import SharedPacket

from .frame_source import AudioTrack

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

    Where the clock restarts, or jumps ahead by more than CLOCK_JUMP seconds, what comes then follows directly.

    Args:
        output: The open output file. The stream is added on construction, before the first packet is written.
        sample_rate: Samples per second of the input; rates that AAC does not have are resampled.
        channels: Channels of the input; more than two become two.

    Attributes:
        layout: 'mono' or 'stereo', of input and output.
        stream: The stream of the output.
    """

    def __init__(self, output: OutputContainer, sample_rate: int, channels: int) -> None:
        self.layout = 'mono' if channels == 1 else 'stereo'
        rate = sample_rate if sample_rate in AAC_RATES else OTHER_RATE
        self.stream = output.add_stream('aac', rate=rate, layout=self.layout)
        self._resampler = AudioResampler(format='fltp', layout=self.layout, rate=rate)
        self._sample_rate = sample_rate
        self._channels = 1 if channels == 1 else 2
        self._end: int | None = None
        self._jumped = 0.0
        self._num_encoded = 0

    def add(self, samples: np.ndarray, time: float | None) -> Iterator[Packet]:
        """Yield the packets that ``samples`` complete.

        Args:
            samples: (channels, S) float32. Values that are not finite become silence.
            time: Time of the first sample in seconds; None: directly after the last one. Samples before time 0 and
                samples that overlap are dropped.
        """
        if time is not None:
            time -= self._jumped
            gap = time - self._num_encoded / self._sample_rate
            if self._num_encoded and not -CLOCK_RESTART <= gap <= CLOCK_JUMP:
                self._jumped += gap
                time -= gap
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
        yield from self.stream.encode(None)

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
            yield from self.stream.encode(resampled)


class AudioRemuxer:
    """Copies the audio of a source into an output, in step with the video, in constant memory.

    Packets are copied as they are where :func:`can_copy` says so, else transcoded to AAC. What has another sample rate
    or other channels behind a clock that restarts, as in joined streams, is left out: the output states them once.

    Args:
        track: The audio; see there for what has to come before the first frame.
        output: The open output file. The stream is added on construction, before the first packet is written.

    Raises:
        av.error.FFmpegError: The audio cannot be set up.
        ValueError: The audio is damaged, or its codec is unknown.
    """

    def __init__(self, track: AudioTrack, output: OutputContainer) -> None:
        self._name = track.demuxer.name
        self._left_out = 0
        self._encoder: AACEncoder | None = None
        stream = track.demuxer.audio
        context = stream.codec_context
        if context is None or not context.sample_rate:
            raise ValueError('it is damaged, or its codec is unknown')
        if can_copy(stream, output):
            self._output_stream = output.add_stream_from_template(stream)
        else:
            self._encoder = AACEncoder(output, context.sample_rate, context.layout.nb_channels)
            self._output_stream = self._encoder.stream
            self._converter = AudioResampler(format='fltp', layout=self._encoder.layout, rate=context.sample_rate)
        if 'language' in stream.metadata:
            self._output_stream.metadata['language'] = stream.metadata['language']
        self._start = track.start
        self._shift = round(Fraction(track.start) / stream.time_base)
        self._reader = track.read()
        self._packets = self._read()
        self._next: Packet | None = None

    def packets_until(self, time: float | None) -> Iterator[Packet]:
        """Yield the next packets for the output that start before ``time`` (seconds); None: all remaining ones."""
        while True:
            if self._next is None:
                self._next = next(self._packets, None)
            # None: the end, or the next packet is far ahead of the pictures.
            if self._next is None or (time is not None and self._next.pts * self._next.time_base >= time):
                return
            packet, self._next = self._next, None
            yield packet

    def close(self) -> None:
        """Read no more of the audio."""
        self._reader.close()

    def _read(self) -> Iterator[Packet | None]:
        """What goes into the output: of a copy's packets before time 0 the last one, which the decoder begins with."""
        early = None
        for packet in self._read_all():
            if packet is not None and self._encoder is None and packet.pts + (packet.duration or 1) <= 0:
                early = packet
                continue
            if packet is not None and early is not None:
                yield early
                early = None
            yield packet

    def _read_all(self) -> Iterator[Packet | None]:
        last_decoding_time = last = audio_format = None
        for shared in self._reader:
            if shared is None:
                yield None
                continue
            if self._encoder is not None:
                yield from self._transcode(shared)
                continue
            if shared.packet is None or shared.packet.dts is None or shared.packet.pts is None:
                continue
            gap = 1 if last_decoding_time is None else shared.packet.dts - last_decoding_time
            if not -CLOCK_RESTART <= gap * shared.packet.time_base <= CLOCK_JUMP:
                self._shift += gap - (shared.packet.duration or 1)
                audio_format = audio_format or _decoded_format(last)
            elif gap <= 0:
                continue
            last, last_decoding_time = shared, shared.packet.dts
            if audio_format is not None and _decoded_format(shared) not in (None, audio_format):
                self._leave_out('it has another sample rate or other channels than before')
                continue
            packet = shared.copy()
            packet.pts -= self._shift
            packet.dts -= self._shift
            packet.stream = self._output_stream
            yield packet
        if self._encoder is not None:
            yield from self._encoder.finish()

    def _transcode(self, shared: SharedPacket) -> Iterator[Packet]:
        try:
            for decoded in shared.decode():
                for frame in self._converter.resample(decoded):
                    time = None if frame.time is None else frame.time - self._start
                    yield from self._encoder.add(frame.to_ndarray(), time)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError) as error:  # damaged, or another sample rate than before
            reason = reason_of(error) if isinstance(error, av.error.FFmpegError) else error
            self._leave_out(reason)

    def _leave_out(self, reason: object) -> None:
        self._left_out += 1
        if self._left_out <= MAX_SKIP_WARNINGS:
            logger.warning('%s: an audio packet is left out (%s)', self._name, reason)


def _decoded_format(packet: SharedPacket | None) -> tuple[int, str] | None:
    """Sample rate and layout that a packet has, which those of its container may not be; None: it has no samples."""
    try:
        frames = packet.decode() if packet is not None else []
    except (av.error.FFmpegError, ValueError):
        return None
    return (frames[-1].sample_rate, frames[-1].layout.name) if frames else None
