"""Frames of one source with the sound of another, on the clock of the frames."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from mmrcf.audio import AudioChunk
from mmrcf.audio.queue import MAX_SECONDS

from .frame_source import Frame, FrameSource, SoundFormat


class SoundFeed(Protocol):
    """What sound comes from: a file that is read a second time, a microphone.

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


class FramesWithSound(FrameSource):
    """Gives the frames of a source the sound that lies before them.

    Args:
        source: The frames; this object owns it now.
        feed: The sound; this object owns it too.
        name: What the user calls the sound.
    """

    def __init__(self, source: FrameSource, feed: SoundFeed, name: str) -> None:
        self._source = source
        self._feed = feed
        self._describe_as(source)
        self.sound_format = SoundFormat(name, feed.sample_rate, feed.channels)

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
            yield replace(frame, sound=self._sound_before(frame.time))

    def _sound_before(self, time: float) -> AudioChunk | None:
        # Between two frames may lie an hour; no one listens back that far.
        self._feed.skip_until(time - MAX_SECONDS)
        return self._feed.chunk_until(time)

    def close(self) -> None:
        """Close frames and sound."""
        self._source.close()
        self._feed.close()
