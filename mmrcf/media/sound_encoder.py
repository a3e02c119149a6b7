"""Sound into an output file, as AAC."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import OutputContainer
from av.packet import Packet

from mmrcf.audio.chunk import MAX_VALUE, place

AAC_RATES = frozenset((8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000))
OTHER_RATE = 48000


class SoundEncoder:
    """Encodes samples, piece by piece, on a time axis without gaps that starts at 0: an encoder counts samples.

    Args:
        output: Where the sound goes. The stream is added here, before the first packet is written.
        sample_rate: Samples a second of what comes in; unusual ones are resampled.
        channels: Channels in the source; more than two become two.

    Attributes:
        layout: 'mono' or 'stereo', of what comes in and goes out.
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
            samples: (channels, S) float32. What is no number becomes silence, as do gaps.
            time: Of the first sample in seconds; None: they go on from the last ones. What lies before time 0, or
                overlaps, is left out.
        """
        first = place(time, self._sample_rate, self._end)
        while self._num_encoded < first:
            count = min(self._sample_rate, first - self._num_encoded)
            yield from self._encode(np.zeros((self._channels, count), np.float32))
        samples = samples[:, self._num_encoded - first :]
        if samples.shape[1]:
            yield from self._encode(np.where(np.abs(samples) <= MAX_VALUE, samples, 0).astype(np.float32))
        self._end = self._num_encoded

    def finish(self) -> Iterator[Packet]:
        """Yield what is left."""
        yield from self._through_the_encoder(None)
        yield from self._stream.encode(None)

    def _encode(self, samples: np.ndarray) -> Iterator[Packet]:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format='fltp', layout=self.layout)
        frame.sample_rate, frame.pts, frame.time_base = (
            self._sample_rate,
            self._num_encoded,
            Fraction(1, self._sample_rate),
        )
        self._num_encoded += samples.shape[1]
        yield from self._through_the_encoder(frame)

    def _through_the_encoder(self, frame: AudioFrame | None) -> Iterator[Packet]:
        for resampled in self._resampler.resample(frame):
            yield from self._stream.encode(resampled)
