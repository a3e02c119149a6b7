"""Changes of sound: one draw for a whole clip, so that neighbouring patches agree."""

from dataclasses import replace

import numpy as np
from mmcv.transforms import BaseTransform

from mmrcf.audio.log_mel import patch_span
from mmrcf.audio.window import SoundRun, SoundWindow
from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS

from .clip_random import clip_rng
from .sound_transforms import MARGIN, require_sound


@TRANSFORMS.register_module()
class ClipSoundAugmentation(BaseTransform):
    """Make the sound of a clip louder or softer, noisy, early or late. After ``LoadClipSound``.

    Samples that are unknown stay so, and silence that was recorded is not spared the noise. Each change is off by
    default.

    Args:
        gain_db: Smallest and largest gain in decibels.
        noise_db: Smallest and largest level (root mean square) of white noise, in decibels of full scale; None: none.
        max_shift: Largest shift in seconds, earlier or later, at most 1. With it a frame may hear what comes after it.
    """

    def __init__(
        self,
        gain_db: tuple[float, float] = (0.0, 0.0),
        noise_db: tuple[float, float] | None = None,
        max_shift: float = 0.0,
    ) -> None:
        for name, limits in dict(gain_db=gain_db, noise_db=noise_db).items():
            if limits is not None and not (len(limits) == 2 and -200 <= limits[0] <= limits[1] <= 200):
                raise InputError(f'ClipSoundAugmentation: {name}={limits}, expected smallest <= largest, in decibels')
        if not 0 <= max_shift <= MARGIN:
            raise InputError(f'ClipSoundAugmentation: max_shift={max_shift}, expected seconds from 0 to {MARGIN:g}')
        self.gain_db = tuple(gain_db)
        self.noise_db = None if noise_db is None else tuple(noise_db)
        self.max_shift = max_shift

    def transform(self, results: dict) -> dict:
        """Change ``sound``, as far as the frames of the clip hear it; what they do not hear is left out."""
        sound = require_sound(results, 'ClipSoundAugmentation')
        rng = clip_rng(results)
        gain = _factor(rng.uniform(*self.gain_db))
        noise = 0.0 if self.noise_db is None else _factor(rng.uniform(*self.noise_db))
        shift = rng.uniform(-self.max_shift, self.max_shift)
        if sound.sample_rate is None:
            return results
        moved = _shifted(sound, round(shift * sound.sample_rate))
        results['sound'] = _changed(_heard(moved, results['time']), gain, noise, rng)
        return results


def _factor(decibels: float) -> float:
    return 10 ** (decibels / 20)


def _shifted(sound: SoundWindow, samples: int) -> SoundWindow:
    return replace(sound, runs=tuple(SoundRun(run.first + samples, run.samples) for run in sound.runs))


def _heard(sound: SoundWindow, times: list[float]) -> SoundWindow:
    """The part that the patches at ``times`` depend on."""
    first, last = patch_span(sound.sample_rate, min(times))[0], patch_span(sound.sample_rate, max(times))[2]
    runs = []
    for run in sound.runs:
        start, stop = max(first, run.first), min(last, run.end)
        if start < stop:
            runs.append(SoundRun(start, run.samples[start - run.first : stop - run.first]))
    return replace(sound, runs=tuple(runs))


def _changed(sound: SoundWindow, gain: float, noise: float, rng: np.random.Generator) -> SoundWindow:
    runs = []
    for run in sound.runs:
        samples = run.samples * np.float32(gain)
        if noise:
            samples += np.float32(noise) * rng.standard_normal(len(samples), dtype=np.float32)
        runs.append(SoundRun(run.first, samples))
    return replace(sound, runs=tuple(runs))
