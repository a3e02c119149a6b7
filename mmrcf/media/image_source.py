"""Frames from image files: one image, a stack or an animation, the images of a folder, or of a glob."""

import os
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from mmrcf.defaults import MAX_PIXELS
from mmrcf.errors import InputError
from mmrcf.urls import without_credentials
from mmrcf.utils.images import count_frames, read_frames
from mmrcf.utils.white_level import WhiteLevel

from .frame_source import Frame, FrameSource

DEFAULT_IMAGE_FPS = 6.0  # as YouTube-VIS


class ImageSource(FrameSource):
    """Reads image files in the given order; a file with several frames gives all of them.

    Frames come at a fixed rate, those of an animation as long as it shows them. An image that cannot be read is skipped
    with a warning and counted; its time and index are not used again. An image of another size than the first one is
    scaled to that size, with a warning.

    Args:
        paths: The files, at least one.
        name: Name for messages, as the user gave it.
        fps: Frames per second; None: 6, or the times of an animation.
        max_size: Limit of the longer side in pixels; larger images are scaled down.
        max_pixels: Largest number of pixels of an image that is decoded.

    Raises:
        InputError: None of the files is a readable image.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        name: str,
        *,
        fps: float | None = None,
        max_size: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.name = name
        self._paths = list(paths)
        self._max_pixels = max_pixels
        self._counts = [count_frames(path) for path in self._paths]
        self.num_frames = sum(self._counts)
        if self.num_frames == len(self._paths):
            self.file_names = _names_in_common_folder(self._paths)
        (height, width), duration = self._first_frame()
        self._is_timed = fps is None and duration is not None
        self.fps = 1 / duration if self._is_timed else fps or DEFAULT_IMAGE_FPS
        self._interval = 1 / Fraction(self.fps).limit_denominator(1001)
        self.time_base = Fraction(1, 1000) if self._is_timed else self._interval
        self._take_size(height, width, max_size)

    def _first_frame(self) -> tuple[tuple[int, int], float | None]:
        """Height and width of the first frame that can be read, and how long an animation shows it, in seconds."""
        error = None
        for path in self._paths:
            try:
                for image, duration in read_frames(path, WhiteLevel(), max_pixels=self._max_pixels):
                    return image.shape[:2], duration
            except InputError as reason:
                error = error or reason
        raise InputError(f'{self.name}: no image can be read; the first reason: {error}')

    def __iter__(self) -> Iterator[Frame]:
        white = WhiteLevel()
        index, time = 0, Fraction(0)
        for path, count in zip(self._paths, self._counts, strict=True):
            end = index + count
            try:
                for image, duration in read_frames(path, white, max_pixels=self._max_pixels):
                    yield Frame(self._fitted(image), float(time), index)
                    index += 1
                    time += Fraction(round(1000 * duration), 1000) if self._is_timed and duration else self._interval
            except InputError as error:
                for _ in range(index, end):
                    self._skip(str(path), error)
                time += max(0, end - index) * self._interval
                index = max(index, end)


def _names_in_common_folder(paths: Sequence[Path]) -> list[str]:
    """The paths from the folder that holds all of them, with '/'; a result is of use on other machines, too."""
    absolute = [path.absolute() for path in paths]
    try:
        folder = os.path.commonpath([path.parent for path in absolute])
    except ValueError:  # on several drives
        return [path.name for path in paths]
    return [without_credentials(path.relative_to(folder).as_posix()) for path in absolute]


def natural_order(paths: Sequence[Path]) -> list[Path]:
    """Sort so that numbers in names count as numbers: 2.jpg before 10.jpg; alike on every file system."""

    def key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
        parts = re.split(r'(\d+)', str(path))
        return [(1, int(part), '') if part.isdecimal() else (0, 0, part.lower()) for part in parts], str(path)

    return sorted(paths, key=key)
