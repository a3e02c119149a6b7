"""The log-mel front end: values, time, resampling."""

import importlib.util
import math

import numpy as np
import pytest
import torch
import torchaudio

from mmrcf.audio.chunk import samples_before, to_mono
from mmrcf.audio.log_mel import PATCH_SAMPLES, log_mel, patch_at
from mmrcf.audio.resampling import predict, resample_span

FRAME_RATES = (6, 25, 30000 / 1001)


def noise(count: int, level: float = 0.3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, count).astype(np.float32)


def tone(hertz: float, count: int, rate: int, level: float = 0.8) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(count) / rate)).astype(np.float32)


def sweep(count: int, rate: int, level: float = 0.8) -> np.ndarray:
    time = np.arange(count) / rate
    return (level * np.sin(2 * np.pi * (50 + 3500 * time / time[-1]) * time)).astype(np.float32)


def voice(count: int, rate: int) -> np.ndarray:
    """Pulses at 120 Hz through a resonance, in syllables, with breath."""
    time = np.arange(count) / rate
    pulses = sum(np.cos(2 * np.pi * 120 * k * time) * np.exp(-(((120 * k - 700) / 500) ** 2)) for k in range(1, 30))
    syllables = np.sin(2 * np.pi * 3 * time) ** 2
    return (0.2 * pulses / np.abs(pulses).max() * syllables + noise(count, 0.005)).astype(np.float32)


def test_silence() -> None:
    patch = log_mel(torch.zeros(PATCH_SAMPLES))
    assert patch.shape == (96, 64) and patch.dtype == torch.float32
    torch.testing.assert_close(patch, torch.full((96, 64), -4.6051702))


def test_a_click_by_hand() -> None:
    """A click of height 1 in the middle of frame 10 has magnitude 1 in every bin: each band is the sum of its weights.

    Band b is the triangle with corners at 185.170 + 39.818 (b, b + 1, b + 2) mel; bin k lies at
    1127 ln(1 + 31.25 k / 700) mel: 5 at 227.070, 6 at 267.469, 7 at 306.469, 8 at 344.165.
    """
    waveform = torch.zeros(PATCH_SAMPLES)
    waveform[10 * 160 + 200] = 1
    patch = log_mel(waveform)
    bands = torch.tensor([0.94769, 0.05231 + 0.93310, 0.06690 + 0.95363 + 0.00693])
    torch.testing.assert_close(patch[10, :3], torch.log(bands + 0.01), atol=1e-4, rtol=0)
    # It is the 41st sample of frame 11 and the 41st from the end of frame 9: sin^2(pi / 10) = 0.09549 there.
    for index in (9, 11):
        torch.testing.assert_close(patch[index, :3], torch.log(0.09549 * bands + 0.01), atol=1e-4, rtol=0)
    assert (patch[[0, 8, 12, 95]] == patch[0, 0]).all(), 'no other frame holds the click'


def test_a_tone_by_hand() -> None:
    """1000 Hz is bin 32 and 1000.0 mel: between the middles of bands 19 (981.5) and 20 (1021.3), nearer to 19.

    With the Hann window its magnitude in bin 32 is level x 400 / 4 = 50, and less than that in the bins beside it.
    """
    patch = log_mel(torch.from_numpy(tone(1000, PATCH_SAMPLES, 16000, level=0.5)))
    assert patch[40].argmax() == 19
    assert math.log(25) < patch[40].max() < math.log(150)
    torch.testing.assert_close(patch[0], patch[95], atol=1e-3, rtol=0)


@pytest.mark.parametrize(('samples', 'frames'), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (PATCH_SAMPLES, 96)])
def test_number_of_frames(samples: int, frames: int) -> None:
    assert log_mel(torch.zeros(2, 3, samples)).shape == (2, 3, frames, 64)


def test_batched_equals_single() -> None:
    waveforms = torch.from_numpy(noise(3 * 4000)).view(3, 4000)
    torch.testing.assert_close(log_mel(waveforms), torch.stack([log_mel(waveform) for waveform in waveforms]))


@pytest.mark.skipif(importlib.util.find_spec('torchvggish') is None, reason='torchvggish is not installed')
@pytest.mark.parametrize('kind', ['tone', 'loud tone', 'sweep', 'noise', 'clicks', 'silence', 'voice', 'short'])
def test_parity_with_an_independent_implementation(kind: str, load_script) -> None:
    count = 40_000
    clicks = np.zeros(count, np.float32)
    clicks[::1237] = 1
    waveform = dict(
        tone=tone(440, count, 16000, level=0.1),
        sweep=sweep(count, 16000),
        noise=noise(count),
        clicks=clicks,
        silence=np.zeros(count, np.float32),
        voice=voice(count, 16000),
        short=noise(3000),
    ).get(kind, tone(1003, count, 16000, level=1.0))
    parity = load_script('tools/analysis_tools/logmel_parity.py')
    patches, difference = parity.largest_difference(parity.load_reference(), waveform)
    assert patches == (1 if kind == 'short' else 2)
    assert difference < 1e-4


@pytest.mark.parametrize('rate', [1000, 8000, 16000, 22050, 44100, 48000, 192000, 44101])
def test_what_comes_later_changes_nothing(rate: int) -> None:
    samples = noise(2 * rate)
    for time in (0.0, 1 / 6, 31 / 25, 47 * 1001 / 30000):
        end = samples_before(time, rate)
        patch = patch_at(samples, rate, 0, time)
        for later in (np.nan, 0.0, 1e5):
            changed = samples.copy()
            changed[end:] = later
            assert torch.equal(patch_at(changed, rate, 0, time), patch)
        assert torch.equal(patch_at(samples[:end], rate, 0, time), patch), 'nor whether it is there'
        if end:
            changed = samples.copy()
            changed[end - 1] += 100
            assert not torch.equal(patch_at(changed, rate, 0, time), patch), 'the last sample before counts'


@pytest.mark.parametrize('rate', [8000, 16000, 44100, 48000, 44101])
def test_before_the_first_sample_is_silence(rate: int) -> None:
    samples = noise(rate // 2)
    padded = np.concatenate((np.full(2 * rate, np.nan, np.float32), samples))
    for time in (0.0, 0.01, 0.3, 0.5):
        assert torch.equal(patch_at(samples, rate, 0, time), patch_at(padded, rate, -2 * rate, time))
    assert (patch_at(samples, rate, 0, 0.0) == math.log(0.01)).all()
    assert (patch_at(samples, rate, 0, 5.0) == math.log(0.01)).all()
    assert (patch_at(samples[:0], rate, 0, 1.0) == math.log(0.01)).all()
    assert (patch_at(samples, rate, 0, 1e9) == math.log(0.01)).all()


def test_unknown_samples_are_silence() -> None:
    samples = noise(16000)
    silent = samples.copy()
    samples[8000:9000], silent[8000:9000] = np.nan, 0
    assert torch.equal(patch_at(samples, 16000, 0, 1.0), patch_at(silent, 16000, 0, 1.0))


@pytest.mark.parametrize('rate', [8000, 16000, 44100, 48000, 44101])
def test_a_day_later(rate: int) -> None:
    """Nothing depends on how far from the start of a stream a patch lies."""
    samples, later = noise(2 * rate), 86_400
    for time in (1.0, 1.25, 1.5):
        patch = patch_at(samples, rate, later * rate, later + time)
        assert torch.equal(patch, patch_at(samples, rate, 0, time))


@pytest.mark.parametrize('rate', [8000, 44100, 48000])
@pytest.mark.parametrize('kind', ['noise', 'voice', 'tone', 'high tone', 'sweep'])
def test_equals_its_own_16_khz_version(rate: int, kind: str) -> None:
    """Stereo of another rate against the whole file resampled by torchaudio, which looks ahead."""
    count = 2 * rate
    mono = dict(
        noise=noise(count), voice=voice(count, rate), tone=tone(441, count, rate), sweep=sweep(count, rate)
    ).get(kind, tone(3700, count, rate))
    resampled = torchaudio.functional.resample(torch.from_numpy(mono), rate, 16000).numpy()
    # Two channels, unlike each other, whose mean it is.
    left = mono * np.linspace(0.2, 1.0, count, dtype=np.float32)
    mono = to_mono(np.stack([left, 2 * mono - left], axis=1))
    difference = 0.0
    for fps in FRAME_RATES:
        for index in range(int(0.2 * fps), int(1.9 * fps), max(1, int(fps / 2))):
            ours, own = patch_at(mono, rate, 0, index / fps), patch_at(resampled, 16000, 0, index / fps)
            difference = max(difference, float((ours - own).abs().max()))
    assert difference < (1e-2 if rate > 8000 else 2e-2)


@pytest.mark.parametrize('rate', [1000, 8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_resampling_is_that_of_torchaudio(rate: int) -> None:
    samples = torch.from_numpy(noise(2 * rate))
    whole = torchaudio.functional.resample(samples, rate, 16000)
    for start in (0, 1, 777, 16001):
        torch.testing.assert_close(resample_span(samples, rate, 0, start, 9000), whole[start : start + 9000])
    padded = torchaudio.functional.resample(torch.nn.functional.pad(samples, (rate, 0)), rate, 16000)
    torch.testing.assert_close(resample_span(samples, rate, 0, -500, 9000), padded[15500:24500])


@pytest.mark.parametrize('rate', [16016, 47952])
def test_resampling_of_rates_that_torchaudio_needs_large_kernels_for(rate: int) -> None:
    samples = torch.from_numpy(noise(rate))
    whole = torchaudio.functional.resample(samples.double(), rate, 16000).float()
    for start in (0, 777, 6000):
        torch.testing.assert_close(
            resample_span(samples, rate, 0, start, 9000), whole[start : start + 9000], atol=1e-6, rtol=1e-5
        )


@pytest.mark.parametrize('rate', [44101, 191999])
def test_no_rate_is_refused_for_its_kernel(rate: int) -> None:
    """The nearest usual rate sounds the same: a tone in between is the same tone."""
    near = round(rate, -2)
    ours, usual = (patch_at(tone(1000, 2 * r, r), r, 0, 1.5) for r in (rate, near))
    torch.testing.assert_close(ours, usual, atol=0.1, rtol=0)


def test_prediction_goes_on_with_tones() -> None:
    past, count = tone(441, 2000, 44100) + tone(3000, 2000, 44100, 0.1), 20
    ahead = predict(torch.from_numpy(past[:-count]), count)
    np.testing.assert_allclose(ahead, past[-count:], atol=1e-3)


@pytest.mark.parametrize('past', [np.zeros(300), np.full(300, 1e6), noise(300, 1e-9), np.geomspace(1e-6, 1e6, 300)])
def test_prediction_stays_within_the_past(past: np.ndarray) -> None:
    past = torch.from_numpy(past.astype(np.float32))
    ahead = predict(past, 80)
    assert ahead.isfinite().all() and ahead.abs().max() <= past.abs().max()
