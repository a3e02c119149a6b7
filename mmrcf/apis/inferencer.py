"""Runs a model over whatever frames come from, and writes what comes out: pictures, tracks, figures."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from mmrcf.errors import InputError
from mmrcf.media import FrameSource, StillWriter, Stopped, VideoWriter, is_still, open_source
from mmrcf.models import RCF
from mmrcf.structures import FrameResult
from mmrcf.visualization import draw_tracks

from .latency import Latency, LatencyMeter
from .online import OnlineSegmenter
from .track_export import TrackExporter
from .window import Window


@dataclass(frozen=True)
class RunSummary:
    """What a run over a source came to.

    Attributes:
        frames: Frames that were processed.
        skipped: Frames that could not be read.
        dropped: Frames of a camera or live stream that were passed over to keep up with it.
        objects: Different identities that were shown.
        fps: Frames a second over the whole run: reading, model, drawing and writing.
        latency: t_stream and t_model.
        interrupted: Whether the user stopped the run; outputs hold what was done till then.
    """

    frames: int
    skipped: int
    dropped: int
    objects: int
    fps: float
    latency: Latency
    interrupted: bool

    def __str__(self) -> str:
        left_out = [f'{self.skipped} unreadable'] if self.skipped else []
        left_out += [f'{self.dropped} dropped to keep up'] if self.dropped else []
        notes = f' ({", ".join(left_out)})' if left_out else ''
        stopped = 'interrupted after ' if self.interrupted else ''
        return f'{stopped}{self.frames} frames{notes}, {self.objects} objects, {self.fps:.1f} FPS; {self.latency}'


class RCFInferencer:
    """A model that runs over video files, image folders, globs, cameras and stream URLs.

    Args:
        config: Config file, a config that was read, or a model from :func:`~mmrcf.apis.init_model`.
        checkpoint: The model's weights.
        device: 'cpu', 'cuda', ...
        cfg_options: Fields of the config to override, by dotted path.

    Example:
        >>> inferencer = RCFInferencer('configs/shapes/rcf_r18_shapes.py', 'demo/checkpoints/rcf_r18_shapes.pth')
        >>> print(inferencer('demo/shapes.mp4', out='outputs/demo.mp4', json='outputs/demo.json'))
        >>> for result in inferencer.stream('demo/shapes.mp4'):
        ...     print(result.frame_index, result.ids, result.class_names)
    """

    def __init__(
        self,
        config: str | Path | Config | RCF,
        checkpoint: str | Path | None = None,
        device: str | torch.device = 'cpu',
        cfg_options: dict[str, Any] | None = None,
    ) -> None:
        self.segmenter = OnlineSegmenter(config, checkpoint, device, cfg_options)

    def stream(
        self,
        source: str | int | Path | FrameSource,
        *,
        out: str | Path | None = None,
        json: str | Path | None = None,
        show: bool = False,
        fps: float | None = None,
        max_size: int | None = None,
    ) -> Iterator[FrameResult]:
        """Yield the result of one frame after the other, as soon as it is there. Memory does not grow with the length.

        ``frame_index`` is the frame's place in the source: frames that could not be read, or were passed over to keep
        up with a camera, leave gaps.

        Args:
            source: As in :func:`~mmrcf.media.open_source`, or an open source.
            out: Video with the objects drawn in and the times and sound of the source; for a single image, an image.
            json: Tracks in the layout of YouTube-VIS.
            show: Show the frames in a window; q or Esc stops.
            fps: Frames a second, for image files.
            max_size: Limit of the longer side of the frames.

        Raises:
            InputError: Source or outputs cannot be used; before the first frame where that can be known.
        """
        with contextlib.suppress(Stopped), contextlib.ExitStack() as stack:
            if isinstance(source, FrameSource):
                frames = stack.enter_context(source)
            else:
                _check_outputs(source, out, json)
                frames = stack.enter_context(open_source(source, fps=fps, max_size=max_size))
            writer = stack.enter_context(_picture_writer(out, frames)) if out is not None else None
            exporter = None
            if json is not None:
                exporter = stack.enter_context(TrackExporter(json, frames, self._category_names()))
            window = stack.enter_context(Window(frames.name)) if show else None
            self.segmenter.reset()
            for frame in frames:
                result = self.segmenter.step(frame.image)
                picture = draw_tracks(frame.image, result) if writer or window else None
                if writer:
                    writer.add(picture, frame.time)
                if exporter:
                    exporter.add(result, frame.time, frame.index)
                yield replace(result, frame_index=frame.index)
                if window:
                    window.show(picture)

    def __call__(
        self,
        source: str | int | Path,
        *,
        out: str | Path | None = None,
        json: str | Path | None = None,
        show: bool = False,
        fps: float | None = None,
        max_size: int | None = None,
        progress: bool = False,
    ) -> RunSummary:
        """Run over a source to its end, or till Ctrl-C. Arguments as :meth:`stream`.

        Args:
            progress: Show a progress bar with frames a second.

        Returns:
            What it came to.
        """
        _check_outputs(source, out, json)
        frames = open_source(source, fps=fps, max_size=max_size)
        meter, identities, count, interrupted = LatencyMeter(), set(), 0, False
        bar = tqdm(total=frames.num_frames, unit=' frames', disable=not progress, mininterval=0.5, delay=0.5)
        started = time.perf_counter()
        results = self.stream(frames, out=out, json=json, show=show)
        try:
            with bar, logging_redirect_tqdm(), contextlib.closing(results):
                for result in results:
                    meter.add(result.timings['total'])
                    identities.update(result.ids.tolist())
                    count += 1
                    bar.update()
        except KeyboardInterrupt:
            interrupted = True
        elapsed = time.perf_counter() - started
        return RunSummary(
            frames=count,
            skipped=frames.skipped,
            dropped=frames.dropped,
            objects=len(identities),
            fps=count / elapsed,
            latency=meter.summary(frames.fps),
            interrupted=interrupted,
        )

    def _category_names(self) -> tuple[str, ...]:
        """Class names; numbers where nobody knows them."""
        return self.segmenter.classes or tuple(str(label) for label in range(self.segmenter.model.head.num_classes))


def _picture_writer(out: str | Path, source: FrameSource) -> VideoWriter | StillWriter:
    return StillWriter(out, source) if is_still(out) else VideoWriter(out, source)


def _check_outputs(source: str | int | Path, out: str | Path | None, json: str | Path | None) -> None:
    """Refuse outputs that would overwrite the input or each other."""
    if json is not None and Path(json).suffix.lower() != '.json':
        raise InputError(f'output {json}: expected a name that ends in .json')
    for output in (out, json):
        if output is not None and Path(output).resolve() == Path(str(source)).resolve():
            raise InputError(f'output {output}: is the input itself; choose another name')
