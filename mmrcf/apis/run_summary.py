"""Summary of a run over a source, with the latency as the paper states it (Section IV-B): t_stream + t_model."""

from array import array
from dataclasses import dataclass

import numpy as np

from mmrcf.utils import counted


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


@dataclass(frozen=True)
class RunSummary:
    """Numbers of frames and objects, speed and latency of a run over a source.

    Attributes:
        frames: Frames that were processed.
        skipped: Frames that could not be read.
        dropped: Frames of a camera or live stream that were dropped to keep up with it.
        objects: Different track IDs that were shown.
        fps: Frames a second over the whole run: reading, model, drawing and writing.
        latency: t_stream and t_model.
        interrupted: Whether the user stopped the run; outputs hold what was done till then.
        setup: What ran the model, where and in which precision.
        audio: What the model used: a name with rate and channels, or 'none'. None for a model that takes no audio.
    """

    frames: int
    skipped: int
    dropped: int
    objects: int
    fps: float
    latency: Latency
    interrupted: bool
    setup: str
    audio: str | None = None

    def __str__(self) -> str:
        left_out = [f'{self.skipped} unreadable'] if self.skipped else []
        left_out += [f'{self.dropped} dropped to keep up'] if self.dropped else []
        notes = f' ({", ".join(left_out)})' if left_out else ''
        stopped = 'interrupted after ' if self.interrupted else ''
        frames, objects = counted(self.frames, 'frame'), counted(self.objects, 'object')
        parts = [f'{stopped}{frames}{notes}, {objects}, {self.fps:.1f} FPS']
        parts += [f'audio: {self.audio}'] if self.audio is not None else []
        return '; '.join([*parts, str(self.latency), self.setup])
