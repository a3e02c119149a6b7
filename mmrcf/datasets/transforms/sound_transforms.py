"""The sound of a clip: from a file to the log-mel patches that end at its frames (Section III-C).

``sound`` in the pipeline's dict is one :class:`SoundWindow` for the clip, ``time`` a list with the time of each frame
on its clock, in seconds. Frames are not touched by these transforms, nor sound by those of frames. Put them after those
of frames: so the random draws for the frames are the same with and without sound.
"""

import functools
import math

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmrcf.audio import AudioChunk
from mmrcf.audio.file import read_sound
from mmrcf.audio.log_mel import PATCH_SAMPLES, SAMPLE_RATE
from mmrcf.audio.wav_piece import read_wav_piece
from mmrcf.audio.window import SoundWindow
from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS
from mmrcf.utils import require_file

from .clip_random import clip_rng

CACHED_FILES = 2
"""In testing the frames of a video come one after the other; in training keeping files would not pay."""

REACH = PATCH_SAMPLES / SAMPLE_RATE + 0.1
"""Seconds before its time that a patch depends on, with what resampling adds at the lowest rate."""

MARGIN = 1.0
"""Seconds of sound around what the patches of a clip need, for transforms that shift it."""


@TRANSFORMS.register_module()
class LoadClipSound(BaseTransform):
    """Read the sound of a clip.

    Required keys: ``audio_path``: for each frame the sound file of its video or None, all the same; ``time``. Where
    ``silent`` is true the sound is recorded silence, whatever the path. Added key: ``sound``, with at least what the
    patches need and a second before and after it; empty where the path is None or the file has no samples.
    """

    def transform(self, results: dict) -> dict:
        """Read it. Raises :class:`InputError` for a file that is no sound, or frames that have no sound key."""
        if 'audio_path' not in results or 'time' not in results:
            raise InputError(
                'LoadClipSound: the data set says nothing of sound (audio_path, time); use AVISDataset, or leave the '
                'sound transforms out of the pipeline'
            )
        path = results['audio_path'][0]
        if any(results.get('silent', ())):
            results['sound'] = _silence(results['time'])
        elif path is None:
            results['sound'] = SoundWindow.empty()
        else:
            results['sound'] = _read(path, results['time'])
        return results


def _read(path: str, times: list[float]) -> SoundWindow:
    if path.lower().endswith('.wav'):
        piece = read_wav_piece(path, min(times) - REACH - MARGIN, max(times) + MARGIN)
        if piece is not None:
            return piece
    status = require_file(path, 'sound file').stat()
    return _decode(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=CACHED_FILES)
def _decode(path: str, modified: int, size: int) -> SoundWindow:
    """Decode a file; when it was modified and its size are there to tell a file from the one that it replaced."""
    return read_sound(path)


def _silence(times: list[float]) -> SoundWindow:
    """Zeros over all the patches that end at ``times``."""
    start = min(times) - PATCH_SAMPLES / SAMPLE_RATE
    count = math.ceil((max(times) - start) * SAMPLE_RATE) + 1
    return SoundWindow.empty().append(AudioChunk(np.zeros(count, np.float32), SAMPLE_RATE, start))


@TRANSFORMS.register_module()
class RandomSoundDrop(BaseTransform):
    """Take the sound of a whole clip away, so that a model learns to do without. After ``LoadClipSound``.

    Args:
        prob: Probability, in [0, 1].
    """

    def __init__(self, prob: float = 0.2) -> None:
        if not 0 <= prob <= 1:
            raise InputError(f'RandomSoundDrop: prob={prob}, expected a number from 0 to 1')
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Leave ``sound`` or make it empty."""
        require_sound(results, 'RandomSoundDrop')
        if clip_rng(results).random() < self.prob:
            results['sound'] = SoundWindow.empty()
        return results


@TRANSFORMS.register_module()
class SoundPatches(BaseTransform):
    """The log-mel patch that ends at each frame. After ``LoadClipSound``, before ``PackClip``.

    Added keys: ``audio``: float32 (T, 96, 64), zeros where nothing was heard; ``audio_valid``: bool (T,), whether any
    sample of a frame's patch is known.
    """

    def transform(self, results: dict) -> dict:
        """Compute them; a frame that is there twice is computed once."""
        sound = require_sound(results, 'SoundPatches')
        patches = {time: sound.patch(time) for time in dict.fromkeys(results['time'])}
        results['audio'] = torch.stack([patches[time][0] for time in results['time']])
        results['audio_valid'] = torch.tensor([patches[time][1] for time in results['time']], dtype=torch.bool)
        return results


def require_sound(results: dict, name: str) -> SoundWindow:
    """The sound in a pipeline's dict; ``name`` is the transform that asks, for the message."""
    if 'sound' not in results:
        raise InputError(f'{name}: there is no sound in the pipeline; put LoadClipSound before it')
    return results['sound']
