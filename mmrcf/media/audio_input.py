"""Which audio goes with frames: their own, that of another file, or that of a microphone."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from mmrcf.audio import AudioChunk
from mmrcf.audio.file import AudioReader
from mmrcf.audio.queue import MAX_SECONDS
from mmrcf.errors import InputError
from mmrcf.utils import require_file

from .frame_source import AudioFormat, Frame, FrameSource
from .live_audio import PREFIX, Microphone, time_of_day_offset

logger = logging.getLogger(__name__)

AUDIO_SCHEMES = frozenset(('http', 'https'))


class AudioFeed(Protocol):
    """What audio comes from: a file that is read a second time, a microphone.

    Attributes:
        sample_rate: Samples a second.
        channels: How many.
    """

    sample_rate: int
    channels: int

    def chunk_until(self, time: float) -> AudioChunk | None:
        """The samples before ``time`` (seconds, on the clock of the frames) that were not handed out yet."""

    def skip_until(self, time: float) -> None:
        """Pass over what :meth:`chunk_until` would return, in constant memory."""

    def close(self) -> None:
        """Free what it holds."""


class FramesWithAudio(FrameSource):
    """Gives the frames of a source the audio that lies before them.

    Args:
        source: The frames; this object owns it now.
        feed: The audio; this object owns it too.
        name: What the user calls the audio.
    """

    def __init__(self, source: FrameSource, feed: AudioFeed, name: str) -> None:
        self._source = source
        self._feed = feed
        self._describe_as(source)
        self.audio_format = AudioFormat(name, feed.sample_rate, feed.channels)

    @property
    def skipped(self) -> int:
        """Number of frames so far that could not be read and were left out."""
        return self._source.skipped

    @property
    def dropped(self) -> int:
        """Number of frames so far that a live source passed over."""
        return self._source.dropped

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            yield replace(frame, audio=self._audio_before(frame.time))

    def _audio_before(self, time: float) -> AudioChunk | None:
        # Between two frames may lie an hour; no patch reaches back that far.
        self._feed.skip_until(time - MAX_SECONDS)
        return self._feed.chunk_until(time)

    def close(self) -> None:
        """Close frames and audio."""
        self._source.close()
        self._feed.close()


def is_microphone(audio: object) -> bool:
    """Whether ``audio`` is 'mic' or 'mic:NAME'."""
    return isinstance(audio, str) and audio.partition(':')[0] == PREFIX


def with_own_audio(frames: FrameSource) -> FrameSource:
    """``frames`` with the audio of their own file; as they are where it has none that can be read."""
    if frames.audio_url is None:
        return frames
    try:
        reader = AudioReader(frames.audio_url, frames.audio_start, frames.name)
    except InputError as error:
        logger.warning('%s; the frames come without audio', error)
        return frames
    if not reader.channels:
        reader.close()
        return frames
    return FramesWithAudio(frames, reader, Path(frames.audio_url).name)


def with_audio_of(frames: FrameSource, audio: str | Path) -> FrameSource:
    """``frames`` with the audio of another file, from its start.

    Args:
        frames: The frames.
        audio: A path, or an http(s) URL.

    Raises:
        InputFileError: The file is missing, empty or cannot be read.
        InputError: It holds no audio.
    """
    url = str(audio)
    if '://' not in url:
        require_file(url, 'audio')
    elif url.split('://', 1)[0].lower() not in AUDIO_SCHEMES:
        raise InputError(f'audio {url}: expected a file or one of {", ".join(sorted(AUDIO_SCHEMES))}')
    reader = AudioReader(url, None, f'audio {url}')
    if not reader.channels:
        reader.close()
        raise InputError(f'audio {url}: holds no audio; give a file that does')
    joined = FramesWithAudio(frames, reader, Path(url).name)
    joined.audio_url, joined.audio_start, joined.audio_is_own = url, reader.clock_start, False
    return joined


def with_microphone(camera: FrameSource, microphone: str) -> FrameSource:
    """The frames of a camera that was opened just now, with the audio of 'mic' or 'mic:NAME'.

    Raises:
        InputError: The microphone cannot be opened.
    """
    time_zero = camera.clock_start + time_of_day_offset(camera.clock_start)
    try:
        audio = Microphone(microphone, time_zero)
    except BaseException:
        camera.close()
        raise
    return FramesWithAudio(camera, audio, audio.name)
