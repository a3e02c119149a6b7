import logging
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mmrcf.errors import InputError, InputFileError
from mmrcf.media import ImageWriter, Stopped, VideoWriter, open_source


def copy(source_path: Path, output: Path) -> None:
    with open_source(source_path) as source, VideoWriter(output, source) as writer:
        for frame in source:
            writer.add(frame.image, frame.time)


def video_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def audio_packets(path: Path) -> list[tuple]:
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        return [(float(packet.pts * packet.time_base), bytes(packet)) for packet in packets]


def hidden_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith('.')]


@pytest.mark.parametrize('suffix', ['.mp4', '.mkv', '.mov'])
def test_same_frames_rate_and_times(tmp_path: Path, write_clip: Callable[..., Path], suffix: str) -> None:
    clip, output = write_clip(tmp_path / 'clip.mp4'), tmp_path / f'out{suffix}'
    copy(clip, output)
    with av.open(str(output)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == 'h264' and stream.pix_fmt == 'yuv420p'
        assert stream.average_rate == 10 and not container.streams.audio
    np.testing.assert_allclose(video_times(output), video_times(clip), atol=1e-3)
    for one, other in zip(open_source(clip), open_source(output), strict=True):
        assert np.abs(one.image.astype(int) - other.image).mean() < 6
    assert not hidden_files(tmp_path)


def test_ntsc_rate_is_exact(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    times = [1001 * index for index in range(8)]
    rate = Fraction(24000, 1001)
    clip = write_clip(tmp_path / 'ntsc.mp4', times=times, time_base=Fraction(1, 24000), rate=rate)
    copy(clip, tmp_path / 'out.mp4')
    with av.open(str(tmp_path / 'out.mp4')) as container:
        assert container.streams.video[0].average_rate == rate
    assert video_times(tmp_path / 'out.mp4') == video_times(clip)


def test_variable_frame_rate_is_kept(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'vfr.mp4', frames=6, times=[0, 40, 50, 400, 410, 900], time_base=Fraction(1, 1000))
    copy(clip, tmp_path / 'out.mp4')
    np.testing.assert_allclose(video_times(tmp_path / 'out.mp4'), [0, 0.04, 0.05, 0.4, 0.41, 0.9], atol=1e-4)


def test_odd_sizes_are_padded(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'odd.mp4', height=97, width=161, pix_fmt='yuv444p')
    copy(clip, tmp_path / 'out.mp4')
    source = open_source(tmp_path / 'out.mp4')
    assert (source.height, source.width) == (98, 162)
    image = next(iter(source)).image.astype(int)
    np.testing.assert_allclose(image[-1], image[-2], atol=12)


@pytest.mark.parametrize(('container', 'codec'), [('mp4', 'aac'), ('mkv', 'libmp3lame'), ('ts', 'aac')])
def test_audio_is_copied(tmp_path: Path, write_clip: Callable[..., Path], container: str, codec: str) -> None:
    clip = write_clip(tmp_path / f'clip.{container}', frames=20, audio=codec)
    copy(clip, tmp_path / 'out.mp4')
    before, after = audio_packets(clip), audio_packets(tmp_path / 'out.mp4')
    if container != 'ts':  # a transport stream wraps each packet in a header of its own
        assert [content for _, content in before] == [content for _, content in after]
    assert len(before) == len(after)
    offset = before[0][0] - video_times(clip)[0]
    shifts = [one[0] - other[0] for one, other in zip(after, before, strict=True)]
    np.testing.assert_allclose(shifts, shifts[0], atol=1e-3)
    assert after[0][0] - video_times(tmp_path / 'out.mp4')[0] == pytest.approx(offset, abs=0.03), 'in step'


@pytest.mark.parametrize('suffix', ['.mp4', '.mkv'])
def test_audio_that_an_edit_list_leaves_out_delays_no_picture(
    tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable[..., tuple[float, float]], suffix: str
) -> None:
    """Matroska has no times below 0, so it would move the pictures by all of the audio before time 0."""
    output = tmp_path / f'out{suffix}'
    clip = write_beep(tmp_path / 'clip.mp4', times=[index / 10 for index in range(-8, 25)], audio_start=-0.8)
    copy(clip, output)
    np.testing.assert_allclose(video_times(output), video_times(clip), atol=0.05)
    np.testing.assert_allclose(flash_and_beep(output), flash_and_beep(clip), atol=0.05)


def test_other_audio_is_transcoded(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mkv', frames=20, audio='pcm_s16le')
    copy(clip, tmp_path / 'out.mp4')
    with av.open(str(tmp_path / 'out.mp4')) as container:
        assert container.streams.audio[0].codec_context.name == 'aac'
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert len(samples) / 16000 == pytest.approx(2.0, abs=0.15)
    assert np.sqrt(np.mean(samples[4000:20000] ** 2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize(
    ('suffix', 'codec', 'rate', 'written'),
    [
        ('.mkv', 'libopus', 16000, 'opus'),
        ('.mkv', 'flac', 16000, 'flac'),
        ('.mp4', 'libopus', 16000, 'opus'),
        ('.mov', 'libopus', 16000, 'aac'),
        ('.m4v', 'libmp3lame', 16000, 'aac'),
        ('.mp4', 'libmp3lame', 8000, 'aac'),
        ('.mov', 'libmp3lame', 8000, 'mp3float'),
        ('.mkv', 'libmp3lame', 8000, 'mp3float'),
    ],
)
def test_audio_that_the_output_does_not_take_is_encoded(
    tmp_path: Path, write_clip: Callable[..., Path], suffix: str, codec: str, rate: int, written: str
) -> None:
    clip = write_clip(tmp_path / 'clip.mkv', frames=20, audio=codec, audio_rate=rate)
    output = tmp_path / f'out{suffix}'
    copy(clip, output)
    assert len(video_times(output)) == 20
    with av.open(str(output)) as container:
        assert container.streams.audio[0].codec_context.name == written
        samples = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert samples == pytest.approx(2.0, abs=0.15)


def test_what_the_output_does_not_take_is_told_before_the_first_frame(
    tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    with open_source(write_clip(tmp_path / 'clip.mp4')) as source:
        source.width = 2**17  # wider than H.264 has it
        with pytest.raises(InputFileError, match=r'out\.mp4'), VideoWriter(tmp_path / 'out.mp4', source):
            raise AssertionError('refused before the first frame')
    assert not hidden_files(tmp_path)


@pytest.mark.parametrize('reason', [KeyboardInterrupt, Stopped])
def test_interrupted_video_is_shorter_but_whole(
    tmp_path: Path, write_clip: Callable[..., Path], reason: type[BaseException]
) -> None:
    clip = write_clip(tmp_path / 'clip.mp4', frames=20, audio='aac')
    with pytest.raises(reason), open_source(clip) as source, VideoWriter(tmp_path / 'out.mp4', source) as writer:
        for frame in source:
            writer.add(frame.image, frame.time)
            if frame.index == 9:
                raise reason
    assert len(video_times(tmp_path / 'out.mp4')) == 10
    assert audio_packets(tmp_path / 'out.mp4')[-1][0] < 1.0
    assert not hidden_files(tmp_path)


def test_error_leaves_nothing(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip, output = write_clip(tmp_path / 'clip.mp4'), tmp_path / 'out.mp4'
    output.write_bytes(b'what was there')
    with pytest.raises(RuntimeError), open_source(clip) as source, VideoWriter(output, source) as writer:
        for frame in source:
            writer.add(frame.image, frame.time)
            if frame.index == 3:
                raise RuntimeError
    assert output.read_bytes() == b'what was there' and not hidden_files(tmp_path)


def test_nothing_written_leaves_nothing(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    with open_source(write_clip(tmp_path / 'clip.mp4')) as source, VideoWriter(tmp_path / 'out.mp4', source):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ['clip.mp4']


def test_unwritable_output(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mp4')
    for output in (clip / 'out.mp4', tmp_path / 'folder.mp4'):
        (tmp_path / 'folder.mp4').mkdir(exist_ok=True)
        with pytest.raises(InputFileError) as caught, open_source(clip) as source, VideoWriter(output, source):
            raise AssertionError('refused before the first frame')
        assert str(output) in str(caught.value)


def test_unknown_suffix(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    with open_source(write_clip(tmp_path / 'clip.mp4')) as source, pytest.raises(InputError, match=r'out\.gif'):
        VideoWriter(tmp_path / 'out.gif', source)


def test_full_disk_is_named(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    class FullContainer:
        def mux(self, packets: list) -> None:
            raise OSError(28, 'No space left on device')

    output = tmp_path / 'out.mp4'
    with (
        open_source(write_clip(tmp_path / 'clip.mp4')) as source,
        pytest.raises(InputFileError, match='No space left on device'),
        VideoWriter(output, source) as writer,
    ):
        writer._container = FullContainer()
        for frame in source:
            writer.add(frame.image, frame.time)
    assert not output.exists() and not hidden_files(tmp_path)


def test_unknown_audio_is_a_warning(
    tmp_path: Path, write_clip: Callable[..., Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise ValueError('its codec is unknown')

    monkeypatch.setattr('mmrcf.media.writers.AudioRemuxer', refuse)
    with caplog.at_level(logging.WARNING):
        copy(write_clip(tmp_path / 'clip.mp4', audio='aac'), tmp_path / 'out.mp4')
    assert 'the output has none' in caplog.text and len(video_times(tmp_path / 'out.mp4')) == 8


def test_still(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'one.mp4', frames=1)
    with open_source(clip) as source, ImageWriter(tmp_path / 'out.png', source) as writer:
        frame = next(iter(source))
        writer.add(frame.image, frame.time)
    np.testing.assert_array_equal(next(iter(open_source(tmp_path / 'out.png'))).image, frame.image)
    with open_source(write_clip(tmp_path / 'clip.mp4')) as source, pytest.raises(InputError, match='is an image'):
        ImageWriter(tmp_path / 'out.png', source)


@pytest.mark.parametrize(('suffix', 'width'), [('.webp', 16384), ('.jpg', 65501)])
def test_an_image_that_its_format_does_not_take(suffix: str, width: int, tmp_path: Path) -> None:
    image, out = np.zeros((2, width, 3), np.uint8), tmp_path / f'out{suffix}'
    with (
        open_source([image]) as source,
        pytest.raises(InputError, match=f'{width}x2 is too large for this format; give a name that ends in .png'),
        ImageWriter(out, source) as writer,
    ):
        writer.add(image, 0.0)
    assert not list(tmp_path.iterdir())
