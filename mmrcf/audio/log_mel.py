"""Log-mel patches of audio that end at a frame (Section III-C), exactly as the public VGGish defines them.

One patch is computed from the samples before one time alone: file, live stream and data set get the same one.
"""

import functools
import math

import numpy as np
import torch
from torch import Tensor

from .chunk import samples_before, to_mono
from .resampling import SAMPLE_RATE, cut, predict, resample_span, resampling_reach, sample_positions

__all__ = [
    'MEL_BANDS',
    'PATCH_FRAMES',
    'PATCH_SAMPLES',
    'SAMPLE_RATE',
    'log_mel',
    'patch_at',
    'patch_span',
    'to_mono',
]

PATCH_FRAMES = 96
MEL_BANDS = 64
WINDOW = 400
HOP = 160
FFT_SIZE = 512
PATCH_SAMPLES = WINDOW + (PATCH_FRAMES - 1) * HOP
MEL_RANGE = (125.0, 7500.0)
LOG_OFFSET = 0.01


def log_mel(waveform: Tensor) -> Tensor:
    """Log magnitudes in mel bands; frame i covers samples 160 i to 160 i + 400. Nothing is padded.

    Args:
        waveform: (..., S) float, 16 kHz.

    Returns:
        (..., F, 64) of the same type, F = max(0, 1 + floor((S - 400) / 160)).
    """
    if waveform.shape[-1] < WINDOW:
        return waveform.new_zeros(*waveform.shape[:-1], 0, MEL_BANDS)
    window, mel_matrix = _analysis(waveform.device)
    # Doubles: beside a loud tone the rounding of a float32 transform shows in the quiet bands.
    frames = waveform.double().unfold(-1, WINDOW, HOP) * window
    magnitudes = torch.fft.rfft(frames, FFT_SIZE).abs()
    return torch.log(magnitudes @ mel_matrix + LOG_OFFSET).to(waveform.dtype)


def patch_at(samples: np.ndarray, sample_rate: int, first: int, time: float) -> Tensor:
    """The patch that ends at ``time``: the last 0.975 s before it.

    Args:
        samples: (n,) float32, one channel. NaN is unknown, as is what is left and right of them; there is silence.
        sample_rate: Samples a second.
        first: Index of ``samples[0]``: it has time first / sample_rate.
        time: Seconds, of the frame. Samples that are not over by then are not looked at.

    Returns:
        (96, 64) float32.

    Raises:
        InputError: The time is no usable one.
    """
    start = samples_before(time, SAMPLE_RATE) - PATCH_SAMPLES
    past_first, inside, past_end = patch_span(sample_rate, time)
    past = cut(torch.from_numpy(samples), past_first - first, past_end - first, fill=math.nan)
    known = past.isfinite()
    past = past.where(known, 0.0)
    if sample_rate == SAMPLE_RATE:
        return log_mel(past)
    # The filter looks ahead by 0.4 ms. Zeros there would be a click at the end of every patch.
    past = torch.cat((past, predict(past, resampling_reach(sample_rate) + 2)))
    waveform = resample_span(past, sample_rate, past_first, start, PATCH_SAMPLES)
    # The filter also rings into the silence where nothing is known, which audio of 16 kHz would not do.
    _, distances = sample_positions(sample_rate, start, PATCH_SAMPLES)
    nearest = (inside - past_first + distances // SAMPLE_RATE).clamp(max=len(known) - 1)
    return log_mel(waveform * known[nearest])


def patch_span(sample_rate: int, time: float) -> tuple[int, int, int]:
    """Where the samples of the patch at ``time`` lie.

    Returns:
        Index of the first sample that the patch can depend on through the resampling filter; of the first one inside
        its 0.975 s; and the index after the last.
    """
    start = samples_before(time, SAMPLE_RATE) - PATCH_SAMPLES
    inside = start * sample_rate // SAMPLE_RATE
    return inside - resampling_reach(sample_rate), inside, samples_before(time, sample_rate)


def patch_length(sample_rate: int) -> int:
    """Most samples before its time that a patch can depend on."""
    return math.ceil((PATCH_SAMPLES + 1) * sample_rate / SAMPLE_RATE) + resampling_reach(sample_rate) + 1


@functools.lru_cache(maxsize=2)
def _analysis(device: torch.device) -> tuple[Tensor, Tensor]:
    """The window (400,) and the mel matrix (257, 64), both float64."""
    window = torch.hann_window(WINDOW, periodic=True, dtype=torch.float64)
    return window.to(device), _mel_matrix().to(device)


def _mel_matrix() -> Tensor:
    """(257, 64) float64. Triangles whose sides are straight on the mel scale, not in hertz as elsewhere."""
    low, high = _to_mel(torch.tensor(MEL_RANGE, dtype=torch.float64))
    edges = torch.linspace(low, high, MEL_BANDS + 2, dtype=torch.float64)
    bins = _to_mel(torch.linspace(0, SAMPLE_RATE / 2, FFT_SIZE // 2 + 1, dtype=torch.float64))
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    matrix = torch.minimum(rising, falling).clamp(min=0)
    matrix[0] = 0  # no band takes the constant part
    return matrix


def _to_mel(hertz: Tensor) -> Tensor:
    return 1127 * torch.log1p(hertz / 700)
