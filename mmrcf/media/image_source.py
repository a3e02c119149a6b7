"""Frames from image files: one image, the images of a folder, or of a glob."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from mmrcf.errors import InputError
from mmrcf.utils import read_image

from .frame_source import Frame, FrameSource, fit_image, limited_size

IMAGE_SUFFIXES = frozenset(('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm'))


class ImageSource(FrameSource):
    """Reads image files in the given order, at a fixed rate.

    An image that cannot be read is skipped with a warning and counted; its time and index are not used again.

    Args:
        paths: The files, at least one.
        name: Name for messages, as the user gave it.
        fps: Frames per second.
        max_size: Limit of the longer side in pixels; larger images are scaled down.

    Raises:
        InputError: None of the files is a readable image; while iterating: an image has another size than the first.
    """

    def __init__(self, paths: Sequence[Path], name: str, *, fps: float, max_size: int | None = None) -> None:
        self.name = name
        self.fps = fps
        self.time_base = 1 / Fraction(fps).limit_denominator(1001)
        self.num_frames = len(paths)
        one_folder = len({path.parent for path in paths}) == 1
        self.file_names = [path.name if one_folder else path.as_posix() for path in paths]
        self._paths = list(paths)
        first = next((image for image in map(_read_rgb, self._paths) if image is not None), None)
        if first is None:
            raise InputError(f'{name}: no image can be read; the files are empty, damaged or not images')
        self._original_size = first.shape[:2]
        self.height, self.width = limited_size(*self._original_size, max_size)

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            image = _read_rgb(path)
            if image is None:
                self._skip(str(path), 'empty, truncated or not an image')
                continue
            if image.shape[:2] != self._original_size:
                raise InputError(
                    f'{path}: is {_size_text(image.shape)}, but the first image is {_size_text(self._original_size)}; '
                    'the frames of a video have one size, so resize it or leave it out'
                )
            yield Frame(fit_image(image, (self.height, self.width)), float(index * self.time_base), index)


def _read_rgb(path: Path) -> np.ndarray | None:
    """An image file as (H, W, 3) uint8 RGB (grey and 16-bit ones converted, EXIF rotation applied).

    Returns:
        None if the file is missing, empty, truncated or not an image.
    """
    try:
        return cv2.cvtColor(read_image(path), cv2.COLOR_BGR2RGB)
    except InputError:
        return None


def natural_order(paths: Sequence[Path]) -> list[Path]:
    """Sort so that numbers in names count as numbers: 2.jpg before 10.jpg."""

    def key(path: Path) -> list[tuple[int, int, str]]:
        parts = re.split(r'(\d+)', str(path))
        return [(1, int(part), '') if part.isdecimal() else (0, 0, part.lower()) for part in parts]

    return sorted(paths, key=key)


def _size_text(shape: Sequence[int]) -> str:
    return f'{shape[1]}x{shape[0]}'
