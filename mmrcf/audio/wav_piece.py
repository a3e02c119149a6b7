"""A piece of a WAV file, read by itself: decoding the whole file takes longer than loading the frames of a clip."""

import math
import wave
from pathlib import Path

import numpy as np

from .chunk import MAX_CHANNELS, SAMPLE_RATES, AudioChunk
from .window import SoundWindow


def read_wav_piece(path: str | Path, start: float, end: float) -> SoundWindow | None:
    """The samples of a file of 16-bit PCM, as ``read_sound`` has them, but of one piece only.

    Args:
        path: The file. Its first sample has time 0.
        start: Where the piece begins, in seconds.
        end: Where it ends, in seconds.

    Returns:
        A window, empty where the file has no samples there; None where the file is of another kind, or damaged, and
        ``read_sound`` is to see what can be made of it.
    """
    try:
        with wave.open(str(path), 'rb') as file:
            channels, rate = file.getnchannels(), file.getframerate()
            # A header of a recording that was never finished says 0 samples; what follows may be sound all the same.
            usual = file.getsampwidth() == 2 and channels <= MAX_CHANNELS and file.getnframes() > 0
            if not usual or not SAMPLE_RATES[0] <= rate <= SAMPLE_RATES[1]:
                return None
            first = max(0, math.floor(start * rate))
            count = min(file.getnframes(), math.ceil(end * rate)) - first
            if count <= 0:
                return SoundWindow.empty()
            file.setpos(first)
            data = file.readframes(count)
    except (wave.Error, EOFError, OSError):
        return None
    # A file that was cut short may end inside a sample.
    whole = len(data) // (2 * channels) * channels
    samples = np.frombuffer(data, '<i2', whole).reshape(-1, channels)
    return SoundWindow.empty().append(AudioChunk(samples, rate, first / rate))
