"""Which frames make a training clip: targets and, before them, references. Never a frame after a target's own time."""

import numpy as np


def sample_clip(
    rng: np.random.Generator, video_length: int, num_references: int, num_targets: int, max_gap: int
) -> list[int]:
    """Draw the frames of a clip.

    The first target is uniform over the frames from which the other targets still fit, so the start of a video, where
    the oldest frame stands in for missing references, is seen in training as it is at inference. Gaps are uniform in
    [1, max_gap], smaller between targets where the video is too short for them.

    Args:
        rng: Source of randomness.
        video_length: Number of frames of the video, at least 1.
        num_references: delta, frames of context before the first target.
        num_targets: S, at least 1.
        max_gap: Largest step between two neighbouring frames of the clip.

    Returns:
        T = delta + S frame indices in chronological order, the last S of them targets. Targets are distinct frames,
        unless the video has fewer than S; then the oldest is repeated.
    """
    target_gaps = np.zeros(0, np.int64)
    if num_targets > 1:
        widest = max(1, min(max_gap, (video_length - 1) // (num_targets - 1)))
        target_gaps = rng.integers(1, widest + 1, size=num_targets - 1)
    reference_gaps = rng.integers(1, max_gap + 1, size=num_references)
    span = int(target_gaps.sum())
    last = int(rng.integers(min(span, video_length - 1), video_length))
    steps = np.concatenate([reference_gaps, target_gaps])
    back = np.concatenate([np.cumsum(steps[::-1])[::-1], [0]])
    return [int(frame) for frame in np.maximum(last - back, 0)]
