"""Track IDs by greedy mask overlap with the last mask of each track, for comparison with the matching-free tracker."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mmrcf.registry import MODELS
from mmrcf.structures import SlotPredictions, TrackState

from .base import BaseTracker, require_iou, require_max_age, require_option
from .overlap import active_slots, greedy_pairs, mask_iou
from .track_bank import assign_tracks, empty_bank, live_tracks


@MODELS.register_module()
class IoUTracker(BaseTracker):
    """An active slot continues the track whose last mask it overlaps most; the order of the slots plays no part.

    Pairs of slot and track are taken in descending order of IoU, one to one; a slot without a track starts a new one.
    In the state the first dimension counts tracks (M = ``max_tracks``) and ``masks`` holds the last mask of each;
    ``codes`` is None.

    Args:
        iou_threshold: A slot continues a track where the IoU is above this.
        max_tracks: M, at least the number of slots. Beyond it, the track that was inactive longest is removed.
        duplicate_iou: As in :class:`MatchingFreeTracker`.
        max_age: A track inactive for more frames than this is not continued. None: no limit but ``max_tracks``.
    """

    def __init__(
        self,
        iou_threshold: float = 0.5,
        max_tracks: int = 50,
        duplicate_iou: float | None = None,
        max_age: int | None = None,
    ) -> None:
        require_iou(self, 'iou_threshold', iou_threshold)
        require_option(max_tracks >= 1, self, 'max_tracks', max_tracks, 'a number of tracks >= 1')
        require_iou(self, 'duplicate_iou', duplicate_iou, optional=True)
        require_max_age(self, max_age)
        self.iou_threshold = iou_threshold
        self.max_tracks = max_tracks
        self.duplicate_iou = duplicate_iou
        self.max_age = max_age

    def init_state(self, num_slots: int, device: torch.device | str = 'cpu') -> TrackState:
        """A bank of ``max_tracks`` free tracks."""
        return empty_bank(self.max_tracks, num_slots, device)

    def update(self, state: TrackState, slots: SlotPredictions) -> tuple[Tensor, Tensor, TrackState]:
        """See :class:`BaseTracker`. Slots that are not active have track ID 0."""
        masks = slots.masks
        bank = masks.new_zeros(self.max_tracks, *masks.shape[1:]) if state.masks is None else state.masks
        live = live_tracks(state, self.max_age)
        among, with_tracks = mask_iou(masks, bank[torch.from_numpy(live).to(bank.device)])
        active = active_slots(slots, among, self.duplicate_iou)
        on = torch.from_numpy(active).to(masks.device)

        pairs = greedy_pairs(np.where(active[:, None], with_tracks, 0.0), self.iou_threshold)
        matches = {slot: int(live[column]) for slot, column in pairs}

        ids, tracks, new_state = assign_tracks(state, active, matches)
        return ids, on, replace(new_state, masks=bank.index_copy(0, tracks[on], masks[on]))
