"""The audio of a clip: from a file to the log-mel patches that end at its frames (Section III-C).

``audio_window`` in the pipeline's dict is one :class:`AudioWindow` for the clip, ``time`` a list with the time of each
frame on its clock, in seconds. Frames are not touched by these transforms, nor audio by those of frames. Put them after
those of frames: so the random draws for the frames are the same with and without audio.
"""

import functools
import math
from dataclasses import replace

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmrcf.audio import AudioChunk
from mmrcf.audio.file import read_audio, read_wav_segment
from mmrcf.audio.log_mel import PATCH_SAMPLES, SAMPLE_RATE, patch_span
from mmrcf.audio.window import AudioRun, AudioWindow
from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS
from mmrcf.utils import require_file

from ..clips import clip_rng

CACHED_FILES = 2
"""In testing the frames of a video come one after the other; in training keeping files would not pay."""

REACH = PATCH_SAMPLES / SAMPLE_RATE + 0.1
"""Seconds before its time that a patch depends on, with what resampling adds at the lowest rate."""

MARGIN = 1.0
"""Seconds of audio around what the patches of a clip need, for transforms that shift it."""


@TRANSFORMS.register_module()
class LoadClipAudio(BaseTransform):
    """Read the audio of a clip.

    Required keys: ``audio_path``: for each frame the audio file of its video or None, all the same; ``time``. Where
    ``silent`` is true the audio is recorded silence, whatever the path. Added key: ``audio_window``, with at least
    what the patches need and a second before and after it; empty where the path is None or the file has no samples.
    """

    def transform(self, results: dict) -> dict:
        """Read it. Raises :class:`InputError` for a file that is no audio, or frames that have no audio key."""
        if 'audio_path' not in results or 'time' not in results:
            raise InputError(
                'LoadClipAudio: the data set gives no audio (audio_path, time); use AVISDataset, or leave the '
                'audio transforms out of the pipeline'
            )
        path = results['audio_path'][0]
        if any(results.get('silent', ())):
            results['audio_window'] = _silence(results['time'])
        elif path is None:
            results['audio_window'] = AudioWindow.empty()
        else:
            results['audio_window'] = _read(path, results['time'])
        return results


def _read(path: str, times: list[float]) -> AudioWindow:
    if path.lower().endswith('.wav'):
        segment = read_wav_segment(path, min(times) - REACH - MARGIN, max(times) + MARGIN)
        if segment is not None:
            return segment
    status = require_file(path, 'audio file').stat()
    return _decode(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=CACHED_FILES)
def _decode(path: str, modified: int, size: int) -> AudioWindow:
    """Decode a file; when it was modified and its size are there to tell a file from the one that it replaced."""
    return read_audio(path)


def _silence(times: list[float]) -> AudioWindow:
    """Zeros over all the patches that end at ``times``."""
    start = min(times) - PATCH_SAMPLES / SAMPLE_RATE
    count = math.ceil((max(times) - start) * SAMPLE_RATE) + 1
    return AudioWindow.empty().append(AudioChunk(np.zeros(count, np.float32), SAMPLE_RATE, start))


@TRANSFORMS.register_module()
class RandomAudioDrop(BaseTransform):
    """Take the audio of a whole clip away, so that a model learns to do without. After ``LoadClipAudio``.

    Args:
        prob: Probability, in [0, 1].
    """

    def __init__(self, prob: float = 0.2) -> None:
        if not 0 <= prob <= 1:
            raise InputError(f'RandomAudioDrop: prob={prob}, expected a number from 0 to 1')
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Leave ``audio_window`` or make it empty."""
        _require_audio(results, 'RandomAudioDrop')
        if clip_rng(results).random() < self.prob:
            results['audio_window'] = AudioWindow.empty()
        return results


@TRANSFORMS.register_module()
class AudioPatches(BaseTransform):
    """The log-mel patch that ends at each frame. After ``LoadClipAudio``, before ``PackClip``.

    Added keys: ``audio``: float32 (T, 96, 64), zeros where there is no audio; ``audio_valid``: bool (T,), whether any
    sample of a frame's patch is known.
    """

    def transform(self, results: dict) -> dict:
        """Compute them; a frame that is a duplicate is computed once."""
        audio = _require_audio(results, 'AudioPatches')
        patches = {time: audio.patch(time) for time in dict.fromkeys(results['time'])}
        results['audio'] = torch.stack([patches[time][0] for time in results['time']])
        results['audio_valid'] = torch.tensor([patches[time][1] for time in results['time']], dtype=torch.bool)
        return results


@TRANSFORMS.register_module()
class ClipAudioAugmentation(BaseTransform):
    """Make the audio of a clip louder or softer, noisy, early or late. After ``LoadClipAudio``.

    Samples that are unknown stay so, and silence that was recorded is not spared the noise. Each change is off by
    default.

    Args:
        gain_db: Smallest and largest gain in decibels.
        noise_db: Smallest and largest level (root mean square) of white noise, in decibels of full scale; None: none.
        max_shift: Largest shift in seconds, earlier or later, at most 1. With it a frame may get audio from after it.
    """

    def __init__(
        self,
        gain_db: tuple[float, float] = (0.0, 0.0),
        noise_db: tuple[float, float] | None = None,
        max_shift: float = 0.0,
    ) -> None:
        for name, limits in dict(gain_db=gain_db, noise_db=noise_db).items():
            if limits is not None and not (len(limits) == 2 and -200 <= limits[0] <= limits[1] <= 200):
                raise InputError(f'ClipAudioAugmentation: {name}={limits}, expected smallest <= largest, in decibels')
        if not 0 <= max_shift <= MARGIN:
            raise InputError(f'ClipAudioAugmentation: max_shift={max_shift}, expected seconds from 0 to {MARGIN:g}')
        self.gain_db = tuple(gain_db)
        self.noise_db = None if noise_db is None else tuple(noise_db)
        self.max_shift = max_shift

    def transform(self, results: dict) -> dict:
        """Change ``audio_window``, as far as the patches of the clip depend on it; the rest is left out."""
        audio = _require_audio(results, 'ClipAudioAugmentation')
        rng = clip_rng(results)
        gain = _factor(rng.uniform(*self.gain_db))
        noise = 0.0 if self.noise_db is None else _factor(rng.uniform(*self.noise_db))
        shift = rng.uniform(-self.max_shift, self.max_shift)
        if audio.sample_rate is None:
            return results
        moved = _shifted(audio, round(shift * audio.sample_rate))
        results['audio_window'] = _changed(_needed(moved, results['time']), gain, noise, rng)
        return results


def _require_audio(results: dict, name: str) -> AudioWindow:
    """The audio in a pipeline's dict; ``name`` is the transform that asks, for the message."""
    if 'audio_window' not in results:
        raise InputError(f'{name}: there is no audio in the pipeline; put LoadClipAudio before it')
    return results['audio_window']


def _factor(decibels: float) -> float:
    return 10 ** (decibels / 20)


def _shifted(audio: AudioWindow, samples: int) -> AudioWindow:
    return replace(audio, runs=tuple(AudioRun(run.first + samples, run.samples) for run in audio.runs))


def _needed(audio: AudioWindow, times: list[float]) -> AudioWindow:
    """The part that the patches at ``times`` depend on."""
    first, last = patch_span(audio.sample_rate, min(times))[0], patch_span(audio.sample_rate, max(times))[2]
    runs = []
    for run in audio.runs:
        start, stop = max(first, run.first), min(last, run.end)
        if start < stop:
            runs.append(AudioRun(start, run.samples[start - run.first : stop - run.first]))
    return replace(audio, runs=tuple(runs))


def _changed(audio: AudioWindow, gain: float, noise: float, rng: np.random.Generator) -> AudioWindow:
    runs = []
    for run in audio.runs:
        samples = run.samples * np.float32(gain)
        if noise:
            samples += np.float32(noise) * rng.standard_normal(len(samples), dtype=np.float32)
        runs.append(AudioRun(run.first, samples))
    return replace(audio, runs=tuple(runs))
