"""Runs a model over a source of frames and audio, and writes videos, tracks and a summary."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from mmrcf.defaults import MAX_PIXELS
from mmrcf.errors import InputError
from mmrcf.inputs import kept_inputs, note_input
from mmrcf.media import (
    FrameSource,
    ImageWriter,
    OutputGroup,
    Stopped,
    VideoWriter,
    is_image_path,
    open_source,
)
from mmrcf.models import OnlineModel
from mmrcf.shipped_models import class_mismatch
from mmrcf.structures import FrameResult
from mmrcf.threads import ThreadAdapter
from mmrcf.urls import source_name
from mmrcf.visualization import AudioAttention, TrackPainter, TrackStyle

from .online import OnlineSegmenter
from .run_summary import LatencyMeter, RunSummary
from .track_export import TrackExporter, video_name

logger = logging.getLogger(__name__)

Source = str | int | Path | Iterable[np.ndarray] | Iterable[str | Path]
"""Sources that :func:`~mmrcf.media.open_source` opens."""
STOP_KEYS = (ord('q'), 27)
DEFAULT_STYLE = TrackStyle()


class RCFInferencer:
    """A model that runs over video files, image folders, globs, cameras and stream URLs.

    Streams do not share state, so several can run at the same time.

    A model of synthetic shapes logs a warning for any input except the synthetic sample clips, because it detects
    nothing else.

    Args:
        config: Name of a shipped model ('real', 'shapes', 'shapes-av'), config file, a config that was read, or a model
            from :func:`~mmrcf.apis.init_model`.
        checkpoint: The model's weights.
        device, precision, runtime: As of :class:`~mmrcf.apis.OnlineSegmenter`.
        cfg_options: Fields of the config to override, by dotted path.
        adapt_threads: Use fewer CPU threads while other processes take the cores, see
            :class:`~mmrcf.threads.ThreadAdapter`. The number is that of the thread in which a stream runs.

    Example:
        >>> inferencer = RCFInferencer('real')
        >>> print(inferencer('my_video.mp4', out='outputs/my_video.mp4', json='outputs/my_video.json'))
        >>> for result in inferencer.stream('my_video.mp4'):
        ...     print(result.frame_index, result.ids, result.class_names)
    """

    def __init__(
        self,
        config: str | Path | Config | OnlineModel,
        checkpoint: str | Path | None = None,
        device: str | torch.device = 'auto',
        cfg_options: dict[str, Any] | None = None,
        *,
        precision: str = 'auto',
        runtime: str = 'onnxruntime',
        adapt_threads: bool = False,
    ) -> None:
        self.segmenter = OnlineSegmenter(config, checkpoint, device, cfg_options, precision=precision, runtime=runtime)
        self._files = (config, checkpoint)
        self._most_threads = torch.get_num_threads() if adapt_threads else 1  # of one thread, none can be taken

    def stream(
        self,
        source: Source | FrameSource,
        *,
        out: str | Path | None = None,
        json: str | Path | None = None,
        show: bool | Callable[[np.ndarray], bool] = False,
        style: TrackStyle = DEFAULT_STYLE,
        score_thr: float | None = None,
        audio: str | Path = 'auto',
        show_attention: bool = False,
        fps: float | None = None,
        max_size: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> Iterator[FrameResult]:
        """Yield the result of each frame as soon as it is ready. Memory does not grow with the length.

        ``frame_index`` is the index of the frame in the source, with gaps for frames that could not be read, or that
        were dropped to keep up with a camera. ``timings`` has also 'read' (the wait for the frame included), 'draw' and
        'write' (both outputs).

        Args:
            source: As in :func:`~mmrcf.media.open_source`, or an open source.
            out: Video with the objects drawn in, the times of the source, and its audio or that of ``audio``; for a
                single image, an image.
            json: Tracks in the layout of YouTube-VIS.
            show: Show the frames in a window; q or Esc stops. Or a function that gets each picture, (H, W, 3) uint8
                RGB, before the result is yielded, and returns whether to stop.
            style: How objects are drawn.
            score_thr: Lowest score of an object, for this stream only; None: the model's.
            audio: Audio for an audio-visual model. 'auto': that of the source, if it has any. 'none': nothing. A file,
                its URL, or for a camera 'mic' or 'mic:NAME': that audio, see :func:`~mmrcf.media.open_source`. For an
                open source, 'auto' or 'none'; it has the next three options already.
            show_attention: Draw the attention of the audio over the frame, see
                :class:`~mmrcf.visualization.AudioAttention`, and only the outlines of objects.
            fps: Frames a second, for image files and frames in memory.
            max_size: Limit of the longer side of the frames.
            max_pixels: Largest number of pixels of a frame that is decoded.

        Raises:
            InputError: The source or an output cannot be used, or an output is an input; if possible before the first
                frame. If an output fails later, the error is raised after the other outputs are complete.
        """
        _check_json_name(json)
        with kept_inputs(*self._files), self._open(source, out, audio, fps, max_size, max_pixels) as frames:
            yield from self._results(
                frames, video_name(source), out, json, show, style, score_thr, audio != 'none', show_attention
            )

    def _results(
        self,
        frames: FrameSource,
        name: str,
        out: str | Path | None,
        json: str | Path | None,
        show: bool | Callable[[np.ndarray], bool],
        style: TrackStyle,
        score_thr: float | None,
        uses_audio: bool,
        show_attention: bool,
    ) -> Iterator[FrameResult]:
        """The results of an open source, whose ``name`` goes into the tracks; other arguments as :meth:`stream`."""
        segmenter = self.segmenter.fork(score_thr)
        with contextlib.suppress(Stopped), contextlib.ExitStack() as stack:
            attention = stack.enter_context(AudioAttention(segmenter.model)) if show_attention else None
            writer = None if out is None else _picture_writer(out, frames)
            exporter = None if json is None else TrackExporter(json, frames, self._category_names(), name)
            outputs = stack.enter_context(OutputGroup(item for item in (writer, exporter) if item is not None))
            viewer = stack.enter_context(Window(frames.name)).show if show is True else show
            painter = TrackPainter(style if attention is None else replace(style, opacity=0.0))
            uses_audio = uses_audio and segmenter.uses_audio
            threads = stack.enter_context(ThreadAdapter(torch.set_num_threads, self._most_threads))
            asked = time.perf_counter()
            for frame in frames:
                read = time.perf_counter()
                threads.update()
                result = segmenter.step(frame.image, frame.audio if uses_audio else None, time=frame.time)
                stepped = time.perf_counter()
                if writer or viewer:
                    picture = painter.draw(attention.picture(frame.image) if attention else frame.image, result)
                drawn = time.perf_counter()
                if writer:
                    outputs.add(writer, picture, frame.time, frame.audio)
                if exporter:
                    outputs.add(exporter, result, frame.time, frame.index)
                written = time.perf_counter()
                result.timings.update(
                    read=1e3 * (read - asked), draw=1e3 * (drawn - stepped), write=1e3 * (written - drawn)
                )
                stop = viewer and viewer(picture)
                yield replace(result, frame_index=frame.index)
                if stop:
                    raise Stopped
                asked = time.perf_counter()

    def __call__(
        self,
        source: Source | FrameSource,
        *,
        out: str | Path | None = None,
        json: str | Path | None = None,
        show: bool | Callable[[np.ndarray], bool] = False,
        style: TrackStyle = DEFAULT_STYLE,
        score_thr: float | None = None,
        audio: str | Path = 'auto',
        show_attention: bool = False,
        fps: float | None = None,
        max_size: int | None = None,
        max_pixels: int = MAX_PIXELS,
        progress: bool = False,
    ) -> RunSummary:
        """Run over a source to its end, or till Ctrl-C. Arguments as :meth:`stream`.

        Args:
            progress: Show a progress bar with frames a second.

        Returns:
            Numbers of frames and objects, speed and latency.
        """
        _check_json_name(json)
        meter, track_ids, count, interrupted = LatencyMeter(), set(), 0, False
        with kept_inputs(*self._files), self._open(source, out, audio, fps, max_size, max_pixels) as frames:
            results = self._results(
                frames, video_name(source), out, json, show, style, score_thr, audio != 'none', show_attention
            )
            bar = tqdm(total=frames.num_frames, unit=' frames', disable=not progress, mininterval=0.5, delay=0.5)
            started = time.perf_counter()
            try:
                with bar, logging_redirect_tqdm(), contextlib.closing(results):
                    for result in results:
                        meter.add(result.timings['total'])
                        track_ids.update(result.ids.tolist())
                        count += 1
                        bar.update()
            except KeyboardInterrupt:
                interrupted = True
        elapsed = time.perf_counter() - started
        used_audio = 'none' if audio == 'none' or frames.audio_format is None else str(frames.audio_format)
        return RunSummary(
            frames=count,
            skipped=frames.skipped,
            dropped=frames.dropped,
            objects=len(track_ids),
            fps=count / elapsed,
            latency=meter.summary(frames.fps),
            interrupted=interrupted,
            setup=self.segmenter.setup,
            audio=used_audio if self.segmenter.uses_audio else None,
        )

    def _open(
        self,
        source: Source | FrameSource,
        out: str | Path | None,
        audio: str | Path,
        fps: float | None,
        max_size: int | None,
        max_pixels: int,
    ) -> FrameSource:
        """Arguments as :meth:`stream`."""
        if isinstance(source, FrameSource):
            given = dict(audio=audio not in ('auto', 'none'), fps=fps is not None, max_size=max_size is not None)
            given |= dict(max_pixels=max_pixels != MAX_PIXELS)
            if any(given.values()):
                options = ', '.join(name for name, is_given in given.items() if is_given)
                raise InputError(f'{options}: {source.name} is open already; give this to open_source')
            note_input(source.name.removeprefix('video '))  # read before this block
            return source
        frames = open_source(
            source,
            audio=self._wanted_audio(audio),
            record_audio=out is not None,
            fps=fps,
            max_size=max_size,
            max_pixels=max_pixels,
        )
        mismatch = class_mismatch(self.segmenter.classes, source_name(source))
        if mismatch is not None:
            logger.warning(mismatch)
        return frames

    def _wanted_audio(self, audio: str | Path) -> bool | str | Path:
        """``audio`` of :func:`~mmrcf.media.open_source`."""
        if not isinstance(audio, (str, Path)):
            raise InputError(f"audio {audio!r}: expected 'auto', 'none', a file or 'mic'")
        if audio == 'none':
            return False
        if audio == 'auto':
            return self.segmenter.uses_audio
        if not self.segmenter.uses_audio:
            raise InputError(
                f'audio {source_name(audio)}: this model takes no audio; leave it out or use an audio-visual config'
            )
        return audio

    def _category_names(self) -> tuple[str, ...]:
        """Class names; numbers where they are unknown."""
        return self.segmenter.classes or tuple(str(label) for label in range(self.segmenter.model.num_classes))


def _picture_writer(out: str | Path, source: FrameSource) -> VideoWriter | ImageWriter:
    return ImageWriter(out, source) if is_image_path(out) else VideoWriter(out, source)


def _check_json_name(json: str | Path | None) -> None:
    if json is not None and Path(json).suffix.lower() != '.json':
        raise InputError(f'output {source_name(str(json))}: expected a name that ends in .json')


class Window:
    """Shows frames. Use it in a ``with`` block.

    Raises:
        InputError: There is no display, or OpenCV was built without windows.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        # Qt ends the process where it finds no display, so look before OpenCV does.
        if sys.platform.startswith('linux') and not (os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
            raise InputError('--show: there is no display here; write a file with --out instead')

    def __enter__(self) -> 'Window':
        try:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL)
        except cv2.error as error:
            raise InputError('--show: this OpenCV has no windows; pip install opencv-python, or use --out') from error
        return self

    def show(self, image: np.ndarray) -> bool:
        """Show an image (H, W, 3) uint8 RGB. Returns whether the user has pressed q or Esc."""
        cv2.imshow(self._title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        return cv2.waitKey(1) & 0xFF in STOP_KEYS

    def __exit__(self, *_exc_info: object) -> None:
        cv2.destroyWindow(self._title)
