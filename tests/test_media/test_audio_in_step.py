"""Pictures and audio of the output are in step, whatever the input does with its clocks."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from mmrcf.media import VideoWriter, open_source

FRAME = 0.1
VARIABLE = (0, 0.04, 0.05, 0.4, 0.41, 0.9, 1.2, 1.25, 1.5, 2.0, 2.9)
LATE_PICTURES = tuple(0.5 + index / 10 for index in range(25))


def copy(clip: Path, output: Path, audio: bool | Path) -> tuple[float, float]:
    """Copy a clip; returns the times of flash and beep as a model gets them."""
    flash, beep = None, None
    with open_source(clip, audio=audio) as source, VideoWriter(output, source) as writer:
        for frame in source:
            writer.add(frame.image, frame.time, frame.audio)
            if frame.image.mean() > 128 and flash is None:
                flash = frame.time
            if frame.audio is not None and beep is None:
                assert frame.audio.time + len(frame.audio.samples) / frame.audio.sample_rate <= frame.time + 1e-6
                loud = np.flatnonzero(np.abs(frame.audio.samples) > 0.3)
                beep = frame.audio.time + loud[0] / frame.audio.sample_rate if len(loud) else None
    return flash, beep


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('priming.mp4', {}),
        ('start_time.ts', {}),
        ('variable.mp4', dict(times=VARIABLE)),
        ('variable.mkv', dict(times=VARIABLE, audio='pcm_s16le')),
        ('late_audio.mp4', dict(audio_start=0.5)),
        ('late_audio.mkv', dict(audio_start=0.5, audio='pcm_s16le')),
        ('late_pictures.mp4', dict(times=LATE_PICTURES)),
        ('late_both.ts', dict(times=LATE_PICTURES, audio_start=0.3)),
        ('fast.mkv', dict(audio='flac', rate=192000)),
        ('opus.mkv', dict(audio='libopus', rate=48000)),
        ('surround.mkv', dict(audio='pcm_s16le', rate=48000, layout='7.1')),
        ('surround.mp4', dict(rate=48000, layout='7.1')),
    ],
)
def test_own_audio(
    tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable, name: str, options: dict
) -> None:
    clip = write_beep(tmp_path / name, **options)
    flash, beep = copy(clip, tmp_path / 'out.mp4', audio=True)
    assert beep == pytest.approx(flash, abs=FRAME / 5)
    flash, beep = flash_and_beep(tmp_path / 'out.mp4')
    assert beep == pytest.approx(flash, abs=FRAME / 5)


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('audio.wav', dict(audio='pcm_s16le')),
        ('float.wav', dict(audio='pcm_f32le')),
        ('priming.m4a', {}),
        ('priming.mp3', dict(audio='libmp3lame')),
        ('long.flac', dict(audio='flac', seconds=9.0)),
        ('video.mkv', dict(times=LATE_PICTURES, audio_start=0.2)),
    ],
)
def test_audio_of_another_file(
    tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable, name: str, options: dict
) -> None:
    start = min(LATE_PICTURES[0], 0.2) if name == 'video.mkv' else 0.0
    clip = write_beep(tmp_path / 'clip.mp4')
    audio = write_beep(tmp_path / name, **{'times': None, **options})
    flash, beep = copy(clip, tmp_path / 'out.mp4', audio=audio)
    assert beep == pytest.approx(flash - start, abs=FRAME / 5)
    flash, beep = flash_and_beep(tmp_path / 'out.mp4')
    assert beep == pytest.approx(flash - start, abs=FRAME / 5)
    with av.open(str(tmp_path / 'out.mp4')) as container:
        assert container.duration / av.time_base == pytest.approx(3.0, abs=0.15), 'longer audio ends with the pictures'


def test_audio_that_is_no_number(tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable) -> None:
    audio = write_beep(tmp_path / 'float.wav', audio='pcm_f32le', times=None)
    content = bytearray(audio.read_bytes())
    content[-200000:-199000] = np.full(250, np.nan, np.float32).tobytes()
    audio.write_bytes(content)
    copy(write_beep(tmp_path / 'clip.mp4'), tmp_path / 'out.mp4', audio=audio)
    flash, beep = flash_and_beep(tmp_path / 'out.mp4')
    assert beep == pytest.approx(flash, abs=FRAME / 5)


@pytest.mark.parametrize('suffix', ['.mp4', '.ts'])
def test_damage_in_the_audio_does_not_end_the_pictures(
    tmp_path: Path, write_beep: Callable[..., Path], suffix: str
) -> None:
    clip = write_beep(tmp_path / f'clip{suffix}', seconds=6.0)
    with av.open(str(clip)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    content, rng = bytearray(clip.read_bytes()), np.random.default_rng(0)
    for position, size in packets[10:60:7]:
        content[position : position + size] = rng.bytes(size)
    clip.write_bytes(content)
    with open_source(clip, audio=True) as source, VideoWriter(tmp_path / 'out.mp4', source) as writer:
        for frame in source:
            writer.add(frame.image, frame.time, frame.audio)
    with av.open(str(tmp_path / 'out.mp4')) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 28
        container.seek(0)
        assert sum(1 for packet in container.demux(audio=0) if packet.size) > 100
