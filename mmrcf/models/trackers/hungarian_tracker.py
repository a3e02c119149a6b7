"""Track IDs by instance-code similarity and the Hungarian algorithm, for comparison with the matching-free tracker."""

from dataclasses import replace

import scipy
import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcf.registry import MODELS
from mmrcf.structures import SlotPredictions, TrackState

from .base import BaseTracker, require_iou, require_max_age, require_option
from .overlap import active_slots, mask_iou
from .track_bank import assign_tracks, empty_bank, live_tracks


@MODELS.register_module()
class HungarianTracker(BaseTracker):
    """An active slot continues the track whose last instance code is most like its own.

    One to one, such that the sum of the similarities in excess of ``min_similarity`` is greatest; a slot without such a
    track starts a new one. An absent object keeps its track. In the state the first dimension counts tracks (M =
    ``max_tracks``) and ``codes`` holds the code of each at unit length: the last one, or with ``momentum`` a mean in
    which older codes count less; ``masks`` is None.

    Args:
        min_similarity: Least cosine similarity, in [-1, 1], at which a slot continues a track.
        max_tracks: M, at least the number of slots. Beyond it, the track that was inactive longest is removed.
        duplicate_iou: As in :class:`MatchingFreeTracker`.
        max_age: A track inactive for more frames than this is not continued. None: no limit but ``max_tracks``.
        momentum: Share of a track's code in its next one, in [0, 1). 0: the code is that of the last frame alone, so
            one bad frame, of an object half hidden for instance, decides on the next.
    """

    def __init__(
        self,
        min_similarity: float = 0.5,
        max_tracks: int = 50,
        duplicate_iou: float | None = None,
        max_age: int | None = None,
        momentum: float = 0.0,
    ) -> None:
        require_option(-1 <= min_similarity <= 1, self, 'min_similarity', min_similarity, 'a cosine in [-1, 1]')
        require_option(max_tracks >= 1, self, 'max_tracks', max_tracks, 'a number of tracks >= 1')
        require_iou(self, 'duplicate_iou', duplicate_iou, optional=True)
        require_max_age(self, max_age)
        require_option(0 <= momentum < 1, self, 'momentum', momentum, 'a share in [0, 1)')
        self.min_similarity = min_similarity
        self.max_tracks = max_tracks
        self.duplicate_iou = duplicate_iou
        self.max_age = max_age
        self.momentum = momentum

    def init_state(self, num_slots: int, device: torch.device | str = 'cpu') -> TrackState:
        """A bank of ``max_tracks`` free tracks."""
        return empty_bank(self.max_tracks, num_slots, device)

    def update(self, state: TrackState, slots: SlotPredictions) -> tuple[Tensor, Tensor, TrackState]:
        """See :class:`BaseTracker`. Slots that are not active have track ID 0."""
        among, _ = mask_iou(slots.masks, slots.masks[:0])
        active = active_slots(slots, among, self.duplicate_iou)
        on = torch.from_numpy(active).to(slots.codes.device)
        codes = normalize(slots.codes.float(), dim=1)
        bank = codes.new_zeros(self.max_tracks, codes.shape[1]) if state.codes is None else state.codes

        live = live_tracks(state, self.max_age)
        candidates = active.nonzero()[0]
        with torch.autocast(codes.device.type, enabled=False):
            similarity = (codes[on] @ bank[torch.from_numpy(live).to(bank.device)].T).cpu().numpy()
        excess = (similarity - self.min_similarity).clip(min=0)
        matches = {
            int(candidates[row]): int(live[column])
            for row, column in zip(*scipy.optimize.linear_sum_assignment(excess, maximize=True), strict=True)
            if similarity[row, column] >= self.min_similarity
        }

        ids, tracks, new_state = assign_tracks(state, active, matches)
        kept = codes
        if self.momentum and matches:
            matched = torch.tensor(list(matches), device=codes.device)
            before = bank[torch.tensor(list(matches.values()), device=codes.device)]
            mixed = self.momentum * before + (1 - self.momentum) * codes[matched]
            kept = codes.index_copy(0, matched, normalize(mixed, dim=1))
        return ids, on, replace(new_state, codes=bank.index_copy(0, tracks[on], kept[on]))
