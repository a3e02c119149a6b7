"""Sound at the boundaries: what a microphone or a file hands in, and what the audio encoder gets and keeps."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

SOUND_KEYS = ('audio', 'audio_valid')
"""Where the sound of a clip stands in its ``inputs``: log-mel patches, and which of them are known."""


@dataclass(frozen=True, eq=False)
class AudioChunk:
    """Samples in a row, as they come from a source.

    Attributes:
        samples: (S,) or (S, channels), S may be 0. Signed integers and uint8 are scaled by their range; floats are
            taken as they are, in [-1, 1].
        sample_rate: Samples a second, at least 1000.
        time: Presentation time of the first sample in seconds, on the clock of the frames; None where the chunk goes on
            from the last one.
    """

    samples: np.ndarray
    sample_rate: int
    time: float | None = None


@dataclass(frozen=True, eq=False)
class AudioPatch:
    """The sound that ends at one frame, as the audio encoder sees it (Section III-C).

    Attributes:
        log_mel: (1, 96, 64) float. Zeros where nothing was heard.
        valid: (1,) bool. False where no sample of the window is known; a recorded silence is known.
    """

    log_mel: Tensor
    valid: Tensor


@dataclass(frozen=True, eq=False)
class AudioMemory:
    """Features of the patches of the last delta frames, so that each patch is encoded once. Bounded by construction.

    Attributes:
        features: Newest first, each (1, D).
        valid: Newest first, each (1,) bool.
    """

    features: tuple[Tensor, ...] = ()
    valid: tuple[Tensor, ...] = ()
