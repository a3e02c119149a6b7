"""Frames of a video file, a camera or a stream, decoded by PyAV one at a time."""

import itertools
import logging
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from time import monotonic

import av
import av.error
from av.codec.context import Flags as CodecFlags
from av.container import InputContainer
from av.format import Flags
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mmrcf.audio.chunk import CLOCK_JUMP
from mmrcf.defaults import MAX_PIXELS
from mmrcf.errors import InputError
from mmrcf.urls import source_name
from mmrcf.utils.container import MAX_SKIP_WARNINGS, ByteStream, open_container, pixel_limit, reason_of
from mmrcf.utils.demuxer import Demuxer, SharedPacket
from mmrcf.utils.image_files import check_pixels

from .display import Cropping, orient, read_display_matrix, swaps_sides
from .frame_source import AudioTrack, Frame, FrameSource
from .live_audio import StreamAudio

logger = logging.getLogger(__name__)

DEFAULT_FPS = 25.0
MAX_FPS = 1000.0
# An end that is earlier than announced by more than this part of the duration is worth a warning.
EARLY_END = 0.02
# Containers whose size is that of a list, not of what it names.
PLAYLIST_FORMATS = ('hls', 'dash')
# Of images, besides those of FFmpeg that end in _pipe.
IMAGE_FORMATS = ('apng', 'gif', 'image2', 'mjpeg')
# A clock that jumps back by more frames than this has restarted; by less, two frames are out of order.
CLOCK_RESTART_FRAMES = 3


class VideoSource(FrameSource):
    """Decodes one video stream.

    The source is opened and read once: files that cannot be read twice, such as pipes, are as good as others. Damaged
    packets and frames are skipped with a warning and counted. Cropping and rotation in the metadata are applied. The
    first frame is decoded on construction, so that a file without a usable frame is an error here and not later.

    Args:
        url: What :func:`~mmrcf.utils.container.open_container` opens: a path, a URL, a device or a stream of bytes.
        name: Name for messages, without credentials.
        container_format: Input format, where it does not show from ``url`` (cameras).
        options: Options of the input format.
        timeout: Seconds to wait for a stream to open or to deliver data; None: no limit.
        live: The source is a camera or a live stream, without an end. None: it is if it has neither a duration nor a
            size.
        audio: Whether the frames of a live source come with its audio.
        waits: Whether a frame waits for audio that lags behind it a little, as a model needs it, but no output.
        max_size: Limit of the longer side in pixels; larger frames are scaled down.
        max_pixels: Largest number of pixels of a frame that is decoded.

    Attributes:
        live: Whether the source is live.
        holds_images: Whether it is one image, or images one after the other, and not a video.

    Raises:
        InputFileError: It cannot be opened.
        InputError: It has no video stream, no frame of it can be decoded, or its frames are too large.
    """

    def __init__(
        self,
        url: str | ByteStream,
        name: str,
        container_format: str | None = None,
        options: dict[str, str] | None = None,
        *,
        timeout: float | None = None,
        live: bool | None = False,
        audio: bool = False,
        waits: bool = True,
        max_size: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.name = name
        self._waits = waits
        self._short_name = Path(source_name(url) if isinstance(url, str) else name.removeprefix('video ')).name
        self._max_pixels = max_pixels
        container = open_container(url, name, container_format, options, timeout, max_pixels=max_pixels)
        self._container = container
        try:
            self.live = _is_live(container) if live is None else live
            self.holds_images = container.format.name.endswith('_pipe') or container.format.name in IMAGE_FORMATS
            self._demuxer = Demuxer(container, name)
            self._stream = _video_stream(self._demuxer, max_pixels)
            self._stream.thread_type = 'SLICE' if self.live else 'AUTO'
            # Else FFmpeg rounds cropping of the codec down to what its own memory layout likes.
            self._stream.codec_context.flags |= CodecFlags.unaligned
            # The size may change at any frame.
            decoder_options = pixel_limit(max_pixels)
            if self._stream.codec_context.name == 'mjpeg':
                # Else a picture that is cut short comes partly grey, as no other path gives it.
                decoder_options['err_detect'] = 'explode'
            self._stream.codec_context.options = decoder_options
            self._cropping = Cropping.of(self._stream)
            self._audio = StreamAudio.of(self._demuxer) if self.live and audio else None
            # The times of a stream without a clock are counted frames: a camera delivers them when it likes.
            has_no_clock = container.format.flags & Flags.no_timestamps.value or container.format.name.endswith('_pipe')
            self._arrives = self.live and bool(has_no_clock)
            self._arrived: float | None = None
            self._num_jumps = 0
            self._packets_end: float | None = None
            self._decoded = self._decode()
            self._first = next(self._decoded, None)
            if self._first is None:
                raise InputError(
                    f'{name}: no frame of it can be read and decoded; it is damaged, not a video, or its frames have '
                    f'more than {max_pixels} pixels (--max-pixels)'
                )
        except BaseException:
            container.close()
            raise
        self._read_properties(max_size)

    def _read_properties(self, max_size: int | None) -> None:
        """Describe the source: size, rate, clock, length and audio; the first frame is decoded already."""
        stream, first, container = self._stream, self._first, self._container
        turned = swaps_sides(read_display_matrix(first))
        height, width = self._cropping.cropped_size(first.height, first.width)
        if turned:
            height, width = width, height
        self._take_size(height, width, max_size)
        self.fps = _frame_rate(stream)
        self.time_base = Fraction(1, 90000) if self._arrives else Fraction(stream.time_base or Fraction(1, 90000))
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        self.pixel_aspect = 1 / aspect if turned else aspect
        self.num_frames = None if self.live else _frame_count(stream, self.fps)
        if not self.live and container.start_time is not None:
            self.clock_start = container.start_time / av.time_base
        else:
            self.clock_start = self._time_of(first) or 0.0
        if self._audio is not None:
            self.audio_format = self._audio.format
            if self.audio_format is None:
                logger.warning('%s: its audio does not begin with its pictures; continues without audio', self.name)
                self._audio = None
        elif self._demuxer.audio is not None and not self.live:
            self.audio_track = AudioTrack(self._short_name, self._demuxer, self.clock_start, is_own=True)

    def __iter__(self) -> Iterator[Frame]:
        self._demuxer.seal()
        clock = PresentationClock(self.clock_start, 1 / self.fps, float(self.time_base))
        frames, end = itertools.chain([self._first], self._decoded), 0.0
        if self._audio is not None and self._waits:
            frames = self._audio.wait_for(frames)
        for delivered, frame in enumerate(frames):
            start = clock.start
            time = clock.read(self._time_of(frame))
            if clock.start != start:
                self._warn_of_jump(time)
            audio = self._audio and self._audio.chunk_until(time, clock.start)
            image = orient(self._cropping.apply(frame.to_ndarray(format='rgb24')), read_display_matrix(frame))
            yield Frame(self._fitted(image), time, index=delivered + self.skipped, audio=audio)
            end = time + 1 / self.fps
        self._warn_of_early_end(end)
        if self.audio_track is None:  # else an output may copy the audio behind the last frame
            self.close()

    def _warn_of_jump(self, time: float) -> None:
        self._num_jumps += 1
        if self._num_jumps <= MAX_SKIP_WARNINGS:
            logger.warning('%s: its clock jumps at %.3f s; the frames continue from there', self.name, time)

    def _warn_of_early_end(self, frames_end: float) -> None:
        """Warn where frames and packets end before the announced time; announced counts of frames are estimates."""
        announced = None if self.live else _announced_end(self._stream, self._container)
        if announced is None:
            return
        length = announced - self.clock_start
        # The clock of the packets may restart; that of the frames does not know how long the last one is shown.
        end = max(frames_end, (self._packets_end or 0.0) - self.clock_start)
        if length - end > max(2 / self.fps, EARLY_END * length):
            logger.warning('%s: ends after %.1f of the %.1f seconds it announces', self.name, end, length)

    def _time_of(self, frame: VideoFrame) -> float | None:
        """Presentation time in seconds; None where the container of the frame has no finite one."""
        if self._arrives:
            return self._arrived
        return frame.time if frame.time is not None and math.isfinite(frame.time) else None

    def _decode(self) -> Iterator[VideoFrame]:
        """Yield the frames that can be decoded; the others are counted as skipped."""
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError as error:
                self._skip('a frame', reason_of(error))
                continue
            for frame in frames:
                what = f'the frame at {frame.time:.3f} s' if frame.time is not None else 'a frame'
                if frame.is_corrupt:
                    self._skip(what, 'damaged')
                elif frame.width * frame.height > self._max_pixels:
                    self._skip(what, f'{frame.width}x{frame.height} is more than {self._max_pixels} pixels')
                else:
                    yield frame

    def _packets(self) -> Iterator[SharedPacket]:
        """Yield the video packets; what has arrived of the audio of a live source is decoded before."""
        audio_packets = self._demuxer.read_audio() if self._audio is not None else None
        for packet in self._demuxer.read_video():
            self._arrived = monotonic()
            if packet.end is not None:
                self._packets_end = max(packet.end, self._packets_end or packet.end)
            for audio_packet in audio_packets.queued() if audio_packets is not None else ():
                if self._audio is not None:  # not given up
                    self._audio.add(audio_packet)
            yield packet

    def close(self) -> None:
        """Release the file or the stream, and what is queued of its packets."""
        self._demuxer.close()


def _is_live(container: InputContainer) -> bool:
    """Whether a stream has no known end: neither a duration nor, unless it is a playlist, a size."""
    if container.file is not None:  # of open_http: its end was there when FFmpeg gave it up
        return False
    return container.duration is None and (container.size <= 0 or container.format.name in PLAYLIST_FORMATS)


def _video_stream(demuxer: Demuxer, max_pixels: int) -> VideoStream:
    stream, name = demuxer.video, demuxer.name
    others = demuxer.container.streams.video
    if any(other.disposition & Disposition.dependent for other in others) and not (
        stream is not None and stream.disposition & Disposition.default
    ):
        raise InputError(f'{name}: is a photo made of tiles; pip install pillow-heif, or convert it to JPEG')
    if stream is None:
        what = 'holds audio only' if demuxer.audio is not None else 'is damaged, or has no pictures'
        raise InputError(f'{name}: holds no video stream; it {what}')
    context = stream.codec_context
    if context is None:
        raise InputError(f'{name}: its video codec is unknown to this FFmpeg; convert it to H.264 first')
    check_pixels(name, context.width, context.height, max_pixels)
    return stream


def _frame_rate(stream: VideoStream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0 < rate <= MAX_FPS:
            return float(rate)
    return DEFAULT_FPS


def _announced_end(stream: VideoStream, container: InputContainer) -> float | None:
    """Presentation time at which the container says that the stream ends, in seconds; None where it says nothing."""
    start = float((stream.start_time or 0) * stream.time_base)
    if stream.frames and 'mp4' not in container.format.name:  # there, an edit list may leave out frames
        return start + stream.frames / _frame_rate(stream)
    if stream.duration:
        return start + float(stream.duration * stream.time_base)
    written = re.fullmatch(r'(\d{1,9}):(\d{1,9}):(\d{1,9}(?:\.\d+)?)', stream.metadata.get('DURATION', ''))  # Matroska
    if written:
        hours, minutes, seconds = written.groups()
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    if container.duration and len(container.streams) == 1:
        return start + container.duration / av.time_base
    return None


def _frame_count(stream: VideoStream, fps: float) -> int | None:
    if stream.frames:
        return stream.frames
    if stream.duration and stream.time_base:
        return max(1, round(float(stream.duration * stream.time_base) * fps))
    return None


class PresentationClock:
    """Turns presentation times into times that start at 0 and increase strictly.

    Where the clock of the container restarts, or jumps ahead by more than CLOCK_JUMP seconds, the next frame follows
    the last one.

    Args:
        start: Presentation time that is time 0, in seconds.
        interval: Time from one frame to the next where the container has none, in seconds.
        tick: Least time between two frames, in seconds.

    Attributes:
        start: As given; changes where the clock of the container restarts or jumps.
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
            margin = CLOCK_RESTART_FRAMES * self._interval
            if last is not None and not last - margin <= time <= last + max(CLOCK_JUMP, margin):
                self.start = presentation_time - last - self._interval
                time = last + self._interval
        if last is not None and time <= last:
            time = last + self._tick
        self._last = time
        return time
