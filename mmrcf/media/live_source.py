"""The newest frame of a source that runs in real time: cameras and live streams."""

import threading
from collections.abc import Iterator
from dataclasses import replace

from mmrcf.audio.queue import AudioQueue

from .frame_source import Frame, FrameSource

JOIN_TIMEOUT = 2.0


class LiveSource(FrameSource):
    """Reads a source in a separate thread and yields the newest frame, so that a slow consumer does not fall behind.

    Dropped frames leave gaps in ``Frame.index`` and are counted in ``dropped``; their audio comes with the next frame.

    Args:
        source: A camera or a live stream. This object closes it.
    """

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._describe_as(source)
        # An output takes the audio that comes with the frames: a copy would be read here while the thread reads it.
        self.audio_track = None
        self._newest: Frame | None = None
        self._audio = AudioQueue()
        self._ended = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name='live source', daemon=True)

    @property
    def skipped(self) -> int:
        """Number of frames so far that could not be read."""
        return self._source.skipped

    def __iter__(self) -> Iterator[Frame]:
        self._thread.start()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._ended)
                frame, self._newest = self._newest, None
                audio = self._audio.take()
            if frame is None:
                break
            yield replace(frame, audio=audio)
        if self._failure is not None:
            raise self._failure

    def _read(self) -> None:
        try:
            for frame in self._source:
                with self._changed:
                    if self._ended:
                        break
                    self.dropped += self._newest is not None
                    self._newest = frame
                    if frame.audio is not None:
                        self._audio.put(frame.audio)
                    self._changed.notify()
        except Exception as error:  # raised again in the consumer's thread
            self._failure = error
        finally:
            self._source.close()
            with self._changed:
                self._ended = True
                self._changed.notify()

    def close(self) -> None:
        """Stop reading."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(JOIN_TIMEOUT)
        else:
            self._source.close()
