"""The contract of everything that frames come from, and helpers that its kinds share."""

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from mmrcf.audio import AudioChunk
from mmrcf.utils.container import MAX_SKIP_WARNINGS

logger = logging.getLogger(__name__)

# What a source that stands in for another takes over; `skipped` and `dropped` go on changing.
DESCRIPTION = ('name', 'height', 'width', 'fps', 'num_frames', 'time_base', 'pixel_aspect', 'file_names')
DESCRIPTION += ('audio_format', 'audio_url', 'audio_start', 'audio_is_own', 'clock_start')


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source.

    Attributes:
        image: (H, W, 3) uint8, RGB, as it is meant to be shown (rotation applied).
        time: Presentation time in seconds; grows from frame to frame. Audio of the same source uses the same clock.
        index: Position in the source, from 0. A frame that could not be read leaves a gap.
        audio: The samples before ``time`` that were not handed out yet, the newest seconds of them where it is more;
            None where there are none, or where the source was opened without audio.
    """

    image: np.ndarray
    time: float
    index: int
    audio: AudioChunk | None = None


@dataclass(frozen=True)
class AudioFormat:
    """What audio comes with the frames of a source.

    Attributes:
        name: What the user calls it.
        sample_rate: Samples a second.
        channels: How many.
    """

    name: str
    sample_rate: int
    channels: int

    def __str__(self) -> str:
        return f'{self.name} ({self.sample_rate} Hz, {self.channels} channel{"s" * (self.channels != 1)})'


class FrameSource(ABC):
    """Frames of one size, one after the other, in constant memory.

    Iterate once; close it, or use it in a ``with`` block.

    Attributes:
        name: What the user called it; for messages.
        height, width: Size of every frame, in pixels.
        fps: Frames a second; the average where the rate varies.
        num_frames: How many frames the source says that it has; None where it does not know.
        time_base: Unit in which the times of the frames are exact, in seconds.
        pixel_aspect: Width of a pixel over its height, for showing.
        file_names: Name of each frame where frames are files of their own; else None.
        audio_format: The audio that comes with the frames; None where none does.
        audio_url: Where a second reader finds the audio that belongs to the frames; None where there is none.
        audio_start: Presentation time in ``audio_url`` that is time 0 here, in seconds.
        audio_is_own: Whether frames and audio are of one file; other audio may be longer than the frames.
        clock_start: Presentation time of the container that is time 0 here, in seconds.
        skipped: Number of frames so far that could not be read and were left out.
        dropped: Number of frames so far that a live source passed over, because newer ones were there.
    """

    name: str
    height: int
    width: int
    fps: float
    num_frames: int | None = None
    time_base: Fraction = Fraction(1, 90000)
    pixel_aspect: Fraction = Fraction(1)
    file_names: list[str] | None = None
    audio_format: AudioFormat | None = None
    audio_url: str | None = None
    audio_start: float = 0.0
    audio_is_own: bool = True
    clock_start: float = 0.0
    skipped: int = 0
    dropped: int = 0

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames in order of presentation."""

    def close(self) -> None:  # noqa: B027  (not every source holds something)
        """Free what the source holds. May be called twice."""

    def _describe_as(self, source: 'FrameSource') -> None:
        """Take over what describes ``source``, to stand in for it."""
        for name in DESCRIPTION:
            setattr(self, name, getattr(source, name))

    def _skip(self, what: str, reason: object) -> None:
        """Count a frame that cannot be read; warn about the first few."""
        self.skipped += 1
        if self.skipped <= MAX_SKIP_WARNINGS:
            more = '; further ones are counted only' if self.skipped == MAX_SKIP_WARNINGS else ''
            logger.warning('%s: %s skipped (%s)%s', self.name, what, reason, more)

    def __enter__(self) -> 'FrameSource':
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()


def limited_size(height: int, width: int, max_size: int | None) -> tuple[int, int]:
    """Height and width after scaling down so that the longer side is at most ``max_size`` (None: as it is)."""
    if max_size is None or max(height, width) <= max_size:
        return height, width
    scale = max_size / max(height, width)
    return max(1, math.floor(height * scale + 0.5)), max(1, math.floor(width * scale + 0.5))


def fit_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``image`` at ``size`` (height, width); the same array if it has that size already."""
    if image.shape[:2] == size:
        return image
    shrinks = image.shape[0] > size[0] or image.shape[1] > size[1]
    return cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
