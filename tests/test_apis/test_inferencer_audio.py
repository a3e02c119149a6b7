"""Which audio a whole run uses, what it says about it, and that the output keeps it in step."""

import logging
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from mmrcf.apis import RCFInferencer, init_model
from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.structures import FrameResult


@pytest.fixture(scope='module')
def inferencer(audio_visual_config: Path) -> RCFInferencer:
    """A model with random weights that depends on its audio and shows every slot."""
    torch.manual_seed(0)
    model = init_model(audio_visual_config)
    torch.nn.init.normal_(model.audio_encoder.projection[-1].weight)
    return RCFInferencer(model)


@pytest.fixture(scope='module')
def visual_only(tiny_config: Path) -> RCFInferencer:
    return RCFInferencer(tiny_config, cfg_options={'test_dataloader.dataset.pipeline.1.scale': (96, 64)})


def same(ones: list[FrameResult], others: list[FrameResult]) -> bool:
    return all(np.array_equal(one.class_probs, other.class_probs) for one, other in zip(ones, others, strict=True))


def test_own_audio(
    inferencer: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable
) -> None:
    clip = write_beep(tmp_path / 'clip.mp4')
    summary = inferencer(clip, out=tmp_path / 'out.mp4')
    assert summary.audio == 'clip.mp4 (44100 Hz, 2 channels)'
    assert '; audio: clip.mp4 (44100 Hz, 2 channels); latency' in str(summary)
    flash, beep = flash_and_beep(tmp_path / 'out.mp4')
    assert beep == pytest.approx(flash, abs=0.02)


def test_no_audio(
    inferencer: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable
) -> None:
    clip = write_beep(tmp_path / 'clip.mp4')
    summary = inferencer(clip, audio='none', out=tmp_path / 'out.mp4')
    assert summary.audio == 'none' and '; audio: none; ' in str(summary)
    flash, beep = flash_and_beep(tmp_path / 'out.mp4')
    assert beep == pytest.approx(flash, abs=0.02), 'the output keeps what the input has'
    without = list(inferencer.stream(clip, audio='none'))
    assert not same(without, list(inferencer.stream(clip)))
    with open_source(clip, audio=True) as source:
        assert same(without, list(inferencer.stream(source, audio='none')))


def test_source_without_audio(inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    summary = inferencer(write_clip(tmp_path / 'clip.mp4'))
    assert summary.frames == 8 and summary.audio == 'none'


def test_audio_of_a_file(
    inferencer: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable
) -> None:
    clip = write_beep(tmp_path / 'clip.mp4', audio_start=2.0)
    audio = write_beep(tmp_path / 'audio.flac', audio='flac', times=None, rate=48000, layout='mono', seconds=8.0)
    summary = inferencer(clip, audio=audio, out=tmp_path / 'out.mp4')
    assert summary.audio == 'audio.flac (48000 Hz, 1 channel)'
    flash, beep = flash_and_beep(tmp_path / 'out.mp4')
    assert beep == pytest.approx(flash, abs=0.02)


def test_damaged_audio_does_not_end_the_run(
    inferencer: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    clip = write_beep(tmp_path / 'clip.mp4')
    audio = write_beep(tmp_path / 'audio.mp3', audio='libmp3lame', times=None)
    content = bytearray(audio.read_bytes())
    content[9000:12000] = np.random.default_rng(0).bytes(3000)
    audio.write_bytes(content[:40000])
    with caplog.at_level(logging.WARNING):
        assert inferencer(clip, audio=audio, out=tmp_path / 'out.mp4').frames == 30


def test_visual_only_model(visual_only: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path]) -> None:
    clip = write_beep(tmp_path / 'clip.mp4')
    for audio in ('auto', 'none'):
        summary = visual_only(clip, audio=audio)
        assert summary.audio is None and 'audio' not in str(summary)
    with pytest.raises(InputError, match=r'audio clip.wav: this model takes no audio'):
        visual_only(clip, audio='clip.wav')
    with open_source(clip, audio=True) as source:
        assert len(list(visual_only.stream(source))) == 30
    with open_source(clip) as source:
        assert visual_only(source).frames == 30


@pytest.mark.parametrize(('model', 'audio', 'named'), [('visual_only', 'auto', None), ('inferencer', 'none', 'none')])
def test_a_recording_of_a_live_stream_has_its_audio_whatever_the_model_takes(
    model: str, audio: str, named: str | None, request: pytest.FixtureRequest, tmp_path: Path, live_beep: str
) -> None:
    summary = request.getfixturevalue(model)(live_beep, audio=audio, out=tmp_path / 'out.mp4')
    assert summary.frames and summary.audio == named
    with av.open(str(tmp_path / 'out.mp4')) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert np.flatnonzero(np.abs(samples) > 0.3)[0] / 44100 == pytest.approx(1.2, abs=0.05)


def test_bad_calls(
    inferencer: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path], write_wav: Callable[..., Path]
) -> None:
    clip = write_beep(tmp_path / 'clip.mp4')
    audio = write_wav(tmp_path / 'audio.mp4', np.zeros(1000, np.int16), 8000)
    with pytest.raises(InputError, match='is an input of this command'):
        inferencer(clip, audio=audio, out=audio)
    with open_source(clip) as source, pytest.raises(InputError, match='is open already'):
        next(inferencer.stream(source, audio=audio))
    with open_source(clip) as source, pytest.raises(InputError, match='fps, max_size: video .* is open already'):
        inferencer(source, fps=3, max_size=100)
    with pytest.raises(InputError, match='RCF: the model is built already; leave out checkpoint, device'):
        RCFInferencer(inferencer.segmenter.model, device='cpu')
    with pytest.raises(InputError, match='a microphone goes with a camera'):
        inferencer(clip, audio='mic')
