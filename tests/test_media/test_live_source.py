import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from mmrcf.audio import AudioChunk
from mmrcf.media import Frame, FrameSource
from mmrcf.media.live_source import LiveSource


class Camera(FrameSource):
    """Delivers frames as fast as it is allowed to."""

    def __init__(self, frames: int, fails: bool = False, audio: bool = False) -> None:
        self.name, self.height, self.width, self.fps = 'camera', 4, 4, 100.0
        self.frames, self.fails, self.audio, self.closed = frames, fails, audio, False
        self.go = threading.Semaphore(0)

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.frames):
            self.go.acquire()
            # Two samples a frame that tell its index; tiny rates make tiny tests.
            audio = AudioChunk(np.full(2, index, np.float32), 200, index / 100) if self.audio else None
            yield Frame(np.zeros((4, 4, 3), np.uint8), index / 100, index, audio)
        if self.fails:
            raise ValueError('unplugged')

    def close(self) -> None:
        self.closed = True
        self.go.release(1000)


def test_slow_consumer_gets_the_newest_frame() -> None:
    camera = Camera(10)
    live = LiveSource(camera)
    frames = iter(live)
    camera.go.release(1)
    assert next(frames).index == 0
    camera.go.release(8)
    deadline = time.monotonic() + 5
    while live.dropped < 7 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert next(frames).index == 8 and live.dropped == 7
    camera.go.release(1)
    assert next(frames).index == 9
    assert next(frames, None) is None
    assert camera.closed


def test_audio_of_dropped_frames_comes_with_the_next() -> None:
    camera = Camera(10, audio=True)
    live = LiveSource(camera)
    frames = iter(live)
    camera.go.release(1)
    assert next(frames).audio.samples.tolist() == [0.0, 0.0]
    camera.go.release(8)
    deadline = time.monotonic() + 5
    while live.dropped < 7 and time.monotonic() < deadline:
        time.sleep(0.01)
    audio = next(frames).audio
    assert audio.time == pytest.approx(0.01) and audio.samples.tolist() == [i for i in range(1, 9) for _ in range(2)]
    camera.go.release(1)
    assert next(frames).audio.samples.tolist() == [9.0, 9.0]


def test_audio_that_is_not_taken_is_bounded() -> None:
    camera = Camera(3000, audio=True)
    live = LiveSource(camera)
    frames = iter(live)
    camera.go.release(1)
    next(frames)
    camera.go.release(2999)
    deadline = time.monotonic() + 20
    while live.dropped < 2998 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert live.dropped == 2998 and len(live._audio) == 2000, '10 seconds at 200 samples a second'
    assert next(frames).audio.time == pytest.approx(20.0)


def test_failure_reaches_the_consumer() -> None:
    camera = Camera(1, fails=True)
    camera.go.release(1)
    with pytest.raises(ValueError, match='unplugged'):
        list(LiveSource(camera))


def test_close_stops_the_thread() -> None:
    camera = Camera(1000)
    camera.go.release(2)
    with LiveSource(camera) as live:
        next(iter(live))
        camera.go.release(1)
    live._thread.join(2)
    assert not live._thread.is_alive() and camera.closed


def test_close_before_the_first_frame() -> None:
    camera = Camera(3)
    LiveSource(camera).close()
    assert camera.closed
