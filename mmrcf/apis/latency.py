"""How long a frame takes, told the way the paper tells it (Section IV-B): t_stream + t_model."""

from array import array
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Latency:
    """All times in milliseconds.

    Attributes:
        stream: t_stream, the time between two frames of the stream: an online method has to wait for one of them.
        mean, p50, p95: t_model, from having a frame to having its objects, over all frames.
    """

    stream: float
    mean: float
    p50: float
    p95: float

    def __str__(self) -> str:
        parts = ', '.join(
            f'{name} {self.stream + value:.0f} ms ({self.stream:.0f} + {value:.0f})'
            for name, value in (('mean', self.mean), ('p50', self.p50), ('p95', self.p95))
        )
        return f'latency t_stream + t_model: {parts}'


class LatencyMeter:
    """Collects t_model of every frame, in four bytes each."""

    def __init__(self) -> None:
        self._times = array('f')

    def add(self, milliseconds: float) -> None:
        """Count a frame."""
        self._times.append(milliseconds)

    def summary(self, fps: float) -> Latency:
        """Statistics for a stream of ``fps`` frames a second; zeros if no frame was counted."""
        if not self._times:
            return Latency(stream=1e3 / fps, mean=0.0, p50=0.0, p95=0.0)
        times = np.frombuffer(self._times, np.float32)
        p50, p95 = np.percentile(times, (50, 95))
        return Latency(stream=1e3 / fps, mean=float(times.mean()), p50=float(p50), p95=float(p95))
