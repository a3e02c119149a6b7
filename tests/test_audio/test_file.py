"""Audio of files, aligned by presentation time."""

import logging
import math
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import wavfile
from scipy.signal import correlate

from mmrcf.audio import AudioChunk
from mmrcf.audio.decoder import AudioDecoder
from mmrcf.audio.file import AudioReader, read_audio, read_wav_segment
from mmrcf.errors import InputError, InputFileError
from mmrcf.media import open_source

LAYOUTS = {1: 'mono', 2: 'stereo', 6: '5.1'}


def noise(count: int) -> np.ndarray:
    """Noise without its highest tones, which codecs leave out."""
    white = np.random.default_rng(0).normal(0, 0.3, count + 4)
    return np.convolve(white, [0.1, 0.2, 0.4, 0.2, 0.1], 'valid').astype(np.float32)


def write_audio(
    path: Path, mono: np.ndarray, rate: int, codec: str, channels: int = 1, *, pictures: bool = False, start: int = 0
) -> Path:
    """The same audio on all channels, its first sample at ``start`` / ``rate`` seconds; a picture every 0.1 s."""
    layout = LAYOUTS[channels]
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        video = container.add_stream('mpeg4', rate=10) if pictures else None
        if video:
            video.width, video.height, video.pix_fmt = 64, 64, 'yuv420p'
            for index in range(math.ceil(len(mono) / rate * 10)):
                picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 * index % 255, np.uint8))
                picture.pts, picture.time_base = index, Fraction(1, 10)
                container.mux(video.encode(picture))
            container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(np.tile(mono, (channels, 1)), format='fltp', layout=layout)
        frame.rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        converter = av.AudioResampler(format=stream.codec_context.format.name, layout=layout, rate=rate)
        queue = av.AudioFifo()
        for converted in converter.resample(frame):
            converted.pts = None
            queue.write(converted)
        while (frame := queue.read(stream.codec_context.frame_size or 1024, partial=True)) is not None:
            frame.pts, frame.time_base = start, Fraction(1, rate)
            start += frame.samples
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_tones(path: Path, starts: list[float], rate: int = 8000) -> Path:
    """PCM in Matroska: segments of 0.5 s with the given presentation times."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('pcm_s16le', rate=rate, layout='mono')
        for number, start in enumerate(starts):
            frame = av.AudioFrame.from_ndarray(np.full((1, rate // 2), 100 * (number + 1), np.int16), 's16', 'mono')
            frame.rate, frame.pts, frame.time_base = rate, round(start * rate), Fraction(1, rate)
            container.mux(stream.encode(frame))
    return path


def delay(window, mono: np.ndarray) -> int:
    """By how many samples the audio of ``window`` comes after ``mono``."""
    (run,) = window.runs
    return int(np.argmax(correlate(run.samples, mono, method='fft'))) - (len(mono) - 1) + run.first


@pytest.mark.parametrize(
    ('name', 'codec', 'rate', 'channels', 'error'),
    [
        ('a.wav', 'pcm_s16le', 44100, 2, 2e-5),
        ('a.wav', 'pcm_s16le', 16000, 1, 2e-5),
        ('a.wav', 'pcm_s24le', 96000, 6, 2e-7),
        ('a.wav', 'pcm_s32le', 22050, 6, 1e-7),
        ('a.wav', 'pcm_u8', 8000, 1, 5e-3),
        ('a.wav', 'pcm_f32le', 48000, 1, 0),
        ('a.wav', 'pcm_f64le', 192000, 2, 0),
        ('a.wav', 'pcm_s16le', 44101, 2, 2e-5),
        ('a.flac', 'flac', 44100, 2, 2e-5),
        ('a.mov', 'pcm_s16be', 44100, 6, 2e-5),
    ],
)
def test_lossless_kinds(tmp_path: Path, name: str, codec: str, rate: int, channels: int, error: float) -> None:
    mono = noise(rate // 2 + 77)
    window = read_audio(write_audio(tmp_path / name, mono, rate, codec, channels))
    (run,) = window.runs
    assert (window.sample_rate, run.first, len(run.samples)) == (rate, 0, len(mono))
    np.testing.assert_allclose(run.samples, mono, atol=error)
    with_time = AudioReader.open(str(tmp_path / name), 0.0, name)
    assert (with_time.sample_rate, with_time.channels, with_time.clock_start) == (rate, channels, 0)


@pytest.mark.parametrize(
    ('name', 'codec', 'rate', 'channels'),
    [
        ('a.mp3', 'libmp3lame', 44100, 2),
        ('a.m4a', 'aac', 48000, 2),
        ('a.mp4', 'aac', 44100, 2),
        ('a.mp4', 'aac', 8000, 1),
        ('a.mp4', 'aac', 96000, 6),
        ('a.mp4', 'libmp3lame', 44100, 1),
        ('a.mkv', 'aac', 44100, 2),
        ('a.mkv', 'libopus', 48000, 2),
        ('a.avi', 'libmp3lame', 44100, 2),
    ],
)
def test_codecs_that_start_early_are_in_time(tmp_path: Path, name: str, codec: str, rate: int, channels: int) -> None:
    """Encoders put some priming before the audio: it has times before the start, and the signal keeps its time."""
    mono = noise(rate)
    pictures = not name.endswith(('mp3', 'm4a'))
    window = read_audio(write_audio(tmp_path / name, mono, rate, codec, channels, pictures=pictures))
    assert window.sample_rate == rate
    assert delay(window, mono) == (1105 if name == 'a.avi' else 0), 'AVI does not mark priming'
    assert abs(window.end_time - 1) < 0.1


@pytest.mark.parametrize('name', ['a.mp4', 'a.mkv'])
@pytest.mark.parametrize('start', [0, 22050])
def test_audio_is_on_the_clock_of_the_pictures(tmp_path: Path, name: str, start: int) -> None:
    mono = noise(44100)
    path = write_audio(tmp_path / name, mono, 44100, 'aac', 2, pictures=True, start=start)
    window = read_audio(path)
    assert abs(delay(window, mono) - start) <= 44, 'both containers give a late start in milliseconds'
    with open_source(path) as source:
        same = read_audio(path, source.clock_start)
    assert torch.equal(window.patch(1.2)[0], same.patch(1.2)[0])


def test_the_clock_may_start_anywhere(tmp_path: Path) -> None:
    """Audio before time zero is kept: the first frame comes with it."""
    mono = noise(44100)
    path = write_audio(tmp_path / 'a.mp4', mono, 44100, 'aac', pictures=True)
    window, later = read_audio(path), read_audio(path, clock_start=0.5)
    assert later.runs[0].first == window.runs[0].first - 22050
    assert torch.equal(later.patch(0.0)[0], window.patch(0.5)[0])
    assert torch.equal(later.patch(0.25)[0], window.patch(0.75)[0])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.floats(-1, 2.5), max_size=25), data=st.data())
def test_reading_in_steps_is_reading_at_once(audio_with_gaps: Path, times: list[float], data: st.DataObject) -> None:
    path, clock_start = audio_with_gaps, data.draw(st.sampled_from([None, 0.25]))
    whole = read_audio(path, clock_start)
    reader = AudioReader.open(str(path), clock_start, 'audio')
    window, end = whole.empty(), -math.inf
    for time in [*times, math.inf]:
        chunk = reader.chunk_until(time)
        if chunk is not None:
            assert len(chunk.samples) and chunk.time >= end - 1e-9
            end = chunk.time + len(chunk.samples) / chunk.sample_rate
            assert end <= time + 1e-9
            window = window.append(chunk)
    assert reader.chunk_until(math.inf) is None
    assert window.end_time == whole.end_time
    for time in (0.3, 1.0, 1.6, 2.5):
        assert torch.equal(window.patch(time)[0], whole.patch(time)[0])
    reader.close()
    reader.close()


@pytest.fixture(scope='module')
def audio_with_gaps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tones(tmp_path_factory.mktemp('audio') / 'gaps.mkv', [0.0, 0.7, 1.205, 1.6])


def test_gaps_overlaps_and_jitter(audio_with_gaps: Path) -> None:
    """Segments at 0, 0.7 (gap), 1.205 (5 ms late: counts as 1.2) and 1.6 s (the first 100 ms overlap)."""
    window = read_audio(audio_with_gaps)
    assert [(run.first, run.end) for run in window.runs] == [(0, 4000), (5600, 16800)]
    np.testing.assert_array_equal(np.unique(window.runs[1].samples * 32768), [200, 300, 400])
    assert (window.runs[1].samples * 32768 == 400).sum() == 3200
    chunk = AudioReader.open(str(audio_with_gaps), None, 'audio').chunk_until(math.inf)
    assert len(chunk.samples) == 16800 and np.isnan(chunk.samples).sum() == 1600


def test_a_clock_that_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    """Joined recordings. What PyAV writes cannot be such a file, so the times that the decoder gives are changed."""
    path = write_tones(tmp_path / 'a.mkv', [0.5 * index for index in range(8)])
    times = iter([0, 0.5, 1, 1.5, 0, 0.5, 1, 1.5])
    decode = AudioDecoder.decode

    def joined(self, packet) -> list[AudioChunk]:
        return [AudioChunk(chunk.samples, chunk.sample_rate, next(times)) for chunk in decode(self, packet)]

    monkeypatch.setattr(AudioDecoder, 'decode', joined)
    with caplog.at_level(logging.WARNING):
        window = read_audio(path)
    assert [(run.first, run.end) for run in window.runs] == [(0, 32000)]
    assert [record.message for record in caplog.records] == [
        f'audio {path}: its clock jumps back at 2.000 s; it continues from there'
    ]


def test_memory_is_constant(tmp_path: Path) -> None:
    """A minute of audio, 1.9 MB as floats, read frame by frame."""
    rate = 8000
    wavfile.write(tmp_path / 'a.wav', rate, np.zeros(60 * rate, np.int16))
    tracemalloc.start()
    reader = AudioReader.open(str(tmp_path / 'a.wav'), None, 'audio')
    for index in range(1, 60 * 25 + 1):
        assert len(reader.chunk_until(index / 25).samples) == rate // 25
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reader.chunk_until(math.inf) is None
    assert peak < 300_000


def test_no_audio_stream(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    path = write_clip(tmp_path / 'clip.mp4')
    window = read_audio(path)
    assert window.num_samples_kept == 0 and window.patch(0.5)[1] is False
    reader = AudioReader.open(str(path), 0.0, 'clip')
    assert (reader.sample_rate, reader.channels, reader.chunk_until(1.0)) == (None, 0, None)


def test_no_samples(tmp_path: Path) -> None:
    wavfile.write(tmp_path / 'a.wav', 16000, np.zeros(0, np.int16))
    assert read_audio(tmp_path / 'a.wav').num_samples_kept == 0


def test_samples_that_are_no_numbers(tmp_path: Path, caplog) -> None:
    samples = noise(16000)
    samples[4000:5000] = np.nan
    wavfile.write(tmp_path / 'a.wav', 16000, samples)
    window = read_audio(tmp_path / 'a.wav')
    assert 'no numbers' in caplog.text and 'a.wav' in caplog.text
    patch, valid = window.patch(1.0)
    assert valid and patch.isfinite().all()


@pytest.mark.parametrize('content', [b'', b'not audio', bytes(10_000), b'RIFF' + bytes(range(256)) * 40])
def test_not_an_audio_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / 'a.wav'
    path.write_bytes(content)
    with pytest.raises(InputFileError, match='a.wav'):
        read_audio(path)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match='none.wav'):
        read_audio(tmp_path / 'none.wav')
    with pytest.raises(InputFileError, match='my audio'):
        AudioReader.open(str(tmp_path / 'none.wav'), None, 'my audio')


def test_a_rate_that_is_no_audio(tmp_path: Path) -> None:
    wavfile.write(tmp_path / 'a.wav', 100, np.zeros(100, np.int16))
    with pytest.raises(InputError, match='a.wav.*sample rate 100'):
        read_audio(tmp_path / 'a.wav')


def test_a_truncated_wav_ends_early(tmp_path: Path) -> None:
    mono = noise(16000)
    path = write_audio(tmp_path / 'a.wav', mono, 16000, 'pcm_s16le')
    path.write_bytes(path.read_bytes()[:20_001])
    assert 0.5 < read_audio(path).end_time < 0.63


def test_a_truncated_mp4(tmp_path: Path) -> None:
    path = write_audio(tmp_path / 'a.mp4', noise(16000), 16000, 'aac', pictures=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputFileError, match='a.mp4'):
        read_audio(path)


def damage(path: Path, indices: range) -> None:
    """Overwrite some packets of the audio stream."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    content = bytearray(path.read_bytes())
    for position, size in packets[indices.start : indices.stop]:
        content[position : position + size] = b'\xff' * size
    path.write_bytes(content)


def test_damaged_packets_are_left_out(tmp_path: Path, caplog) -> None:
    mono = noise(3 * 44100)
    path = write_audio(tmp_path / 'a.mp4', mono, 44100, 'aac', pictures=True)
    whole = read_audio(path)
    damage(path, range(50, 60))
    with caplog.at_level(logging.WARNING):
        window = read_audio(path)
    assert 'a.mp4' in caplog.text and 'damaged' in caplog.text
    assert window.end_time == whole.end_time
    assert window.num_samples_kept < whole.num_samples_kept
    assert torch.equal(window.patch(1.0)[0], whole.patch(1.0)[0])
    difference = (window.patch(2.8)[0] - whole.patch(2.8)[0]).abs()
    assert difference.mean() < 0.01, 'audio after the damage keeps its time'


def test_all_packets_damaged(tmp_path: Path) -> None:
    path = write_audio(tmp_path / 'a.mp4', noise(44100), 44100, 'aac', pictures=True)
    damage(path, range(0, 1000))
    with pytest.raises(InputFileError, match='none of its audio can be decoded'):
        read_audio(path)


@pytest.mark.parametrize('size', [100, 2**31, 2**32 - 1])
def test_a_segment_of_a_file_whose_sizes_lie_is_read_otherwise(tmp_path: Path, size: int) -> None:
    path = tmp_path / 'a.wav'
    path.write_bytes(b'RIFF' + (40).to_bytes(4, 'little') + b'WAVELIST' + size.to_bytes(4, 'little') + bytes(20))
    assert read_wav_segment(path, 0.0, 1.0) is None
