"""A single picture as output."""

import contextlib
from pathlib import Path

import cv2
import numpy as np

from mmrcf.audio import AudioChunk
from mmrcf.errors import InputError

from .frame_source import FrameSource
from .gradual_output import GradualOutput

STILL_SUFFIXES = frozenset(('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff'))


class StillWriter(GradualOutput):
    """Writes the one frame of a single-image source; see :class:`GradualOutput`.

    Args:
        path: The output, an image file.
        source: Must have exactly one frame.

    Raises:
        InputError: The source has more than one frame.
    """

    def __init__(self, path: str | Path, source: FrameSource) -> None:
        super().__init__(path)
        if source.num_frames != 1:
            raise InputError(f'output {path}: is an image, but {source.name} is a video; give a name that ends in .mp4')
        self._written = False

    def _open(self, temporary: Path, stack: contextlib.ExitStack) -> None:
        self._temporary = temporary

    def add(self, image: np.ndarray, time: float, audio: AudioChunk | None = None) -> None:
        """Write the picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            time: Its presentation time; a picture does not keep it.
            audio: What came with it; a picture does not keep it either.
        """
        _, content = cv2.imencode(self.path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        with self._writable():
            self._temporary.write_bytes(content.tobytes())
        self._written = True

    def _finish(self, interrupted: bool) -> bool:
        return self._written


def is_still(path: str | Path) -> bool:
    """Whether ``path`` is named as an image file."""
    return Path(path).suffix.lower() in STILL_SUFFIXES
