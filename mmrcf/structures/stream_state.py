"""The state of one stream. The owner of the stream holds it; models and trackers do not store it."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

AUDIO_KEYS = ('audio', 'audio_valid')
"""Keys of the audio of a clip in its ``inputs``: log-mel patches, and which of them are known."""


@dataclass(frozen=True, eq=False)
class AudioPatch:
    """The audio that ends at one frame, as the audio encoder sees it (Section III-C).

    Attributes:
        log_mel: (1, 96, 64) float. Zeros where there is no audio.
        valid: (1,) bool. False where no sample of the window is known; a recorded silence is known.
    """

    log_mel: Tensor
    valid: Tensor

    @classmethod
    def of_batch(cls, inputs: dict[str, Any], clip: int, frame: int) -> 'AudioPatch | None':
        """The audio that ends at one frame of a batch of clips, None in a batch without audio.

        Args:
            inputs: ``audio`` (B, T, 96, 64) and ``audio_valid`` (B, T), or neither.
            clip: Index of the clip in the batch.
            frame: Index of the frame in the clip.
        """
        if 'audio' not in inputs:
            return None
        return cls(inputs['audio'][clip, frame][None], inputs['audio_valid'][clip, frame][None])


@dataclass(frozen=True, eq=False)
class AudioMemory:
    """Features of the patches of the last delta frames, so that each patch is encoded once. Bounded by construction.

    Attributes:
        features: Newest first, each (1, D).
        valid: Newest first, each (1,) bool.
    """

    features: tuple[Tensor, ...] = ()
    valid: tuple[Tensor, ...] = ()


@dataclass(frozen=True, eq=False)
class SlotPredictions:
    """The predictions of the N slots for one frame; the input of a tracker. All tensors are on one device.

    Attributes:
        masks: (N, h, w) bool. Binary masks at the stride of the segmentation map; all false for slots that have no
            mask, or that a model excludes by their class alone.
        scores: (N,) float. Best non-empty class probability, in [0, 1].
        class_probs: (N, K) float. Probabilities of the non-empty classes (they sum to at most 1).
        above_thr: (N,) bool. True where ``scores`` reaches the threshold.
        codes: (N, C_e) float. The instance code.
    """

    masks: Tensor
    scores: Tensor
    class_probs: Tensor
    above_thr: Tensor
    codes: Tensor


@dataclass(frozen=True, eq=False)
class TrackState:
    """The state of a tracker between two frames. Its size is constant: N slots, for a stream of any length.

    Trackers that match keep a bank of M tracks instead; the first dimension is then M.

    Attributes:
        track_ids: (N,) int64. The track ID that each slot (or track, for trackers that match) holds now; all
            different.
        masks: (N, h, w) bool. Masks at the last frame; all false for slots that were below the threshold. None before
            the first frame.
        codes: (N, C_e) float. Instance codes kept for trackers that match by them. None where not used or before the
            first frame.
        ages: (N,) int64. Frames since the slot (or track) was last active; 0 when it was active in the last
            frame, -1 if it never was.
        next_id: The smallest number that was never used.
        class_sums: (N, K) float. Class probabilities of each track ID, summed over the frames in which it was active,
            each counting less than the next; zeros if it never was. None for trackers that do not use them.
        centres: (N, 2) float. Row and column of the centre of its mask when last active. None where not used.
    """

    track_ids: Tensor
    masks: Tensor | None
    codes: Tensor | None
    ages: Tensor
    next_id: int
    class_sums: Tensor | None = None
    centres: Tensor | None = None


@dataclass(frozen=True, eq=False)
class StreamState:
    """All data that a stream needs from one frame for the next. Their size is bounded.

    Attributes:
        references: Token-level backbone features of the last delta frames, newest first, each (1, C, H, W); fewer at
            the start of a stream. Models other than RCF put their own data of frames here.
        track: The state of the tracker: a :class:`TrackState`, or another type for a model with its own tracker.
        frame_index: Number of frames seen so far; the index of the next frame.
        audio_memory: Features of the last delta audio patches; empty in a visual-only model.
    """

    references: tuple[Any, ...]
    track: Any
    frame_index: int = 0
    audio_memory: AudioMemory = field(default_factory=AudioMemory)
