"""Frames as they come from outside, encoded: from a video, or made up."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter

import cv2
import numpy as np

from mmrcf.errors import InputError
from mmrcf.media import open_source


@dataclass(frozen=True, eq=False)
class EncodedFrames:
    """An endless row of frames and the time that decoding each took.

    Attributes:
        name: What they are.
        size: Width and height in pixels.
        frames: Yields (H, W, 3) uint8 RGB and milliseconds.
    """

    name: str
    size: tuple[int, int]
    frames: Iterator[tuple[np.ndarray, float]]


def encoded_frames(source: str | None, size: tuple[int, int]) -> EncodedFrames:
    """The frames of a video, again and again, or made-up ones.

    Args:
        source: What :func:`~mmrcf.media.open_source` takes, but no camera; None: JPEG pictures of a drifting texture.
        size: Width and height of made-up frames.

    Raises:
        InputError: The source cannot be read, or has no end.
    """
    if source is None:
        return EncodedFrames(f'{size[0]}x{size[1]} JPEG', size, _drifting_texture(*size))
    with closing(open_source(source)) as opened:
        if opened.num_frames is None:
            raise InputError(f'input {source}: a benchmark runs on a file or folder, not on a camera or live stream')
        size = (opened.width, opened.height)
    return EncodedFrames(str(source), size, _again_and_again(source))


def _again_and_again(source: str) -> Iterator[tuple[np.ndarray, float]]:
    while True:
        with closing(open_source(source)) as opened:
            frames = iter(opened)
            while True:
                started = perf_counter()
                frame = next(frames, None)
                spent = 1e3 * (perf_counter() - started)
                if frame is None:
                    break
                yield frame.image, spent


def _drifting_texture(width: int, height: int) -> Iterator[tuple[np.ndarray, float]]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 8 + 9, width // 8 + 9, 3), dtype=np.uint8)
    texture = cv2.resize(coarse, (width + 64, height + 64), interpolation=cv2.INTER_CUBIC)
    pictures = []
    for step in range(0, 64, 4):
        encoded, jpeg = cv2.imencode('.jpg', texture[step : step + height, step : step + width])
        if not encoded:
            raise InputError(f'size {width}x{height}: cannot be encoded as JPEG')
        pictures.append(jpeg)
    while True:
        for jpeg in pictures + pictures[::-1]:
            started = perf_counter()
            image = cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            yield image, 1e3 * (perf_counter() - started)
