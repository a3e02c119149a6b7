"""Output files, written frame by frame: a video with audio, or a single image."""

import contextlib
import errno
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error
import cv2
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from mmrcf.audio import AudioChunk
from mmrcf.audio.chunk import to_mono
from mmrcf.errors import InputError, InputFileError
from mmrcf.utils import atomic_output
from mmrcf.utils.container import MAX_SKIP_WARNINGS

from .audio_output import AACEncoder, AudioRemuxer
from .frame_source import FrameSource

logger = logging.getLogger(__name__)

OUTPUT_IMAGE_SUFFIXES = frozenset(('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff'))
VIDEO_SUFFIXES = frozenset(('.mp4', '.m4v', '.mov', '.mkv'))
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
BT709 = 1
MPEG_RANGE = 1


class Stopped(Exception):
    """Raised inside the block of an :class:`AtomicWriter` to end the output early and keep it."""


EARLY_ENDS = (KeyboardInterrupt, GeneratorExit, Stopped)
"""By these the user ends a run, and keeps what was written so far."""


class AtomicWriter(ABC):
    """A file that is written frame by frame in a ``with`` block and gets its name when the block ends.

    The file is complete, but shorter, when the user ends the block early: by Ctrl-C, by closing the generator around
    it, or by :class:`Stopped`. On any other error, and when nothing was written, no file appears and an existing one
    is not changed.

    Args:
        path: The output.

    Raises:
        InputFileError: On entering the block: the output cannot be written there. Later: the disk is full.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._stack = contextlib.ExitStack()

    @abstractmethod
    def _open(self, temporary: Path, stack: contextlib.ExitStack) -> None:
        """Open ``temporary`` for writing; put on ``stack`` what must be closed before the file gets its name."""

    @abstractmethod
    def _finish(self, interrupted: bool) -> bool:
        """Write the end of the file. Returns whether the file holds anything and is kept."""

    def __enter__(self) -> 'AtomicWriter':
        with contextlib.ExitStack() as stack:
            temporary = stack.enter_context(atomic_output(self.path))
            with self._writable():
                self._open(temporary, stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: object) -> None:
        interrupted = kind is not None and issubclass(kind, EARLY_ENDS)
        with contextlib.suppress(_Discard), self._writable(), self._stack:
            if (kind is not None and not interrupted) or not self._finish(interrupted):
                raise _Discard

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        """Turn a failed write into an error that names the output."""
        try:
            yield
        except InputFileError:
            raise
        except (OSError, av.error.FFmpegError) as error:
            reason = error.strerror or type(error).__name__
            advice = 'free some space' if error.errno in FULL_DISK else 'choose another place or kind of file'
            raise InputFileError(f'output {self.path}: cannot be written ({reason}); {advice}') from error


class _Discard(Exception):
    """Raised to leave the block without an output."""


class VideoWriter(AtomicWriter):
    """Writes H.264 video with the times of ``source`` and its audio; see :class:`AtomicWriter`.

    The audio of a file is copied from that file where the output takes it, see
    :func:`~mmrcf.media.audio_output.can_copy`; that of a live source is encoded as it arrives with the frames. An
    interrupted video ends with its last frame, audio included, and so does one with the audio of another file.

    Args:
        path: The output, '.mp4', '.m4v', '.mov' or '.mkv'.
        source: Source of the frames: gives size, frame rate, time unit and audio. An odd side is padded by one pixel.
        quality: H.264 constant rate factor: 0 is lossless, 51 the worst.
        size: Height and width of the pictures, where they are no longer those of the source.

    Raises:
        InputError: The suffix is not that of a video.
    """

    def __init__(
        self, path: str | Path, source: FrameSource, *, quality: int = 20, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(path)
        if self.path.suffix.lower() not in VIDEO_SUFFIXES:
            raise InputError(f'output {path}: expected a name that ends in {", ".join(sorted(VIDEO_SUFFIXES))}')
        self._source = source
        self._size = size or (source.height, source.width)
        self._quality = quality
        self._audio: AudioRemuxer | None = None
        self._live_audio: AACEncoder | None = None
        self._audio_left_out = 0
        self._last_tick: int | None = None

    def _open(self, temporary: Path, stack: contextlib.ExitStack) -> None:
        options = {} if self.path.suffix.lower() == '.mkv' else {'movflags': '+faststart'}
        self._container = stack.enter_context(av.open(str(temporary.absolute()), 'w', options=options))
        self._add_video_stream()
        self._add_audio(stack)
        # What the file format or an encoder does not take fails here, before the first frame.
        self._container.start_encoding()

    def _add_video_stream(self) -> None:
        source = self._source
        rate = Fraction(source.fps).limit_denominator(1001)
        # Without B-frames decoding order is presentation order, so no player needs an edit list to start at time 0.
        options = {'preset': 'veryfast', 'crf': str(self._quality), 'bf': '0'}
        stream = self._container.add_stream('libx264', rate=rate, options=options)
        stream.height, stream.width = (side + side % 2 for side in self._size)
        stream.pix_fmt = 'yuv420p'
        stream.time_base = stream.codec_context.time_base = source.time_base
        stream.sample_aspect_ratio = source.pixel_aspect
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = MPEG_RANGE
        self._stream = stream

    def _add_audio(self, stack: contextlib.ExitStack) -> None:
        source = self._source
        if source.audio_track is None:
            if source.audio_format is not None:
                self._live_audio = AACEncoder(self._container, source.audio_format.sample_rate, channels=1)
            return
        try:
            self._audio = AudioRemuxer(source.audio_track, self._container)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            logger.warning('%s: its audio cannot be copied (%s); the output has none', source.name, error)
            return
        stack.callback(self._audio.close)

    def add(self, image: np.ndarray, time: float, audio: AudioChunk | None = None) -> None:
        """Append a frame.

        Args:
            image: (H, W, 3) uint8 RGB, of the size of the source, or ``size``.
            time: Presentation time in seconds.
            audio: Audio of the frame; used only if the source is live.

        Raises:
            InputFileError: The disk is full or the file cannot be written.
        """
        if image.shape != (*self._size, 3):
            raise ValueError(f'frame of shape {image.shape}, expected {(*self._size, 3)}')
        tick = round(time / self._source.time_base)
        if self._last_tick is not None:
            tick = max(tick, self._last_tick + 1)
        self._last_tick = tick
        height, width = self._size
        if height % 2 or width % 2:
            image = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format='rgb24').reformat(
            format='yuv420p', dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.pts, frame.time_base = tick, self._source.time_base
        frame.duration = max(1, round(1 / self._source.fps / self._source.time_base))
        self._write(frame, float(tick * self._source.time_base))
        if self._live_audio is not None and audio is not None:
            with self._writable():
                for packet in self._live_audio.add(to_mono(audio.samples)[None], audio.time):
                    self._container.mux(packet)

    def _write(self, frame: VideoFrame | None, audio_until: float | None) -> None:
        with self._writable():
            self._container.mux(self._stream.encode(frame))
            if self._audio is not None:
                for packet in self._audio.packets_until(audio_until):
                    self._mux_audio(packet)

    def _mux_audio(self, packet: Packet) -> None:
        try:
            self._container.mux(packet)
        except (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError) as error:
            self._audio_left_out += 1
            if self._audio_left_out <= MAX_SKIP_WARNINGS:
                logger.warning('%s: a damaged audio packet is not copied (%s)', self._source.name, error.strerror)

    def _finish(self, interrupted: bool) -> bool:
        if self._last_tick is None:
            return False
        end = float(self._last_tick * self._source.time_base) + 1 / self._source.fps
        track = self._source.audio_track
        self._write(None, audio_until=None if track and track.is_own and not interrupted else end)
        if self._live_audio is not None:
            self._container.mux(list(self._live_audio.finish()))
        return True


class ImageWriter(AtomicWriter):
    """Writes the one frame of a single-image source; see :class:`AtomicWriter`.

    Args:
        path: The output, an image file.
        source: Must have exactly one frame.

    Raises:
        InputError: The source has more than one frame; from :meth:`add` where that shows with the second one only.
    """

    def __init__(self, path: str | Path, source: FrameSource) -> None:
        super().__init__(path)
        self._source = source
        self._written = False
        if source.num_frames not in (1, None):
            self._refuse()

    def _refuse(self) -> None:
        raise InputError(
            f'output {self.path}: is an image, but {self._source.name} is a video; give a name that ends in .mp4'
        )

    def _open(self, temporary: Path, stack: contextlib.ExitStack) -> None:
        self._temporary = temporary

    def add(self, image: np.ndarray, time: float, audio: AudioChunk | None = None) -> None:
        """Write the image.

        Args:
            image: (H, W, 3) uint8 RGB.
            time: Not used.
            audio: Not used.

        Raises:
            InputError: It is not the first frame, or too large for the format.
            InputFileError: The disk is full or the file cannot be written.
        """
        if self._written:
            self._refuse()
        content = encoded_image(image, self.path)
        with self._writable():
            self._temporary.write_bytes(content)
        self._written = True

    def _finish(self, interrupted: bool) -> bool:
        return self._written


def encoded_image(image: np.ndarray, path: str | Path) -> bytes:
    """An image as a file of the format that a path names.

    Args:
        image: (H, W, 3) uint8 RGB.
        path: Where it will be written.

    Raises:
        InputError: The format does not take an image of that size.
    """
    done, content = cv2.imencode(Path(path).suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        height, width = image.shape[:2]
        raise InputError(f'output {path}: {width}x{height} is too large for this format; give a name that ends in .png')
    return content.tobytes()


def is_image_path(path: str | Path) -> bool:
    """Whether ``path`` is named as an image file."""
    return Path(path).suffix.lower() in OUTPUT_IMAGE_SUFFIXES
