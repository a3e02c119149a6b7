import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmrcf.audio import AudioChunk
from mmrcf.audio.file import AudioReader
from mmrcf.errors import InputError, InputFileError
from mmrcf.media import Frame, FrameSource, open_source
from mmrcf.media.audio_input import FramesWithAudio
from mmrcf.utils.demuxer import Demuxer


def assert_joined(frames: list[Frame], rate: int) -> np.ndarray:
    """All samples of the frames; they follow each other directly and end before their frame."""
    chunks = [(frame.time, frame.audio) for frame in frames if frame.audio is not None]
    for (_, one), (time, other) in zip(chunks, chunks[1:], strict=False):
        assert other.time == pytest.approx(one.time + len(one.samples) / rate, abs=1e-6)
        assert time - 2 / rate <= other.time + len(other.samples) / rate <= time + 1e-6
    return np.concatenate([audio.samples for _, audio in chunks])


def test_own_audio(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mov', frames=20, audio='pcm_s16le')
    with open_source(clip, audio=True) as source:
        assert str(source.audio_format) == 'clip.mov (16000 Hz, 1 channel)'
        assert (source.num_frames, source.fps) == (20, 10.0) and source.audio_track
        frames = list(source)
    samples = assert_joined(frames, 16000)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / 16000)
    np.testing.assert_allclose(samples, tone, atol=1e-4)
    assert len(samples) == pytest.approx(frames[-1].time * 16000, abs=16) and frames[0].audio is None


def test_without_being_asked_for(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    source = open_source(write_clip(tmp_path / 'clip.mp4', audio='aac'))
    assert source.audio_format is None and source.audio_track
    assert all(frame.audio is None for frame in source)


def test_source_without_audio(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    source = open_source(write_clip(tmp_path / 'clip.mp4'), audio=True)
    assert source.audio_format is None and all(frame.audio is None for frame in source)


def test_folder_with_audio(tmp_path: Path, write_wav: Callable[..., Path]) -> None:
    for index in range(4):
        cv2.imwrite(str(tmp_path / f'{index}.png'), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / '2.png').write_bytes(b'')
    audio = write_wav(tmp_path / 'audio.wav', np.arange(-20000, 20000, dtype=np.int16), 48000)
    source = open_source(tmp_path, audio=audio, fps=4)
    frames = list(source)
    assert str(source.audio_format) == 'audio.wav (48000 Hz, 1 channel)' and source.skipped == 1
    samples = assert_joined(frames, 48000)
    assert [frame.index for frame in frames] == [0, 1, 3] and source.file_names == [f'{i}.png' for i in range(4)]
    np.testing.assert_allclose(samples * 32768, np.arange(-20000, -20000 + 36000))


class SlideShow(FrameSource):
    """A frame now and then."""

    def __init__(self, times: list[float]) -> None:
        self.name, self.height, self.width, self.fps, self._times = 'slides', 4, 4, 1.0, times

    def __iter__(self) -> Iterator[Frame]:
        for index, time in enumerate(self._times):
            yield Frame(np.zeros((4, 4, 3), np.uint8), time, index)


class Hum:
    """Audio without an end; keeps the longest chunk that was returned."""

    sample_rate, channels = 1000, 1

    def __init__(self) -> None:
        self.done, self.longest = 0, 0

    def chunk_until(self, time: float) -> AudioChunk | None:
        first, self.done = self.done, int(time * 1000 + 1e-6)
        self.longest = max(self.longest, self.done - first)
        return AudioChunk(np.zeros(self.done - first, np.float32), 1000, first / 1000)

    def skip_until(self, time: float) -> None:
        self.done = max(self.done, int(time * 1000 + 1e-6))

    def close(self) -> None:
        self.done = None


def test_an_hour_between_two_frames() -> None:
    hum = Hum()
    with FramesWithAudio(SlideShow([0.0, 0.5, 3600.0, 3600.5]), hum, 'hum') as source:
        lengths = [len(frame.audio.samples) for frame in source]
    assert lengths == [0, 500, 10000, 500] and hum.longest == 10000 and hum.done is None


def test_a_long_file_between_two_frames(tmp_path: Path, write_wav: Callable[..., Path]) -> None:
    audio = write_wav(tmp_path / 'audio.wav', np.arange(30000, dtype=np.int16), 1000)
    reader = AudioReader.open(str(audio), None, 'audio')
    with FramesWithAudio(SlideShow([0.0, 0.5, 25.0, 25.5, 1e9]), reader, 'audio') as source:
        chunks = [frame.audio for frame in source]
    assert [(chunk.time, len(chunk.samples)) for chunk in chunks if chunk] == [(0, 500), (15, 10000), (25, 500)]
    np.testing.assert_allclose(chunks[2].samples * 32768, np.arange(15000, 25000))


def make_bad_audio(tmp_path: Path, write_clip: Callable[..., Path], kind: str) -> tuple[str, str]:
    path = tmp_path / f'{kind}.wav'
    if kind == 'missing':
        return str(path), 'no such file'
    if kind == 'empty':
        path.touch()
        return str(path), 'the file is empty'
    if kind == 'text':
        path.write_text('this is no audio\n' * 50)
        return str(path), 'audio'
    if kind == 'video without audio':
        return str(write_clip(tmp_path / 'silent.mp4')), 'holds no audio'
    if kind == 'microphone':
        return 'mic:front', 'a microphone goes with a camera'
    if kind == 'live':
        return 'rtsp://127.0.0.1:9/audio', 'expected a file or one of http, https'
    raise AssertionError(kind)


@pytest.mark.parametrize('kind', ['missing', 'empty', 'text', 'video without audio', 'microphone', 'live'])
def test_bad_audio_gives_one_line(tmp_path: Path, write_clip: Callable[..., Path], kind: str) -> None:
    clip = write_clip(tmp_path / 'clip.mp4')
    audio, expected = make_bad_audio(tmp_path, write_clip, kind)
    with pytest.raises(InputError) as caught:
        open_source(clip, audio=audio)
    message = str(caught.value)
    assert expected in message and audio in message and '\n' not in message
    if kind in ('missing', 'empty'):
        assert isinstance(caught.value, InputFileError)


def test_own_audio_that_cannot_be_read(
    tmp_path: Path, write_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The frames can be read: they come without audio, with a warning."""

    def refuse(self: AudioReader, demuxer: Demuxer, clock_start: float) -> None:
        raise InputFileError(f'{demuxer.name}: none of its audio can be decoded')

    clip = write_clip(tmp_path / 'clip.mp4', audio='aac')
    monkeypatch.setattr(AudioReader, '__init__', refuse)
    with caplog.at_level(logging.WARNING), open_source(clip, audio=True) as source:
        assert source.audio_format is None and len(list(source)) == 8
    assert 'clip.mp4' in caplog.text and 'without audio' in caplog.text
