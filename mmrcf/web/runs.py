"""Runs of visitors on models that they share: each has a stream and a folder of its own, and takes turns."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmrcf.apis import RCFInferencer
from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.utils import counted
from mmrcf.visualization import TrackPainter, TrackStyle

from .limits import Limits
from .tracks import TrackTable

TRAIL = 30
"""Length of a trail in frames."""
FPS_FRAMES = 20
"""The frames a second are those of so many last frames."""


class Turns:
    """A lock that is given in the order of asking: a plain one may go to the same thread again and again."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: deque[object] = deque()

    def __enter__(self) -> None:
        ticket = object()
        with self._condition:
            self._waiting.append(ticket)
            self._condition.wait_for(lambda: self._waiting[0] is ticket)

    def __exit__(self, *_exc_info: object) -> None:
        with self._condition:
            self._waiting.popleft()
            self._condition.notify_all()


class ModelShelf:
    """Models by name, each built when it is first asked for, and then kept.

    Args:
        builders: What makes the model of a name.
    """

    def __init__(self, builders: dict[str, Callable[[], RCFInferencer]]) -> None:
        self._builders = builders
        self._models: dict[str, tuple[RCFInferencer, Turns]] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The names, the first one is for a visitor who has not chosen."""
        return list(self._builders)

    def get(self, name: str) -> tuple[RCFInferencer, Turns]:
        """The model, and whose turn it is: nothing runs on the model outside of a ``with`` block of that.

        Raises:
            InputError: There is no such model, or it cannot be built.
        """
        if name not in self._builders:
            raise InputError(f'model {name}: not on this server; choose from {", ".join(self._builders)}')
        with self._lock:
            if name not in self._models:
                self._models[name] = (self._builders[name](), Turns())
            return self._models[name]


@dataclass(frozen=True)
class RunOptions:
    """What a visitor has chosen.

    Attributes:
        score_thr: Lowest score of an object, from 0 to 1.
        opacity: Of the masks, from 0 to 1.
        labels, boxes, trails: Whether they are drawn.
        audio: Whether an audio-visual model gets the audio.
        attention: Whether its audio attention is drawn.
    """

    score_thr: float
    opacity: float = 0.45
    labels: bool = True
    boxes: bool = False
    trails: bool = False
    audio: bool = True
    attention: bool = False

    @property
    def style(self) -> TrackStyle:
        """The same for drawing."""
        return TrackStyle(self.opacity, self.labels, self.boxes, TRAIL if self.trails else 0)


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a run is.

    Attributes:
        picture: The last frame with its objects, (H, W, 3) uint8 RGB.
        frames: Number of frames so far.
        total: Number of frames of the source; None where unknown.
        objects: Number of objects in the last frame.
        fps: Frames a second of the last frames.
    """

    picture: np.ndarray
    frames: int
    total: int | None
    objects: int
    fps: float


class SpeedMeter:
    """Frames a second over the last frames."""

    def __init__(self) -> None:
        self._times = deque([time.perf_counter()], maxlen=FPS_FRAMES)

    def tick(self) -> float:
        """Count a frame; returns the frames a second."""
        self._times.append(time.perf_counter())
        return (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6)


class Run:
    """One source of a visitor, from the first frame to the outputs. Iterate once.

    Args:
        shelf: The models.
        model: Name of one of them.
        source: A video file, an image or a folder of images.
        folder: An empty folder for the outputs.
        options: What the visitor has chosen.
        limits: Those of the server.

    Attributes:
        table: The tracks so far.
        notes: What the visitor should be told beside the result, a line each.
        outputs: The video and the JSON; empty until the run has ended, and where no frame was read.
        ended: Set when nothing more is written.
    """

    def __init__(
        self, shelf: ModelShelf, model: str, source: Path, folder: Path, options: RunOptions, limits: Limits
    ) -> None:
        self._shelf = shelf
        self._model = model
        self._source = source
        self._folder = folder
        self._options = options
        self._limits = limits
        self._stop = threading.Event()
        self.table = TrackTable(1.0)
        self.notes: list[str] = []
        self.outputs: list[Path] = []
        self.ended = threading.Event()

    def stop(self) -> None:
        """End after the frame that is processed now; what is done is kept."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stop.is_set()

    def __iter__(self) -> Iterator[Progress]:
        """Yield after each frame.

        Raises:
            InputError: The source cannot be read, or the model cannot do what is asked.
        """
        try:
            yield from self._frames()
        finally:
            self.ended.set()

    def _frames(self) -> Iterator[Progress]:
        inferencer, turns = self._shelf.get(self._model)
        options, limits, paths = (
            self._options,
            self._limits,
            [self._folder / 'tracks.mp4', self._folder / 'tracks.json'],
        )
        wants_audio = options.audio and inferencer.segmenter.uses_audio
        source = open_source(self._source, audio=wants_audio, max_size=limits.side, max_pixels=limits.pixels)
        self.table, meter = TrackTable(source.fps), SpeedMeter()
        last_frame = int(limits.seconds * source.fps)
        total = source.num_frames and min(source.num_frames, last_frame)
        pictures: deque[np.ndarray] = deque(maxlen=1)
        results = inferencer.stream(
            source,
            out=paths[0],
            json=paths[1],
            show=pictures.append,
            style=options.style,
            score_thr=options.score_thr,
            audio='auto' if options.audio else 'none',
            show_attention=options.attention,
        )
        with source, _closed_in_turn(results, turns):
            while not self._stop.is_set():
                with turns:
                    result = next(results, None)
                if result is None:
                    break
                self.table.add(result)
                yield Progress(pictures[0], self.table.length, total, len(result), meter.tick())
                if self.table.length >= last_frame:
                    if source.num_frames != last_frame:
                        self.notes.append(f'Only the first {limits.seconds:g} seconds are processed here.')
                    break
        if source.skipped:
            self.notes.append(f'{counted(source.skipped, "frame")} could not be read.')
        self.outputs = [path for path in paths if path.is_file()]


@contextlib.contextmanager
def _closed_in_turn(results: Iterator, turns: Turns) -> Iterator[None]:
    """Close a generator when nothing runs on its model: it may remove hooks from it."""
    try:
        yield
    finally:
        with turns:
            results.close()


class LiveStream:
    """The stream of a visitor's camera, one frame a call.

    Args:
        shelf: The models.
        model: Name of one of them.
        options: What the visitor has chosen; a camera of a browser has no audio here.

    Attributes:
        table: The tracks so far; times are frames.
    """

    def __init__(self, shelf: ModelShelf, model: str, options: RunOptions) -> None:
        inferencer, self._turns = shelf.get(model)
        self._segmenter = inferencer.segmenter.fork(options.score_thr)
        self._painter = TrackPainter(options.style)
        self._meter = SpeedMeter()
        self._shape: tuple[int, ...] | None = None
        self.table = TrackTable(1.0)

    def step(self, image: np.ndarray) -> Progress:
        """Process a frame (H, W, 3) uint8 RGB; one of another size begins a new stream."""
        if image.shape != self._shape:
            self._segmenter.reset()
            self._shape, self.table = image.shape, TrackTable(1.0)
        with self._turns:
            result = self._segmenter.step(image)
        self.table.add(result)
        picture = self._painter.draw(image, result)
        return Progress(picture, self.table.length, None, len(result), self._meter.tick())
