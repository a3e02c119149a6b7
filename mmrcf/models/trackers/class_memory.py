"""The memory of a tracker for track IDs that are out of sight: their class, and where they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmrcf.structures import TrackState

CLASS_DECAY = 0.9


@dataclass(frozen=True, eq=False)
class ClassMemory:
    """Of N track IDs, in the order of the slots that hold them. Not changed once made.

    Attributes:
        sums: (N, K). Class probabilities summed over the frames in which the track ID was active, each counting 0.9 of
            the next; zeros for one that never was.
        centres: (N, 2). Centre of its mask when last active: row and column, in cells.
    """

    sums: np.ndarray
    centres: np.ndarray

    @classmethod
    def of(cls, state: TrackState, num_classes: int) -> ClassMemory:
        """The memory in ``state``; at first nothing was ever active."""
        if state.class_sums is None:
            slots = len(state.track_ids)
            return cls(np.zeros((slots, num_classes)), np.zeros((slots, 2)))
        return cls(state.class_sums.cpu().numpy(), state.centres.cpu().numpy())

    def without(self, forgotten: np.ndarray) -> ClassMemory:
        """Without the track IDs (N,) bool."""
        return ClassMemory(np.where(forgotten[:, None], 0.0, self.sums), self.centres)

    def tensors(self, device: torch.device) -> dict[str, Tensor]:
        """As fields of the state."""
        return dict(
            class_sums=torch.from_numpy(self.sums).to(device), centres=torch.from_numpy(self.centres).to(device)
        )

    def nearest(self, label: int, centre: np.ndarray, among: Sequence[int]) -> int | None:
        """Which of the track IDs ``among`` has this class and was last seen nearest to ``centre``; None: none has."""
        known = [index for index in among if self.sums[index].any() and self.sums[index].argmax() == label]
        return min(known, key=lambda index: float(np.square(self.centres[index] - centre).sum()), default=None)

    def after(
        self, holders: Sequence[int], active: np.ndarray, class_probs: np.ndarray, centres: np.ndarray
    ) -> ClassMemory:
        """The memory after a frame.

        Args:
            holders: For each slot, the slot whose track ID it has taken.
            active: (N,) bool.
            class_probs: (N, K), of this frame.
            centres: (N, 2), of this frame.
        """
        sums, last = self.sums[holders], self.centres[holders]
        sums[active] = CLASS_DECAY * sums[active] + class_probs[active]
        last[active] = centres[active]
        return ClassMemory(sums, last)


def mask_centres(masks: Tensor) -> np.ndarray:
    """Row and column of the centre of each of N masks (N, h, w), in cells: (N, 2); (0, 0) for an empty one."""
    centres = []
    for summed in (2, 1):
        profile = masks.sum(summed, dtype=torch.float32)
        positions = torch.arange(profile.shape[1], dtype=torch.float32, device=masks.device)
        centres.append((profile * positions).sum(-1) / profile.sum(-1).clamp(min=1))
    return torch.stack(centres, dim=-1).cpu().numpy().astype(np.float64)
