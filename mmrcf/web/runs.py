"""Runs of visitors on models that they share: each has a stream and a folder of its own, and takes turns."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmrcf.apis import OnlineSegmenter, RCFInferencer
from mmrcf.errors import InputError
from mmrcf.media import Frame, FrameSource, Stopped, open_source
from mmrcf.shipped_models import DEFAULT_MODEL, suited_model
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
        score_thr: Lowest score of an object, from 0 to 1; of no effect on a model without a threshold.
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

    def threshold(self, segmenter: OnlineSegmenter) -> float | None:
        """``score_thr`` for a model that has one, see :meth:`~mmrcf.apis.OnlineSegmenter.fork`."""
        return self.score_thr if hasattr(segmenter.model, 'score_thr') else None


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a run is.

    Attributes:
        picture: The last frame with its objects, (H, W, 3) uint8 RGB.
        frames: Number of frames so far.
        total: Number of frames that are expected, by their rate so far; None where unknown.
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


class ClippedSource(FrameSource):
    """The frames of a source before a time limit. An output ends there, its audio included.

    Args:
        source: A source that is not live. This object closes it.
        seconds: The limit.

    Attributes:
        time: When the last frame so far is shown, in seconds.
        is_cut: Whether the limit was reached: the source has further frames.
    """

    def __init__(self, source: FrameSource, seconds: float) -> None:
        self._describe_as(source)
        self._source = source
        self._seconds = seconds
        self.time = 0.0
        self.is_cut = False

    @property
    def skipped(self) -> int:
        """Number of frames so far that could not be read."""
        return self._source.skipped

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            if frame.time >= self._seconds:
                self.is_cut = True
                raise Stopped  # an end of the frames would leave the audio as long as it is
            self.time = frame.time
            yield frame

    def close(self) -> None:
        """Close the source."""
        self._source.close()


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
        outputs: The video and the JSON; empty until the run has ended, and where no frame was read or nothing is kept.
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
        self._keep = True
        self.table = TrackTable(1.0)
        self.notes: list[str] = []
        self.outputs: list[Path] = []
        self.ended = threading.Event()

    def stop(self, *, keep: bool = True) -> None:
        """End after the frame that is processed now; ``keep``: what is done is kept."""
        self._keep = self._keep and keep
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stop.is_set()

    def __iter__(self) -> Iterator[Progress]:
        """Yield after each frame. To close the iteration is to leave: nothing is kept.

        Raises:
            InputError: The source cannot be read, or the model cannot do what is asked.
        """
        frames, has_left = self._frames(), False
        try:
            for progress in frames:  # noqa: UP028  (yield from would close them at once)
                yield progress
        except GeneratorExit:
            has_left = True
            raise
        finally:
            if has_left:  # Gradio closes in its event loop, where nothing may wait for the turn of another visitor
                threading.Thread(target=self._end, args=(frames,), name='end of a run').start()
            else:
                self._end(frames)

    def _end(self, frames: Generator) -> None:
        try:
            frames.close()
        finally:
            self.ended.set()

    def _frames(self) -> Iterator[Progress]:
        inferencer, turns = self._shelf.get(self._model)
        options, limits = self._options, self._limits
        paths = [self._folder / 'tracks.mp4', self._folder / 'tracks.json']
        self.notes += mismatch_notes(inferencer.segmenter.classes, self._source, self._shelf.names)
        wants_audio = options.audio and inferencer.segmenter.uses_audio
        source = ClippedSource(
            open_source(self._source, audio=wants_audio, max_size=limits.side, max_pixels=limits.pixels), limits.seconds
        )
        self.table, meter = TrackTable(source.fps), SpeedMeter()
        pictures: deque[np.ndarray] = deque(maxlen=1)
        results = inferencer.stream(
            source,
            out=paths[0],
            json=paths[1],
            show=pictures.append,
            style=options.style,
            score_thr=options.threshold(inferencer.segmenter),
            audio='auto' if options.audio else 'none',
            show_attention=options.attention,
        )
        with source, _ended_in_turn(results, turns, lambda: self._keep):
            while not self._stop.is_set():
                with turns:
                    result = next(results, None)
                if result is None:
                    break
                self.table.add(result, source.time)
                count = self.table.length
                rate = (count - 1) / source.time if source.time else source.fps
                total = source.num_frames and max(count, min(source.num_frames, round(limits.seconds * rate)))
                yield Progress(pictures[0], count, total, len(result), meter.tick())
        if source.is_cut:
            self.notes.append(f'Only the first {limits.seconds:g} seconds are processed here.')
        if source.skipped:
            self.notes.append(f'{counted(source.skipped, "frame")} could not be read.')
        self.outputs = [path for path in paths if path.is_file()]


class _Abandoned(Exception):
    """Ends a run without outputs."""


@contextlib.contextmanager
def _ended_in_turn(results: Generator, turns: Turns, keeps: Callable[[], bool]) -> Iterator[None]:
    """End a generator when nothing runs on its model, from which it may remove hooks.

    Its outputs are kept where the block ends by itself and ``keeps`` says so then.
    """
    keep = False
    try:
        yield
        keep = keeps()
    finally:
        with turns, contextlib.suppress(_Abandoned):
            if keep:
                results.close()
            else:
                results.throw(_Abandoned())


def mismatch_notes(classes: tuple[str, ...], source: Path | int, names: Sequence[str]) -> list[str]:
    """What a visitor should be told of a model that cannot work on a source, see ``suited_model``.

    Args:
        classes: Class names of the model.
        source: The upload, or the number of a camera.
        names: The models that the visitor may choose.
    """
    better = suited_model(classes, source)
    if better is None:
        return []
    if better == DEFAULT_MODEL:
        reason = 'This model detects synthetic shapes only'
    else:
        reason = 'The video shows synthetic shapes, which this model does not detect'
    return [f'{reason}; choose the model {better}.' if better in names else f'{reason}.']


class LiveStream:
    """The stream of a visitor's camera, one frame a call.

    Args:
        shelf: The models.
        model: Name of one of them.
        options: What the visitor has chosen; a camera of a browser has no audio here.

    Attributes:
        notes: As of :class:`Run`.
    """

    def __init__(self, shelf: ModelShelf, model: str, options: RunOptions) -> None:
        inferencer, self._turns = shelf.get(model)
        self._segmenter = inferencer.segmenter.fork(options.threshold(inferencer.segmenter))
        self._style = options.style
        self._meter = SpeedMeter()
        self._painter = TrackPainter(self._style)
        self._shape: tuple[int, ...] | None = None
        self._count = 0
        self.notes = mismatch_notes(self._segmenter.classes, 0, shelf.names)

    def step(self, image: np.ndarray) -> Progress:
        """Process a frame (H, W, 3) uint8 RGB; one of another size begins a new stream."""
        if image.shape != self._shape:
            self._segmenter.reset()
            self._shape, self._painter, self._count = image.shape, TrackPainter(self._style), 0
        with self._turns:
            result = self._segmenter.step(image)
        self._count += 1
        picture = self._painter.draw(image, result)
        return Progress(picture, self._count, None, len(result), self._meter.tick())
