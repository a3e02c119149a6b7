"""Resampling to 16 kHz at any point of the time axis, by torchaudio, and the prediction that its filter needs.

torchaudio resamples from the first sample of what it is given. Here the slice starts where an input and an output
sample fall together, so that the output lies on the grid j / 16000 s whatever comes before, and is the same whatever
chunks the input came in.
"""

import functools
import math

import torch
from torch import Tensor
from torchaudio.transforms import Resample

SAMPLE_RATE = 16_000
# torchaudio's defaults: half width of the sinc in zero crossings, and the edge of its pass band.
ZERO_CROSSINGS = 6
ROLLOFF = 0.99
# torchaudio's kernel covers a whole period of the two rates: 76,000 weights at 44100 Hz, but 700 million at 44101 Hz.
MAX_KERNEL_SIZE = 1_000_000
# Linear prediction: number of coefficients, and how many samples they are fitted to.
PREDICTION_ORDER = 16
FIT_LENGTH = 256
# Keeps the equations solvable for pure tones, which need two coefficients of the sixteen, and for silence.
RELATIVE_RIDGE = 1e-9
ABSOLUTE_RIDGE = 1e-12


def resampling_reach(sample_rate: int) -> int:
    """How many samples before and after its own position an output sample depends on."""
    return 0 if sample_rate == SAMPLE_RATE else math.ceil(ZERO_CROSSINGS / _cutoff(sample_rate))


def cut(samples: Tensor, start: int, end: int, fill: float = 0.0) -> Tensor:
    """``samples[start:end]`` of (n,), with ``fill`` where that is outside; any integers with start <= end."""
    inside = samples[min(max(start, 0), len(samples)) : min(max(end, 0), len(samples))]
    left = min(max(-start, 0), end - start)
    return torch.nn.functional.pad(inside, (left, end - start - left - len(inside)), value=fill)


def resample_span(samples: Tensor, sample_rate: int, first: int, start: int, count: int) -> Tensor:
    """Samples ``start`` to ``start + count`` of the 16 kHz grid.

    Args:
        samples: (n,) float32. What is left and right of it counts as 0.
        sample_rate: Samples a second.
        first: Index of ``samples[0]``, from time 0.
        start: Index of the first output sample, from time 0.
        count: How many output samples.

    Returns:
        (count,) float32.
    """
    if sample_rate == SAMPLE_RATE:
        return cut(samples, start - first, start - first + count)
    common = math.gcd(sample_rate, SAMPLE_RATE)
    period_in, period_out = sample_rate // common, SAMPLE_RATE // common
    if period_out * (period_in + 2 * resampling_reach(sample_rate)) > MAX_KERNEL_SIZE:
        return _resample_one_by_one(samples, sample_rate, first, start, count)
    first_period = start // period_out - math.ceil(resampling_reach(sample_rate) / period_in)
    slice_start = first_period * period_in
    skipped = start - first_period * period_out
    length = math.ceil((skipped + count) / period_out) * period_in + resampling_reach(sample_rate)
    resampled = _resampler(sample_rate)(cut(samples, slice_start - first, slice_start - first + length))
    return resampled[skipped : skipped + count]


@functools.lru_cache(maxsize=4)
def _resampler(sample_rate: int) -> Resample:
    return Resample(sample_rate, SAMPLE_RATE, lowpass_filter_width=ZERO_CROSSINGS, rolloff=ROLLOFF, dtype=torch.float32)


def sample_positions(sample_rate: int, start: int, count: int) -> tuple[int, Tensor]:
    """Which input sample lies at each output sample, or is the last one before it.

    Returns:
        Index of the first of these input samples, and (count,) int64: in sixteen-thousandths of a sample, how far each
        output sample is behind that one. Exact at any time, as integers of Python hold the long distances.
    """
    base, remainder = divmod(start * sample_rate, SAMPLE_RATE)
    return base, remainder + torch.arange(count) * sample_rate


def predict(past: Tensor, count: int) -> Tensor:
    """The samples to come, from the past alone: the filter looks ahead by less than a millisecond.

    Each is the sum of the 16 before it with the weights that fit the past best. Tones go on exactly; noise fades.
    Nothing gets louder than the past was.

    Args:
        past: (n,) float32, n at least 256; the last 256 are looked at.
        count: How many samples to add.

    Returns:
        (count,) float32.
    """
    past = past[-FIT_LENGTH:].double()
    rows = past.unfold(0, PREDICTION_ORDER + 1, 1)
    # Read forwards and backwards: the weights are the same both ways, and the fit has twice the samples.
    rows = torch.cat((rows, rows.flip(1)))
    inputs, targets = rows[:, :-1], rows[:, -1]
    products = inputs.T @ inputs
    ridge = RELATIVE_RIDGE * products.diagonal().mean() + ABSOLUTE_RIDGE
    weights = torch.linalg.solve(
        products + ridge * torch.eye(PREDICTION_ORDER, dtype=products.dtype), inputs.T @ targets
    )
    limit = past.abs().max()
    samples = torch.cat((past[-PREDICTION_ORDER:], past.new_zeros(count)))
    for i in range(count):
        samples[PREDICTION_ORDER + i] = torch.dot(weights, samples[i : PREDICTION_ORDER + i]).clamp(-limit, limit)
    return samples[PREDICTION_ORDER:].float()


def _resample_one_by_one(samples: Tensor, sample_rate: int, first: int, start: int, count: int) -> Tensor:
    """The sums of :func:`resample_span`, with weights for the few neighbours of each output sample only."""
    weights = _neighbour_weights(sample_rate)
    reach = resampling_reach(sample_rate)
    base, distances = sample_positions(sample_rate, start, count)
    indices = distances // SAMPLE_RATE
    phases = distances % SAMPLE_RATE // math.gcd(sample_rate, SAMPLE_RATE)
    samples = cut(samples, base - reach - first, base + int(indices[-1]) + reach + 2 - first)
    neighbours = samples.unfold(0, weights.shape[1], 1)[indices]
    return (neighbours * weights[phases]).sum(dim=1)


@functools.lru_cache(maxsize=2)
def _neighbour_weights(sample_rate: int) -> Tensor:
    """(phases, neighbours) float32, for each position that an output sample has between two input samples."""
    cutoff, reach = _cutoff(sample_rate), resampling_reach(sample_rate)
    num_phases = SAMPLE_RATE // math.gcd(sample_rate, SAMPLE_RATE)
    phases = torch.arange(num_phases, dtype=torch.float64) / num_phases
    neighbours = torch.arange(-reach, reach + 2, dtype=torch.float64)
    crossings = ((neighbours - phases[:, None]) * cutoff).clamp(-ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = torch.cos(crossings * (math.pi / 2 / ZERO_CROSSINGS)) ** 2
    return (torch.sinc(crossings) * window * cutoff).float()


def _cutoff(sample_rate: int) -> float:
    """Zero crossings of the sinc per input sample."""
    return ROLLOFF * min(1.0, SAMPLE_RATE / sample_rate)
