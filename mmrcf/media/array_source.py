"""Frames that are in memory already, or that a program makes one after the other."""

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from mmrcf.errors import InputError

from .frame_source import Frame, FrameSource
from .image_source import DEFAULT_IMAGE_FPS


class ArraySource(FrameSource):
    """Frames at a fixed rate from an array, a list or a generator; a generator is advanced one frame at a time.

    A frame of another size than the first one is scaled to that size, with a warning.

    Args:
        images: Arrays (H, W, 3) uint8, RGB, or (H, W), grey: a list or another iterable of them, or one array
            (T, H, W, 3). A single image is a list of one.
        name: Name for messages.
        fps: Frames per second; None: 6.
        max_size: Limit of the longer side in pixels; larger frames are scaled down.

    Raises:
        InputError: There is no frame, or one, also a later one, is no such array.
    """

    def __init__(
        self, images: Iterable[np.ndarray], name: str, *, fps: float | None = None, max_size: int | None = None
    ) -> None:
        self.name = name
        self.fps = fps or DEFAULT_IMAGE_FPS
        self.time_base = 1 / Fraction(self.fps).limit_denominator(1001)
        if isinstance(images, np.ndarray) and images.ndim == 3 and images.shape[2] == 3:
            raise InputError(f'input: is one array {images.shape}, expected several frames; give [frame] for one')
        self.num_frames = len(images) if hasattr(images, '__len__') else None
        iterator = iter(images)
        first = next(iterator, None)
        if first is None:
            raise InputError(f'{name}: holds no frame; give at least one array (H, W, 3)')
        self._images = itertools.chain([first], iterator)
        self._take_size(*self._to_rgb(first, 0).shape[:2], max_size)

    def __iter__(self) -> Iterator[Frame]:
        for index, image in enumerate(self._images):
            yield Frame(self._fitted(self._to_rgb(image, index)), float(index * self.time_base), index)

    def _to_rgb(self, image: np.ndarray, index: int) -> np.ndarray:
        """Frame ``index`` as (H, W, 3)."""
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or not image.size:
            raise InputError(
                f'{self.name}: frame {index}: expected (H, W, 3) uint8 in RGB, got {image.shape} {image.dtype}; '
                'give several frames as a list or as (T, H, W, 3)'
            )
        return np.ascontiguousarray(image) if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
