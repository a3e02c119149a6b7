"""Audio of what does not wait: network streams, and cameras with a microphone."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from mmrcf.errors import InputError, InputFileError
from mmrcf.media import Frame, LiveSource, VideoSource, VideoWriter, live_audio, open_source
from mmrcf.media.audio_input import with_audio
from mmrcf.media.live_audio import Microphone


def stream(path: Path, audio: bool = True) -> VideoSource:
    """A file, read as a live stream is: once, both streams together."""
    return VideoSource(str(path), 'stream', live=True, audio=audio)


def audio_of(frames: list[Frame]) -> tuple[float, float]:
    """Times of flash and beep, as a model gets them."""
    flash = next(frame.time for frame in frames if frame.image.mean() > 128)
    for frame in frames:
        if frame.audio is not None:
            loud = np.flatnonzero(np.abs(frame.audio.samples) > 0.3)
            if len(loud):
                return flash, frame.audio.time + loud[0] / frame.audio.sample_rate
    raise AssertionError('no beep')


@pytest.mark.parametrize('audio_start', [0.0, 0.4])
def test_stream(tmp_path: Path, write_beep: Callable[..., Path], audio_start: float) -> None:
    live = stream(write_beep(tmp_path / 'clip.ts', audio_start=audio_start))
    assert (live.audio_format.sample_rate, live.audio_format.channels, live.audio_track) == (44100, 2, None)
    frames = list(live)
    flash, beep = audio_of(frames)
    assert len(frames) == 30 and beep == pytest.approx(flash, abs=0.01)
    for frame in frames[8:]:
        lag = frame.time - (frame.audio.time + len(frame.audio.samples) / 44100)
        assert 0 <= lag < 0.001, 'a frame waits for its audio'


def test_stream_whose_audio_stops(tmp_path: Path, write_beep: Callable[..., Path]) -> None:
    """The first frames that lack it wait a little, all others not; none is lost."""
    live = stream(write_beep(tmp_path / 'clip.ts', seconds=1.5))
    frames = list(live)
    assert len(frames) == 30 and [frame.index for frame in frames] == list(range(30))
    assert all(frame.audio is None for frame in frames[17:25])


@pytest.mark.parametrize('audio_start', [0.0, 0.4])
def test_clock_that_restarts(tmp_path: Path, write_beep: Callable[..., Path], audio_start: float) -> None:
    """Audio of the new clock arrives before the last pictures of the old one, which are decoded out of order."""
    part, joined = write_beep(tmp_path / 'part.ts', audio_start=audio_start), tmp_path / 'joined.ts'
    joined.write_bytes(5 * part.read_bytes())
    frames = list(stream(joined))
    assert len(frames) == 150 and np.diff([frame.time for frame in frames]) == pytest.approx(0.1, abs=0.01)
    chunks = [frame.audio for frame in frames if frame.audio is not None]
    ends = [chunk.time + len(chunk.samples) / 44100 for chunk in chunks]
    assert np.diff([time for chunk, end in zip(chunks, ends, strict=True) for time in (chunk.time, end)]).min() > -1e-6
    assert all(frame.audio.time < frame.time for frame in frames if frame.audio is not None)
    samples = np.concatenate([chunk.samples for chunk in chunks])
    times = np.concatenate([chunk.time + np.arange(len(chunk.samples)) / 44100 for chunk in chunks])
    loud = times[np.abs(samples) > 0.3]
    flashes = [frame.time for frame in frames if frame.image.mean() > 128]
    beeps = [loud[0], *(later for earlier, later in zip(loud, loud[1:], strict=False) if later - earlier > 0.5)]
    assert len(flashes) == 5 and beeps == pytest.approx(flashes, abs=0.02), 'errors do not add up'


def test_stream_without_being_asked(tmp_path: Path, write_beep: Callable[..., Path]) -> None:
    with stream(write_beep(tmp_path / 'clip.ts'), audio=False) as live:
        assert live.audio_format is None and all(frame.audio is None for frame in live)


def test_stream_for_an_output_alone(
    tmp_path: Path, write_beep: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No frame waits for its audio, which comes with a later frame."""
    clip = write_beep(tmp_path / 'clip.ts')
    monkeypatch.setattr(live_audio.StreamAudio, 'wait_for', None)
    frames = list(VideoSource(str(clip), 'stream', live=True, audio=True, waits=False))
    flash, beep = audio_of(frames)
    assert len(frames) == 30 and beep == pytest.approx(flash, abs=0.01)


def test_stream_without_audio(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    with stream(write_clip(tmp_path / 'clip.ts')) as live:
        assert live.audio_format is None and all(frame.audio is None for frame in live)


def test_slow_consumer_misses_frames_but_no_audio(tmp_path: Path, write_beep: Callable[..., Path]) -> None:
    frames = []
    with LiveSource(stream(write_beep(tmp_path / 'clip.ts'))) as live:
        for frame in live:
            frames.append(frame)
            time.sleep(0.05)
    chunks = [frame.audio for frame in frames if frame.audio is not None]
    assert live.dropped > 0 and len(frames) + live.dropped == 30
    for one, other in zip(chunks, chunks[1:], strict=False):
        assert other.time == pytest.approx(one.time + len(one.samples) / 44100, abs=1e-3)


def test_recorded_audio_is_in_step(tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable) -> None:
    live = stream(write_beep(tmp_path / 'clip.ts', audio_start=0.4))
    with VideoWriter(tmp_path / 'out.mp4', live) as writer:
        for frame in live:
            writer.add(frame.image, frame.time, frame.audio)
    flash, beep = flash_and_beep(tmp_path / 'out.mp4')
    assert beep == pytest.approx(flash, abs=0.02)


def test_an_output_takes_the_audio_file_of_a_live_source_from_its_frames(
    tmp_path: Path, write_beep: Callable[..., Path]
) -> None:
    """The thread of the live source is the only one that reads the file."""
    clip, tone = write_beep(tmp_path / 'clip.ts'), write_beep(tmp_path / 'tone.wav', audio='pcm_s16le', times=None)
    source = with_audio(stream(clip, audio=False), tone)
    demuxer, readers = source.audio_track.demuxer, set()
    packets = demuxer._packets

    def slow() -> Iterator[object]:
        for packet in packets:
            readers.add(threading.current_thread().name)
            time.sleep(0.002)  # as over a network
            yield packet

    demuxer._packets = slow()
    with LiveSource(source) as live, VideoWriter(tmp_path / 'out.mp4', live) as writer:
        for frame in live:
            writer.add(frame.image, frame.time, frame.audio)
    assert readers == {'live source'}
    with av.open(str(tmp_path / 'out.mp4')) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert np.flatnonzero(np.abs(samples) > 0.3)[0] / 44100 == pytest.approx(1.2, abs=0.05)


def test_http_without_an_end(live_beep: str) -> None:
    with open_source(live_beep, audio=True) as live:
        assert isinstance(live, LiveSource) and live.num_frames is None
        assert str(live.audio_format) == f'stream {live_beep} (44100 Hz, 2 channels)'
        frames = list(live)
    assert frames and sum(len(frame.audio.samples) for frame in frames if frame.audio) > 44100


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera and a microphone that FFmpeg makes up, in real time."""
    camera = ('lavfi', 'testsrc=size=64x48:rate=20:duration=1.5,realtime,format=yuv420p')
    tone = 'sine=frequency=440:sample_rate=48000:duration=1.6,arealtime'
    monkeypatch.setattr('mmrcf.media.open.CAMERA_DEVICES', {sys.platform: camera})
    monkeypatch.setattr(live_audio, 'DEVICES', {sys.platform: (('pulse', 'x', 'x'), ('lavfi', '{name}', tone))})


def test_camera_with_microphone(devices: None) -> None:
    started = time.monotonic()
    with open_source('0', audio='mic') as live:
        assert str(live.audio_format) == 'microphone default (48000 Hz, 1 channel)'
        frames = list(live)
    assert time.monotonic() - started < 60  # it does not wait for a device without end
    with_audio = [frame for frame in frames if frame.audio is not None]
    assert len(with_audio) > 10
    for one, other in zip(with_audio[2:], with_audio[3:], strict=False):
        assert other.audio.time == pytest.approx(one.audio.time + len(one.audio.samples) / 48000, abs=0.02)
        assert -1e-3 <= other.time - (other.audio.time + len(other.audio.samples) / 48000) < 0.35
    assert np.abs(with_audio[-1].audio.samples).max() > 0.05


def test_camera_without_microphone(devices: None) -> None:
    with open_source(0, audio=True) as live:
        assert live.audio_format is None and next(iter(live)).audio is None


@pytest.mark.parametrize('name', ['mic', 'mic:front'])
def test_no_such_microphone(devices: None, name: str, capfd: pytest.CaptureFixture) -> None:
    live_audio.DEVICES[sys.platform] = (('pulse', '{name}', 'x'), ('lavfi', '{name}', 'nothing=5'))
    with pytest.raises(InputFileError, match='microphone .*: cannot be opened .*pulse: .*lavfi: .*mic:NAME') as caught:
        open_source('0', audio=name)
    assert '\n' not in str(caught.value) and capfd.readouterr().err == ''


def test_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_audio.sys, 'platform', 'win32')
    with pytest.raises(InputError, match='no default microphone on win32; give mic:NAME'):
        Microphone('mic', 0.0)
    monkeypatch.setattr(live_audio.sys, 'platform', 'plan9')
    with pytest.raises(InputError, match='not supported on plan9'):
        Microphone('mic', 0.0)


def test_clocks_of_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_audio.time, 'time', lambda: 1.7e9)
    monkeypatch.setattr(live_audio.time, 'monotonic', lambda: 5000.0)
    offset = live_audio.time_of_day_offset
    assert offset(1.7e9 - 0.1) == 0, 'time of day'
    assert offset(4999.9) == 1.7e9 - 5000, 'since the system started'
    assert offset(12.5) == 1.7e9 - 12.5, 'a clock of its own'
