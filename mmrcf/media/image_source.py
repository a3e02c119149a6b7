"""Frames from images: a file, a stack or an animation, a folder, a glob, or images one after the other in a stream."""

import itertools
import os
import re
import tempfile
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from mmrcf.defaults import MAX_PIXELS
from mmrcf.errors import InputError
from mmrcf.urls import without_credentials
from mmrcf.utils.container import ByteStream
from mmrcf.utils.image_stream import split_images
from mmrcf.utils.images import count_frames, read_frames
from mmrcf.utils.white_level import WhiteLevel

from .frame_source import Frame, FrameSource

DEFAULT_IMAGE_FPS = 6.0  # as YouTube-VIS
FPS_RANGE = (0.001, 1000)  # times are counted in frames; the rate is a fraction of numbers up to 1001


class TimedImages(FrameSource):
    """Images at a fixed rate, those of an animation as long as it shows them.

    An image that cannot be read is skipped with a warning and counted; its time and index are not used again. An image
    of another size than the first one is scaled to that size, with a warning.
    """

    @abstractmethod
    def _read(self) -> Iterator[tuple[np.ndarray, float | None, int]]:
        """Yield image, how long an animation shows it in seconds, and index, which has a gap for each skipped image."""

    def _take_first(self, image: np.ndarray, duration: float | None, fps: float | None, max_size: int | None) -> None:
        """Set rate and size by the first image; other arguments as :class:`ImageSource`."""
        self._is_timed = fps is None and duration is not None
        self.fps = max(FPS_RANGE[0], 1 / duration) if self._is_timed else fps or DEFAULT_IMAGE_FPS
        self._interval = 1 / Fraction(self.fps).limit_denominator(1001)
        self.time_base = Fraction(1, 1000) if self._is_timed else self._interval
        self._take_size(*image.shape[:2], max_size)

    def __iter__(self) -> Iterator[Frame]:
        time, next_index = Fraction(0), 0
        for image, duration, index in self._read():
            time += (index - next_index) * self._interval
            yield Frame(self._fitted(image), float(time), index)
            time += Fraction(round(1000 * duration), 1000) if self._is_timed and duration else self._interval
            next_index = index + 1


class ImageSource(TimedImages):
    """Reads image files in the given order; a file with several frames gives all of them. See :class:`TimedImages`.

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
        self._take_first(*self._first_frame(), fps, max_size)

    def _first_frame(self) -> tuple[np.ndarray, float | None]:
        """The first frame that can be read, and how long an animation shows it, in seconds."""
        error = None
        for path in self._paths:
            try:
                for frame in read_frames(path, WhiteLevel(), max_pixels=self._max_pixels):
                    return frame
            except InputError as reason:
                error = error or reason
        raise InputError(f'{self.name}: no image can be read; the first reason: {error}')

    def _read(self) -> Iterator[tuple[np.ndarray, float | None, int]]:
        white, index = WhiteLevel(), 0
        for path, count in zip(self._paths, self._counts, strict=True):
            end = index + count
            try:
                for image, duration in read_frames(path, white, max_pixels=self._max_pixels):
                    yield image, duration, index
                    index += 1
            except InputError as error:
                for _ in range(index, end):
                    self._skip(str(path), error)
                index = max(index, end)


class ImageStreamSource(TimedImages):
    """Reads images of any formats that follow one another in a file or a pipe, once. See :class:`TimedImages`.

    Args:
        stream: The file or pipe.
        name, fps, max_size, max_pixels: As of :class:`ImageSource`.

    Raises:
        InputError: It holds no readable image.
    """

    def __init__(
        self,
        stream: ByteStream,
        name: str,
        *,
        fps: float | None = None,
        max_size: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.name = name
        self._error: InputError | None = None
        self._frames = self._decode(split_images(stream, name), max_pixels)
        first = next(self._frames, None)
        if first is None:
            raise InputError(f'{name}: no image can be read; the first reason: {self._error}')
        self._first = first
        self._take_first(*first[:2], fps, max_size)

    def _read(self) -> Iterator[tuple[np.ndarray, float | None, int]]:
        return itertools.chain([self._first], self._frames)

    def _decode(
        self, images: Iterator[tuple[int, bytes]], max_pixels: int
    ) -> Iterator[tuple[np.ndarray, float | None, int]]:
        """As :meth:`_read`, from position and content of each image."""
        white, index = WhiteLevel(), 0
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'image'  # decoders read files
            for number, (offset, content) in enumerate(images, start=1):
                path.write_bytes(content)
                begin, name = index, f'{number} of {self.name} (at byte {offset})'
                try:
                    for image, duration in read_frames(path, white, max_pixels=max_pixels, name=name):
                        yield image, duration, index
                        index += 1
                except InputError as error:
                    self._error = self._error or error
                    self._skip(f'image {number}', error)
                    index += index == begin

    def close(self) -> None:
        """Delete the temporary files."""
        self._frames.close()


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

    def part_key(part: str) -> tuple[int, int, str]:
        if not part.isdecimal():
            return 0, 0, part.lower()
        # Not as one number: Python reads no more than 4300 digits.
        digits = ''.join(str(int(digit)) for digit in part).lstrip('0')
        return 1, len(digits), digits

    return sorted(paths, key=lambda path: ([part_key(part) for part in re.split(r'(\d+)', str(path))], str(path)))
