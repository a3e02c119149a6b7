"""Figures that are drawn frame by frame, and their files: a video, or an image of one frame."""

import argparse
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mmrcf.apis import OnlineSegmenter
from mmrcf.errors import InputError
from mmrcf.media import VideoWriter, is_image_path, open_source
from mmrcf.media.frame_source import Frame
from mmrcf.media.writers import encoded_image
from mmrcf.structures import FrameResult
from mmrcf.utils import atomic_output


class Figure(ABC):
    """A picture of each frame of a stream; use it in a ``with`` block."""

    def __init__(self) -> None:
        self.blocks = ExitStack()

    def __enter__(self) -> 'Figure':
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.blocks.close()

    @abstractmethod
    def draw(self, frame: Frame) -> np.ndarray:
        """Run the models on the next frame. Returns (h, w, 3) uint8 RGB, of one size for all frames of a stream."""

    @property
    def note(self) -> str:
        """What to say about the frames so far, after their number."""
        return ''


def step(segmenter: OnlineSegmenter, frame: Frame, audio: bool = True) -> FrameResult:
    """One frame through a model, with its audio where the model takes it and ``audio`` is True."""
    return segmenter.step(frame.image, frame.audio if audio and segmenter.uses_audio else None, time=frame.time)


def write_image(path: str | Path, picture: np.ndarray) -> None:
    """Write a picture (H, W, 3) uint8 RGB, complete or not at all."""
    with atomic_output(path) as temporary:
        temporary.write_bytes(encoded_image(picture, path))


def write_figure(figure: Figure, args: argparse.Namespace) -> int:
    """Write ``args.out``: a video of the figure of all frames of ``args.input``, or an image of that of one frame.

    Ctrl-C ends the input, which may be a camera, and keeps the frames so far.

    Returns:
        The number of frames that were drawn.
    """
    audio = {'auto': True, 'none': False}.get(args.audio, args.audio)
    as_image, count, picture = is_image_path(args.out), 0, None
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        source = stack.enter_context(
            open_source(args.input, audio=audio, fps=args.fps, max_size=args.max_size, max_pixels=args.max_pixels)
        )
        writer = None
        if not as_image and source.audio_track is not None:
            source.audio_track.reserve()  # the size of the video, and so its writer, comes with the first picture
        total = args.frame + 1 if as_image else source.num_frames
        for frame in tqdm(source, total=total, unit='frame'):
            picture = figure.draw(frame)
            count += 1
            if as_image:
                if count > args.frame:
                    break
                continue
            if writer is None:
                writer = stack.enter_context(VideoWriter(args.out, source, size=picture.shape[:2]))
            writer.add(picture, frame.time, frame.audio)
    if picture is None:
        raise InputError(f'input {args.input}: has no frame that can be read; nothing was written')
    if as_image:
        write_image(args.out, picture)
    return count
