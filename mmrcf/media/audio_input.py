"""Audio for the frames of a source: that of the source itself, of another file, or of a microphone."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from mmrcf.audio import AudioChunk
from mmrcf.audio.file import AudioReader
from mmrcf.audio.queue import MAX_SECONDS
from mmrcf.errors import InputError
from mmrcf.urls import scheme_of, source_name
from mmrcf.utils import require_file

from .frame_source import AudioFormat, AudioTrack, Frame, FrameSource
from .live_audio import PREFIX, Microphone, time_of_day_offset

logger = logging.getLogger(__name__)

AUDIO_SCHEMES = frozenset(('http', 'https'))


class AudioFeed(Protocol):
    """A source of audio: :class:`~mmrcf.audio.file.AudioReader` for a file, or a microphone.

    Attributes:
        sample_rate: Samples per second.
        channels: Number of channels.
    """

    sample_rate: int
    channels: int

    def chunk_until(self, time: float) -> AudioChunk | None:
        """The samples since the last call and before ``time`` (seconds, on the clock of the frames)."""

    def skip_until(self, time: float) -> None:
        """Skip what :meth:`chunk_until` would return, in constant memory."""

    def close(self) -> None:
        """Release the file or the device."""


class FramesWithAudio(FrameSource):
    """Adds to each frame of a source the audio before it.

    Args:
        source: The frames. This object closes it.
        feed: The audio. This object closes it.
        name: Name of the audio for messages.
    """

    def __init__(self, source: FrameSource, feed: AudioFeed, name: str) -> None:
        self._source = source
        self._feed = feed
        self._ended = False
        self._describe_as(source)
        self.audio_format = AudioFormat(name, feed.sample_rate, feed.channels)

    @property
    def skipped(self) -> int:
        """Number of frames so far that could not be read."""
        return self._source.skipped

    @property
    def dropped(self) -> int:
        """Number of frames so far that a live source dropped."""
        return self._source.dropped

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            yield replace(frame, audio=self._audio_before(frame.time))

    def _audio_before(self, time: float) -> AudioChunk | None:
        if self._ended:
            return None
        try:
            # Two frames may be an hour apart; no patch reaches back that far.
            self._feed.skip_until(time - MAX_SECONDS)
            return self._feed.chunk_until(time)
        except InputError as error:
            logger.warning('%s; the frames continue without audio', error)
            self._ended = True
            return None

    def close(self) -> None:
        """Close frames and audio."""
        self._source.close()
        self._feed.close()


def is_microphone(audio: object) -> bool:
    """Whether ``audio`` is 'mic' or 'mic:NAME'."""
    return isinstance(audio, str) and audio.partition(':')[0] == PREFIX


def with_audio(frames: FrameSource, audio: bool | str | Path) -> FrameSource:
    """``frames`` with the audio that ``audio`` of :func:`~mmrcf.media.open_source` asks for.

    Raises:
        InputFileError: The audio file is missing, empty or cannot be read.
        InputError: The audio file has no audio, or the microphone cannot be opened; ``frames`` is closed then.
    """
    if isinstance(audio, bool):
        return _with_own_audio(frames) if audio else frames
    try:
        return _with_microphone(frames, audio) if is_microphone(audio) else _with_file_audio(frames, str(audio))
    except BaseException:
        frames.close()
        raise


def _with_own_audio(frames: FrameSource) -> FrameSource:
    """With the audio of their own file; unchanged if that has none, or none that can be read."""
    track = frames.audio_track
    if track is None:
        return frames
    try:
        reader = AudioReader(track.demuxer, track.start)
    except InputError as error:
        logger.warning('%s; the frames come without audio', error)
        return frames
    if not reader.channels:
        return frames
    return FramesWithAudio(frames, reader, track.name)


def _with_file_audio(frames: FrameSource, url: str) -> FrameSource:
    """With the audio of another file (a path or http(s) URL), from its start."""
    shown = source_name(url)
    name = f'audio {shown}'
    scheme = scheme_of(url)
    if scheme is None:
        require_file(url, 'audio')
    elif scheme not in AUDIO_SCHEMES:
        raise InputError(f'{name}: expected a file or one of {", ".join(sorted(AUDIO_SCHEMES))}')
    reader = AudioReader.open(url, None, name)
    if not reader.channels:
        reader.close()
        raise InputError(f'{name}: holds no audio; give a file that does')
    joined = FramesWithAudio(frames, reader, Path(shown).name)
    joined.audio_track = AudioTrack(Path(shown).name, reader.demuxer, reader.clock_start, is_own=False)
    return joined


def _with_microphone(camera: FrameSource, device: str) -> FrameSource:
    """The frames of a camera that was just opened, with the audio of 'mic' or 'mic:NAME'."""
    time_zero = camera.clock_start + time_of_day_offset(camera.clock_start)
    microphone = Microphone(device, time_zero)
    return FramesWithAudio(camera, microphone, microphone.name)
