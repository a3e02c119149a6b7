"""Which sound a whole run uses, what it says about it, and that the output keeps it in step."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mmrcf.apis import RCFInferencer, init_model
from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.structures import FrameResult


@pytest.fixture(scope='module')
def inferencer(hearing_config: Path) -> RCFInferencer:
    """A model with random weights that listens closely and shows every slot."""
    torch.manual_seed(0)
    model = init_model(hearing_config)
    torch.nn.init.normal_(model.audio_encoder.projection[-1].weight)
    return RCFInferencer(model)


@pytest.fixture(scope='module')
def deaf(tiny_config: Path) -> RCFInferencer:
    return RCFInferencer(tiny_config, cfg_options={'test_dataloader.dataset.pipeline.1.scale': (96, 64)})


def same(ones: list[FrameResult], others: list[FrameResult]) -> bool:
    return all(np.array_equal(one.class_probs, other.class_probs) for one, other in zip(ones, others, strict=True))


def test_own_sound(
    inferencer: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable
) -> None:
    clip = write_beep(tmp_path / 'clip.mp4')
    summary = inferencer(clip, out=tmp_path / 'out.mp4')
    assert summary.sound == 'clip.mp4 (44100 Hz, 2 channels)'
    assert '; sound: clip.mp4 (44100 Hz, 2 channels); latency' in str(summary)
    flash, beep = flash_and_beep(tmp_path / 'out.mp4')
    assert beep == pytest.approx(flash, abs=0.02)


def test_no_sound(
    inferencer: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable
) -> None:
    clip = write_beep(tmp_path / 'clip.mp4')
    summary = inferencer(clip, audio='none', out=tmp_path / 'out.mp4')
    assert summary.sound == 'none' and '; sound: none; ' in str(summary)
    flash, beep = flash_and_beep(tmp_path / 'out.mp4')
    assert beep == pytest.approx(flash, abs=0.02), 'the output keeps what the input has'
    unheard = list(inferencer.stream(clip, audio='none'))
    assert not same(unheard, list(inferencer.stream(clip)))
    with open_source(clip, sound=True) as source:
        assert same(unheard, list(inferencer.stream(source, audio='none')))


def test_source_without_sound(inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    summary = inferencer(write_clip(tmp_path / 'clip.mp4'))
    assert summary.frames == 8 and summary.sound == 'none'


def test_sound_of_a_file(
    inferencer: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path], flash_and_beep: Callable
) -> None:
    clip = write_beep(tmp_path / 'clip.mp4', sound_start=2.0)
    sound = write_beep(tmp_path / 'sound.flac', sound='flac', times=None, rate=48000, layout='mono', seconds=8.0)
    summary = inferencer(clip, audio=sound, out=tmp_path / 'out.mp4')
    assert summary.sound == 'sound.flac (48000 Hz, 1 channel)'
    flash, beep = flash_and_beep(tmp_path / 'out.mp4')
    assert beep == pytest.approx(flash, abs=0.02)


def test_damaged_sound_does_not_end_the_run(
    inferencer: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    clip = write_beep(tmp_path / 'clip.mp4')
    sound = write_beep(tmp_path / 'sound.mp3', sound='libmp3lame', times=None)
    content = bytearray(sound.read_bytes())
    content[9000:12000] = np.random.default_rng(0).bytes(3000)
    sound.write_bytes(content[:40000])
    with caplog.at_level(logging.WARNING):
        assert inferencer(clip, audio=sound, out=tmp_path / 'out.mp4').frames == 30


def test_model_without_ears(deaf: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path]) -> None:
    clip = write_beep(tmp_path / 'clip.mp4')
    for audio in ('auto', 'none'):
        summary = deaf(clip, audio=audio)
        assert summary.sound is None and 'sound' not in str(summary)
    with pytest.raises(InputError, match=r'audio clip.wav: this model takes no sound'):
        deaf(clip, audio='clip.wav')
    with open_source(clip, sound=True) as source:
        assert len(list(deaf.stream(source))) == 30


def test_bad_calls(
    inferencer: RCFInferencer, tmp_path: Path, write_beep: Callable[..., Path], write_wav: Callable[..., Path]
) -> None:
    clip = write_beep(tmp_path / 'clip.mp4')
    sound = write_wav(tmp_path / 'sound.mp4', np.zeros(1000, np.int16), 8000)
    with pytest.raises(InputError, match='is the input itself'):
        inferencer(clip, audio=sound, out=sound)
    with open_source(clip) as source, pytest.raises(InputError, match='is open already'):
        next(inferencer.stream(source, audio=sound))
    with pytest.raises(InputError, match='a microphone goes with a camera'):
        inferencer(clip, audio='mic')
