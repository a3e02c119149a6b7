"""A model under measurement."""

from time import perf_counter

import numpy as np
import torch

from mmrcf.apis import OnlineSegmenter

from .part_timer import PartTimer

STAGES = ('preprocess', 'network', 'track', 'masks')
"""Parts of a step that every model reports; they do not overlap."""
SAMPLE_RATE = 16000


class Subject:
    """One model with one stream, timed frame by frame. An audio-visual model gets noise at 16 kHz along.

    Args:
        name: For the report.
        segmenter: The stream.
        stream_fps: Frames a second: how much audio comes with a frame.

    Attributes:
        totals: Milliseconds from a decoded frame to its masks, of every measured frame.
        stages: The same by stage.
        parts: Milliseconds of the network's parts, of every frame that :meth:`measure_parts` saw.
        backbone_shares: What part of such a frame's time the backbone had; empty where the model has none to be seen.
        num_objects: Number of objects in every measured frame: masks and tracks cost by the object.
    """

    def __init__(self, name: str, segmenter: OnlineSegmenter, stream_fps: float = 30.0) -> None:
        self.name = name
        self.segmenter = segmenter
        self._noise = None
        if segmenter.uses_audio:
            count = max(1, round(SAMPLE_RATE / stream_fps))
            self._noise = np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)
        self.totals: list[float] = []
        self.stages: dict[str, list[float]] = {}
        self.parts: dict[str, list[float]] = {}
        self.backbone_shares: list[float] = []
        self.num_objects: list[int] = []

    def warm_up(self, frame: np.ndarray) -> None:
        """Run a frame that does not count."""
        self.segmenter.step(frame, self._noise)

    def measure(self, frame: np.ndarray) -> None:
        """Run a frame that counts."""
        started = perf_counter()
        result = self.segmenter.step(frame, self._noise)
        self.totals.append(1e3 * (perf_counter() - started))
        self.num_objects.append(len(result))
        for stage in STAGES:
            if stage in result.timings:
                self.stages.setdefault(stage, []).append(result.timings[stage])

    def measure_parts(self, frame: np.ndarray, timer: PartTimer) -> None:
        """Run a frame under ``timer``."""
        timer.reset()
        total = self.segmenter.step(frame, self._noise).timings['total']
        if 'backbone' in timer.milliseconds:
            self.backbone_shares.append(timer.milliseconds['backbone'] / total)
        for name, milliseconds in timer.milliseconds.items():
            if name not in ('data_preprocessor',):
                self.parts.setdefault(name, []).append(milliseconds)

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return next(self.segmenter.model.parameters(), torch.zeros(0)).device
