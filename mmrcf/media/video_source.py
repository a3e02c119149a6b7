"""Frames of a video file, a camera or a stream, decoded by PyAV one at a time."""

import itertools
import logging
import math
from collections.abc import Iterator
from fractions import Fraction

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mmrcf.errors import InputError
from mmrcf.utils.container import open_container, reason_of

from .frame_source import Frame, FrameSource, fit_image, limited_size
from .live_audio import StreamAudio

logger = logging.getLogger(__name__)

DEFAULT_FPS = 25.0
MAX_FPS = 1000.0
# A clock that jumps back by more frames than this has restarted; by less, two frames are out of order.
CLOCK_RESTART_FRAMES = 3


class VideoSource(FrameSource):
    """Decodes one video stream.

    Damaged packets and frames are skipped with a warning and counted. Rotation in the metadata is applied. The
    first frame is decoded on construction, so that a file without a usable frame is an error here and not later.

    Args:
        url: What PyAV opens: a path, a URL or a device.
        name: Name for messages, as the user gave it.
        container_format: Input format, where it does not show from ``url`` (cameras).
        options: Options of the input format.
        timeout: Seconds to wait for a stream to open or to deliver data; None: no limit.
        live: The source is a camera or a live stream: it has no end and cannot be opened twice.
        audio: Whether the frames of a live source come with its audio. A frame then waits for audio that lags behind
            it a little.
        max_size: Limit of the longer side in pixels; larger frames are scaled down.

    Raises:
        InputFileError: It cannot be opened.
        InputError: It has no video stream, or no frame of it can be decoded.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        container_format: str | None = None,
        options: dict[str, str] | None = None,
        timeout: float | None = None,
        live: bool = False,
        audio: bool = False,
        max_size: int | None = None,
    ) -> None:
        self.name = name
        self._live = live
        self._container = open_container(url, name, container_format, options, timeout)
        try:
            self._stream = _video_stream(self._container, name)
            self._stream.thread_type = 'SLICE' if live else 'AUTO'
            self._audio = StreamAudio.of(self._container, name) if live and audio else None
            self._decoded = self._decode()
            self._first = next(self._decoded, None)
            if self._first is None:
                raise InputError(f'{name}: no frame of it can be read and decoded; it is damaged or not a video')
        except BaseException:
            self.close()
            raise
        self._read_properties(url, max_size)

    def _read_properties(self, url: str, max_size: int | None) -> None:
        stream, first = self._stream, self._first
        turned = swaps_sides(read_display_matrix(first))
        height, width = (first.width, first.height) if turned else (first.height, first.width)
        self._decoded_size = (height, width)
        self.height, self.width = limited_size(height, width, max_size)
        self.fps = _frame_rate(stream)
        self.time_base = Fraction(stream.time_base or Fraction(1, 90000))
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        self.pixel_aspect = 1 / aspect if turned else aspect
        self.num_frames = None if self._live else _frame_count(stream, self.fps)
        if self._audio is not None:
            self.audio_format = self._audio.format
            if self.audio_format is None:
                logger.warning('%s: its audio does not begin with its pictures; continues without audio', self.name)
                self._audio = None
        elif self._container.streams.audio:
            if self._live:
                logger.warning('%s: has audio; the audio of live sources is not recorded', self.name)
            else:
                self.audio_url = url
        starts_together = not self._live and self._container.start_time is not None
        if starts_together:
            self.clock_start = self._container.start_time / av.time_base
        else:
            self.clock_start = _presentation_time(first) or 0.0
        self.audio_start = self.clock_start

    def __iter__(self) -> Iterator[Frame]:
        clock = PresentationClock(self.clock_start, 1 / self.fps, float(self.time_base))
        delivered = 0
        frames = itertools.chain([self._first], self._decoded)
        for frame in frames if self._audio is None else self._audio.wait_for(frames):
            time = clock.read(_presentation_time(frame))
            audio = self._audio and self._audio.chunk_until(time, clock.start)
            yield Frame(self._to_image(frame), time, index=delivered + self.skipped, audio=audio)
            delivered += 1
        position = delivered + self.skipped
        if self.num_frames is not None and position < self.num_frames:
            logger.warning('%s: ends after %d of the %d frames it announces', self.name, position, self.num_frames)
        self.close()

    def _to_image(self, frame: VideoFrame) -> np.ndarray:
        image = orient(frame.to_ndarray(format='rgb24'), read_display_matrix(frame))
        if image.shape[:2] != self._decoded_size:
            height, width = image.shape[:2]
            logger.warning('%s: the size changes to %dx%d; scaled to the first size', self.name, width, height)
            self._decoded_size = (height, width)
        return fit_image(image, (self.height, self.width))

    def _decode(self) -> Iterator[VideoFrame]:
        packets = self._packets()
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                logger.warning('%s: reading stops here (%s)', self.name, reason_of(error))
                packet = None
            try:
                # None flushes the decoder: reading ended before PyAV's own flush packet.
                frames = self._stream.decode(packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError as error:
                self._skip('a frame', reason_of(error))
                frames = []
            for frame in frames:
                if frame.is_corrupt:
                    self._skip(f'the frame at {frame.time:.3f} s' if frame.time is not None else 'a frame', 'damaged')
                else:
                    yield frame
            if packet is None:
                return

    def _packets(self) -> Iterator[Packet]:
        """Yield the video packets; audio packets in between are decoded at once."""
        audio = self._audio
        if audio is None:
            yield from self._container.demux(self._stream)
            return
        for packet in self._container.demux(self._stream, audio.stream):
            if packet.stream is self._stream:
                yield packet
            elif self._audio is not None:  # not given up
                audio.add(packet)

    def close(self) -> None:
        self._container.close()


def _presentation_time(frame: VideoFrame) -> float | None:
    """In seconds; None where the container of the frame is damaged and has no finite time."""
    return frame.time if frame.time is not None and math.isfinite(frame.time) else None


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise InputError(f'{name}: holds no video stream; it is damaged, or has no pictures')
    if streams[0].codec_context is None:
        raise InputError(f'{name}: its video codec is unknown to this FFmpeg; convert it to H.264 first')
    return streams[0]


def _frame_rate(stream: VideoStream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0 < rate <= MAX_FPS:
            return float(rate)
    return DEFAULT_FPS


def _frame_count(stream: VideoStream, fps: float) -> int | None:
    if stream.frames:
        return stream.frames
    if stream.duration and stream.time_base:
        return max(1, round(float(stream.duration * stream.time_base) * fps))
    return None


class PresentationClock:
    """Turns presentation times into times that start at 0 and increase strictly.

    Args:
        start: Presentation time that is time 0, in seconds.
        interval: Time from one frame to the next where the container has none, in seconds.
        tick: Least time between two frames, in seconds.

    Attributes:
        start: As given; changes where the clock of the container restarts.
    """

    def __init__(self, start: float, interval: float, tick: float) -> None:
        self.start = start
        self._interval = interval
        self._tick = tick
        self._last: float | None = None

    def read(self, presentation_time: float | None) -> float:
        """Seconds since the start for a frame with ``presentation_time`` (None: the container has none)."""
        last = self._last
        if presentation_time is None:
            time = 0.0 if last is None else last + self._interval
        else:
            time = presentation_time - self.start
            if last is not None and time < last - CLOCK_RESTART_FRAMES * self._interval:
                self.start = presentation_time - last - self._interval
                time = last + self._interval
        if last is not None and time <= last:
            time = last + self._tick
        self._last = time
        return time


def read_display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The linear part (a, b, c, d) of the frame's display matrix, None without one.

    The pixel in column p and row q is shown in column a*p + c*q and row b*p + d*q (up to scale and shift).
    """
    try:
        side_data = frame.side_data[SideDataType.DISPLAYMATRIX]
    except KeyError:
        return None
    matrix = np.frombuffer(bytes(side_data), dtype=np.int32)
    return int(matrix[0]), int(matrix[1]), int(matrix[3]), int(matrix[4])


def orient(image: np.ndarray, matrix: tuple[int, int, int, int] | None) -> np.ndarray:
    """Apply a display matrix: quarter turns and mirrors; another angle is rounded to the nearest quarter turn.

    Args:
        image: (H, W, 3).
        matrix: As :func:`read_display_matrix` gives it.

    Returns:
        (H, W, 3) or (W, H, 3), contiguous.
    """
    if matrix is None:
        return image
    a, b, c, d = matrix
    if swaps_sides(matrix):
        image = image.transpose(1, 0, 2)
        mirror_columns, mirror_rows = c < 0, b < 0
    else:
        mirror_columns, mirror_rows = a < 0, d < 0
    image = image[:: -1 if mirror_rows else 1, :: -1 if mirror_columns else 1]
    return np.ascontiguousarray(image)


def swaps_sides(matrix: tuple[int, int, int, int] | None) -> bool:
    """Whether the matrix turns rows into columns."""
    return matrix is not None and abs(matrix[1]) + abs(matrix[2]) > abs(matrix[0]) + abs(matrix[3])
