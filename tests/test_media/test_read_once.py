"""Inputs that can be read only once: pipes give the frames, the audio and the outputs of a file."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mmrcf.errors import InputFileError
from mmrcf.media import Frame, VideoWriter, open_source
from mmrcf.utils import demuxer
from mmrcf.utils.container import open_container
from mmrcf.utils.demuxer import Demuxer


@contextmanager
def piped(content: bytes) -> Iterator[str]:
    """The path of a pipe that a thread fills with ``content``."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, 'wb') as pipe:
            pipe.write(content)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield f'/dev/fd/{reading}'
    finally:
        os.close(reading)
        thread.join(5)


def copy(source: str | Path, output: Path, audio: bool) -> list[Frame]:
    with open_source(source, audio=audio) as frames, VideoWriter(output, frames) as writer:
        taken = []
        for frame in frames:
            writer.add(frame.image, frame.time, frame.audio)
            taken.append(frame)
    return taken


def audio_packets(path: Path) -> list[tuple]:
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        return [(float(packet.pts * packet.time_base), bytes(packet)) for packet in packets]


@pytest.mark.parametrize('audio', [False, True])
@pytest.mark.parametrize(('suffix', 'codec'), [('ts', 'aac'), ('mkv', 'aac'), ('mkv', 'pcm_s16le')])
def test_a_pipe_is_as_good_as_a_file(
    tmp_path: Path, write_beep: Callable[..., Path], suffix: str, codec: str, audio: bool
) -> None:
    clip = write_beep(tmp_path / f'clip.{suffix}', audio=codec)
    of_file = copy(clip, tmp_path / 'file.mp4', audio)
    with piped(clip.read_bytes()) as pipe:
        of_pipe = copy(pipe, tmp_path / 'pipe.mp4', audio)
    assert len(of_file) == len(of_pipe) == 30
    for one, other in zip(of_file, of_pipe, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert (one.time, one.audio is None) == (pytest.approx(other.time), other.audio is None)
        if one.audio is not None:
            np.testing.assert_array_equal(one.audio.samples, other.audio.samples)
    assert any(frame.audio is not None for frame in of_pipe) == audio
    before, after = audio_packets(tmp_path / 'file.mp4'), audio_packets(tmp_path / 'pipe.mp4')
    assert before == after and len(before) > 100


def test_a_fifo_with_an_output(tmp_path: Path, write_beep: Callable[..., Path]) -> None:
    content, fifo = write_beep(tmp_path / 'clip.ts').read_bytes(), tmp_path / 'fifo'
    os.mkfifo(fifo)
    threading.Thread(target=lambda: fifo.write_bytes(content), daemon=True).start()
    assert len(copy(fifo, tmp_path / 'out.mp4', audio=False)) == 30
    assert audio_packets(tmp_path / 'out.mp4')


def test_a_playlist_in_a_pipe_opens_nothing(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.ts')
    playlist = f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n'
    with piped(playlist.encode()) as pipe, pytest.raises(InputFileError, match='/dev/fd/'):
        open_source(pipe)


def write_apart(path: Path, order: str) -> Path:
    """Twenty seconds of video and audio, not interleaved: all packets of one stream, then all of the other."""
    with av.open(str(path), 'w', format='nut', container_options={'max_interleave_delta': '1'}) as container:
        video = container.add_stream('mpeg4', rate=10)
        video.width, video.height = 32, 16
        audio = container.add_stream('pcm_s16le', rate=8000, layout='mono')
        packets = []
        for index in range(200):
            packets += video.encode(av.VideoFrame.from_ndarray(np.full((16, 32, 3), index, np.uint8), format='rgb24'))
        packets += video.encode(None)
        sound = []
        for index in range(200):
            samples = np.full((1, 800), index, np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format='s16', layout='mono')
            frame.sample_rate, frame.pts = 8000, 800 * index
            sound += audio.encode(frame)
        for packet in [*packets, *sound] if order == 'video first' else [*sound, *packets]:
            container.mux_one(packet)
    return path


def test_audio_far_behind_its_pictures_is_not_waited_for(tmp_path: Path) -> None:
    """At most ten seconds of packets wait: the frames come, and no audio that lies further away."""
    path = write_apart(tmp_path / 'clip.nut', 'video first')
    reader = Demuxer(open_container(str(path), 'clip'), 'clip')
    video, audio = reader.read_video(), reader.read_audio()
    assert next(audio) is None, 'the first audio packet is 20 seconds of video away'
    waiting = list(video.queued())
    assert 10 < waiting[-1].time - waiting[0].time < 10.5
    rest = [packet for packet in video if packet.packet is not None]
    assert len(waiting) + len(rest) == 200
    assert [packet.time for packet in audio if packet.packet is not None][:2] == [0.0, pytest.approx(0.1)]


def test_audio_far_ahead_of_its_pictures_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(demuxer, 'MAX_QUEUED_BYTES', 16000)
    path = write_apart(tmp_path / 'clip.nut', 'audio first')
    reader = Demuxer(open_container(str(path), 'clip'), 'clip')
    video, audio = reader.read_video(), reader.read_audio()
    reader.seal()
    assert sum(packet.packet is not None for packet in video) == 200
    assert [packet.size for packet in audio] == [1600] * 10 + [0], 'the newest second'
    assert caplog.text.count('a part of it is left out') == 1


@pytest.fixture
def time_limit() -> Iterator[None]:
    """Fail after 60 seconds: a reader that waits for what has gone by would never end."""

    def fail(*_: object) -> None:
        raise AssertionError('has not ended after 60 seconds')

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures('time_limit')
@pytest.mark.parametrize('reserved', [True, False])
def test_an_output_that_is_made_late_ends_and_has_the_reserved_audio(
    reserved: bool, write_beep: Callable[..., Path], tmp_path: Path
) -> None:
    clip, out = write_beep(tmp_path / 'clip.mp4'), tmp_path / 'out.mp4'
    with open_source(clip) as source:
        if reserved:
            source.audio_track.reserve()
        frames = list(source)
        with VideoWriter(out, source) as writer:
            for frame in frames:
                writer.add(frame.image, frame.time, frame.audio)
    with av.open(str(out)) as container, av.open(str(clip)) as original:
        copied, whole = ([packet.size for packet in file.demux() if packet.size] for file in (container, original))
        assert len(copied) - len(frames) == (len(whole) - len(frames) if reserved else 0)


@pytest.mark.usefixtures('time_limit')
@pytest.mark.parametrize('suffix', ['mkv', 'mp4'])
def test_a_gap_of_days_in_the_clock(tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    """Frames and audio behind it follow directly: no days of silence are encoded, whether audio is copied or not."""
    clip, out = tmp_path / 'clip.mkv', tmp_path / f'out.{suffix}'
    with av.open(str(clip), 'w') as container:
        video = container.add_stream('mpeg4', rate=10)
        video.width, video.height = 32, 16
        audio = container.add_stream('pcm_s16le', rate=8000, layout='mono')
        for index in range(20):
            start = index + (10 * 86400 * 3 if index >= 10 else 0)  # in tenths of a second
            picture = av.VideoFrame.from_ndarray(np.full((16, 32, 3), 10 * index, np.uint8), format='rgb24')
            picture.pts, picture.time_base = start, Fraction(1, 10)
            samples = np.full((1, 800), 1000 * index, np.int16)
            sound = av.AudioFrame.from_ndarray(samples, format='s16', layout='mono')
            sound.sample_rate, sound.pts, sound.time_base = 8000, 800 * start, Fraction(1, 8000)
            container.mux([*video.encode(picture), *audio.encode(sound)])
        container.mux(video.encode(None))
    taken = copy(clip, out, audio=True)
    assert [frame.time for frame in taken] == pytest.approx(np.arange(20) / 10, abs=0.002)
    levels = [float(np.median(frame.audio.samples)) * 32768 for frame in taken[1:]]
    np.testing.assert_allclose(levels, 1000 * np.arange(19), atol=1)
    assert 'its clock jumps at 1.000 s' in caplog.text
    with av.open(str(out)) as container:
        assert 1.9 < container.duration / av.time_base < 2.2


@pytest.mark.parametrize(('codec', 'suffix'), [('aac', 'mkv'), ('aac', 'mp4'), ('mp2', 'mp4')])  # mp2 is encoded again
def test_the_audio_of_joined_streams_goes_on(
    codec: str, suffix: str, tmp_path: Path, write_beep: Callable[..., Path]
) -> None:
    """As of a recorder that cuts its stream into files whose clocks begin alike: the beep is 1.2 s after each start."""
    part, joined, out = tmp_path / 'part.ts', tmp_path / 'joined.ts', tmp_path / f'out.{suffix}'
    joined.write_bytes(2 * write_beep(part, audio=codec, rate=48000).read_bytes())
    assert len(copy(joined, out, audio=True)) == 60
    with av.open(str(out)) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    loud = np.flatnonzero(np.abs(samples) > 0.05) / 48000
    assert loud[0] == pytest.approx(1.2, abs=0.1)
    assert loud[loud > 3.5][0] == pytest.approx(4.2, abs=0.15)


def test_joined_audio_of_another_rate_does_not_spoil_the_output(
    tmp_path: Path, write_beep: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    rates = (48000, 24000, 48000)
    parts = [write_beep(tmp_path / f'{index}.ts', rate=rate).read_bytes() for index, rate in enumerate(rates)]
    (tmp_path / 'joined.ts').write_bytes(b''.join(parts))
    assert len(copy(tmp_path / 'joined.ts', tmp_path / 'out.mp4', audio=False)) == 90
    with av.open(str(tmp_path / 'out.mp4')) as container:
        frames = list(container.decode(audio=0))
    assert {frame.sample_rate for frame in frames} == {48000}
    assert frames[-1].time == pytest.approx(9, abs=0.2)
    assert 'another sample rate or other channels than before' in caplog.text
