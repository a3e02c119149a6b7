"""A camera made of a clip: its frames come at their time, whether anybody is ready or not."""

import time
from collections.abc import Iterator

from mmrcf.media import Frame, FrameSource, open_source


class PacedSource(FrameSource):
    """Frames of a clip, again and again, at a rate of one's own on the wall clock.

    Args:
        clip: What :func:`~mmrcf.media.open_source` takes; all its frames are kept in memory.
        fps: Frames a second.
        seconds: When the stream ends.

    Attributes:
        started: ``time.perf_counter()`` of time 0; None before the first frame.
    """

    def __init__(self, clip: str, fps: float, seconds: float) -> None:
        with open_source(clip) as source:
            self._describe_as(source)
            self._images = [frame.image for frame in source]
        self.name, self.fps, self.num_frames = f'{clip} as a camera', fps, None
        self._count = round(fps * seconds)
        self.started: float | None = None

    def __iter__(self) -> Iterator[Frame]:
        self.started = time.perf_counter()
        for index in range(self._count):
            due = self.started + index / self.fps
            time.sleep(max(0.0, due - time.perf_counter()))
            yield Frame(self._images[index % len(self._images)], index / self.fps, index)
