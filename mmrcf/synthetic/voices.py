"""The voices of the categories: eight sounds that differ within a second of a 64-band log-mel, and their mixture."""

from collections.abc import Callable, Sequence

import numpy as np

from mmrcf.synthetic.audio_schedule import Burst, loudness

SAMPLE_RATE = 16000
NOISE_FLOOR = 0.002
MAX_PEAK = 0.45
"""Of one voice: two of them and the noise fit into 16 bits."""


def _phase(frequency: np.ndarray) -> np.ndarray:
    return 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE


def _band_noise(rng: np.random.Generator, count: int, low: float, high: float) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    return np.fft.irfft(spectrum * ((frequencies >= low) & (frequencies <= high)), count)


def _hum(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """A steady tone of 500 to 650 Hz."""
    return np.sin(2 * np.pi * rng.uniform(500, 650) * times)


def _chirp(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """A tone that climbs from 400 to 1600 Hz, three to four times a second."""
    rise = (times * rng.uniform(3, 4) + rng.uniform()) % 1
    return np.sin(_phase(400 * 4**rise))


def _beeps(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """A tone of 2.4 to 2.9 kHz, on and off eight to ten times a second."""
    gate = 1 / (1 + np.exp(-12 * np.sin(2 * np.pi * rng.uniform(8, 10) * times)))
    return gate * np.sin(2 * np.pi * rng.uniform(2400, 2900) * times)


def _buzz(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """All harmonics of 140 to 180 Hz up to 3 kHz."""
    base = rng.uniform(140, 180)
    period = np.linspace(0, 1, 1025)
    wave = sum(np.sin(2 * np.pi * order * period) / order for order in range(1, int(3000 / base) + 1))
    return np.interp(base * times % 1, period, wave)


def _hiss(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Steady noise from 3.5 to 7 kHz."""
    return _band_noise(rng, len(times), 3500, 7000)


def _clicks(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Short clicks over all frequencies, eleven to fourteen a second."""
    since = ((times * (rate := rng.uniform(11, 14))) + rng.uniform()) % 1 / rate
    return _band_noise(rng, len(times), 300, 7500) * np.exp(-since / 0.006)


def _rumble(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Noise from 125 to 350 Hz."""
    return _band_noise(rng, len(times), 125, 350)


def _warble(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """A tone around 1.7 kHz that swings up and down by a third, six to eight times a second."""
    return np.sin(_phase(1700 * (1 + 0.3 * np.sin(2 * np.pi * rng.uniform(6, 8) * times))))


VOICES: dict[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]] = {
    'hum': _hum,
    'chirp': _chirp,
    'beeps': _beeps,
    'buzz': _buzz,
    'hiss': _hiss,
    'clicks': _clicks,
    'rumble': _rumble,
    'warble': _warble,
}


def mixture(
    rng: np.random.Generator, voices: Sequence[str], bursts: Sequence[tuple[Burst, ...]], num_samples: int
) -> np.ndarray:
    """The audio of a video.

    Args:
        rng: Source of randomness.
        voices: The voice of each object.
        bursts: When each object sounds.
        num_samples: Length at 16 kHz.

    Returns:
        int16 [num_samples].
    """
    times = np.arange(num_samples) / SAMPLE_RATE
    total = NOISE_FLOOR * rng.standard_normal(num_samples)
    for voice, own in zip(voices, bursts, strict=True):
        wave = VOICES[voice](rng, times)
        level = min(rng.uniform(0.07, 0.13) / np.sqrt(np.mean(wave**2)), MAX_PEAK / np.abs(wave).max())
        total += level * loudness(own, times) * wave
    return np.round(np.clip(total, -1, 1) * 32767).astype(np.int16)
