"""Base class of all sources of frames, the frame itself, and helpers that the sources share."""

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import cv2
import numpy as np

from mmrcf.audio import AudioChunk
from mmrcf.urls import without_credentials
from mmrcf.utils import counted
from mmrcf.utils.container import MAX_SKIP_WARNINGS
from mmrcf.utils.demuxer import Demuxer, PacketReader

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a source.

    Attributes:
        image: (H, W, 3) uint8, RGB, with the rotation of the metadata applied.
        time: Presentation time in seconds; grows from frame to frame. Audio of the same source uses the same clock.
        index: Position in the source, from 0. A frame that could not be read leaves a gap.
        audio: The samples between the previous frame and ``time``, at most the newest 10 seconds; None where there are
            none, or where the source was opened without audio.
    """

    image: np.ndarray
    time: float
    index: int
    audio: AudioChunk | None = None


@dataclass(frozen=True)
class AudioFormat:
    """Format of the audio that comes with the frames of a source.

    Attributes:
        name: Name of the file, stream or device.
        sample_rate: Samples per second.
        channels: Number of channels.
    """

    name: str
    sample_rate: int
    channels: int

    def __str__(self) -> str:
        return f'{self.name} ({self.sample_rate} Hz, {counted(self.channels, "channel")})'


@dataclass
class AudioTrack:
    """The audio that belongs to the frames of a source, for an output that copies it.

    An output that is made after the first frame was taken calls :meth:`reserve` before it: later, the audio that was
    read by then is gone.

    Attributes:
        name: Name of the file or stream, without its folder and without credentials.
        demuxer: The container that holds it; other readers share it.
        start: Presentation time in the container that is time 0 of the frames, in seconds.
        is_own: Whether the frames come from the same container; other audio may be longer than the frames.
    """

    name: str
    demuxer: Demuxer
    start: float
    is_own: bool
    _reader: PacketReader | None = field(default=None, init=False, repr=False)

    def reserve(self) -> None:
        """Keep the audio for :meth:`read`."""
        self._reader = self._reader or self.demuxer.read_audio()

    def read(self) -> PacketReader:
        """The audio from its start, if no frame was taken before this call or :meth:`reserve`. For one output."""
        reader, self._reader = self._reader or self.demuxer.read_audio(), None
        return reader


class FrameSource(ABC):
    """A sequence of frames of one size, in constant memory.

    Iterate once; close it, or use it in a ``with`` block.

    Attributes:
        name: Name for messages, as the user gave it.
        height, width: Size of every frame, in pixels.
        fps: Frames per second; the average where the rate varies.
        num_frames: Number of frames according to the container; None where it is unknown.
        time_base: Unit in which the times of the frames are exact, in seconds.
        pixel_aspect: Width of a pixel over its height, for display.
        file_names: Name of each frame where frames are files of their own; else None.
        audio_format: The audio that comes with the frames; None where none does.
        audio_track: The audio for an output that copies it; None where there is none, and of live sources.
        clock_start: Presentation time of the container that is time 0 here, in seconds.
        skipped: Number of frames so far that could not be read.
        dropped: Number of frames so far that a live source dropped because a newer one had arrived.
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
    audio_track: AudioTrack | None = None
    clock_start: float = 0.0
    skipped: int = 0
    dropped: int = 0

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames in order of presentation."""

    def close(self) -> None:  # noqa: B027  (not every source holds resources)
        """Release files and devices. May be called twice."""

    def _describe_as(self, source: 'FrameSource') -> None:
        """Copy the properties of ``source``, which this object wraps; not its counters, which change."""
        for name in FrameSource.__annotations__.keys() - {'skipped', 'dropped'}:
            setattr(self, name, getattr(source, name))

    def _take_size(self, height: int, width: int, max_size: int | None) -> None:
        """Set the size of all frames from that of the first one."""
        self.height, self.width = limited_size(height, width, max_size)
        self._original_size = (height, width)
        self._num_sizes = 1

    def _fitted(self, image: np.ndarray) -> np.ndarray:
        """``image`` (H, W, 3) at the size of all frames; warns where it comes in another size than the one before."""
        if image.shape[:2] != self._original_size:
            self._original_size = image.shape[:2]
            self._num_sizes += 1
            if self._num_sizes <= MAX_SKIP_WARNINGS:
                height, width = self._original_size
                logger.warning(
                    '%s: the size changes to %dx%d; scaled to %dx%d', self.name, width, height, self.width, self.height
                )
        return fit_image(image, (self.height, self.width))

    def _skip(self, what: str, reason: object) -> None:
        """Count a frame that cannot be read; warn about the first few."""
        self.skipped += 1
        if self.skipped <= MAX_SKIP_WARNINGS:
            more = '; further ones are counted only' if self.skipped == MAX_SKIP_WARNINGS else ''
            logger.warning('%s: %s skipped (%s)%s', self.name, without_credentials(what), reason, more)

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
