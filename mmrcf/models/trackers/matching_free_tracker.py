"""The paper's tracker: track ID follows the order of the slots (Section III-B-4).

The network learns to keep an object in its slot, so no matching algorithm and no embedding is needed. The overlap of
masks corrects the frames in which objects change their slots.
"""

import numpy as np
import torch
from torch import Tensor

from mmrcf.registry import MODELS
from mmrcf.structures import SlotPredictions, TrackState

from .base import NEVER_ACTIVE, BaseTracker, require_iou, require_max_age, require_option
from .class_memory import ClassMemory, mask_centres
from .overlap import active_slots, greedy_pairs, mask_iou


@MODELS.register_module()
class MatchingFreeTracker(BaseTracker):
    """Track IDs are a permutation of the slots.

    On the masks of the slots active at t and at t-1:

    1. A slot whose mask overlaps its own mask at t-1 keeps its track ID.
    2. Among the rest, pairs (i at t, j at t-1), i != j, of masks that overlap, where j was not continued by rule 1, in
       descending order of IoU, one to one: i takes the track ID that j had, and the slot that holds this track ID now
       takes i's.
    3. Every other slot keeps its track ID, also after an absence.

    So track IDs are unique by construction, and without ``max_age`` they are always a permutation of 1..N.

    Args:
        iou_threshold: Masks overlap where their IoU is above this (paper: 0.5).
        duplicate_iou: A slot above the threshold whose mask overlaps a better-scored active one by more than this
            counts as below the threshold, in this frame and in the comparison with the next. None (paper): every slot
            above the threshold is active.
        max_age: A track ID that was inactive for more frames than this is not used again: its slot gets a new number.
            For endless streams. None (paper): track IDs never expire.
        return_by_class: Before rule 3, a slot that rules 1 and 2 did not continue takes, among the track IDs that they
            did not continue, that of its class which was last seen nearest to it, if there is one; the slot that held
            this track ID takes the slot's own. Slots with a higher score choose first. So objects come back under
            their track IDs. But objects of one class may exchange them where each moves on by more than their distance
            between two frames. False (paper): only rule 3.
        start_score: A slot that rules 1 and 2 did not continue is active only if its score reaches this, so that an
            object that appears in another slot for one frame does not become a new object. None (paper): every slot
            above the threshold is active.
    """

    def __init__(
        self,
        iou_threshold: float = 0.5,
        duplicate_iou: float | None = None,
        max_age: int | None = None,
        return_by_class: bool = False,
        start_score: float | None = None,
    ) -> None:
        require_iou(self, 'iou_threshold', iou_threshold)
        require_iou(self, 'duplicate_iou', duplicate_iou, optional=True)
        require_max_age(self, max_age)
        in_range = start_score is None or 0 <= start_score <= 1
        require_option(in_range, self, 'start_score', start_score, 'a probability in [0, 1], or None')
        self.iou_threshold = iou_threshold
        self.duplicate_iou = duplicate_iou
        self.max_age = max_age
        self.return_by_class = return_by_class
        self.start_score = start_score

    def init_state(self, num_slots: int, device: torch.device | str = 'cpu') -> TrackState:
        """Slot i (from 0) holds track ID i + 1."""
        return TrackState(
            track_ids=torch.arange(1, num_slots + 1, device=device),
            masks=None,
            codes=None,
            ages=torch.full((num_slots,), NEVER_ACTIVE, device=device),
            next_id=num_slots + 1,
        )

    def update(self, state: TrackState, slots: SlotPredictions) -> tuple[Tensor, Tensor, TrackState]:
        """See :class:`BaseTracker`. Slots that are not active have the track ID that they hold."""
        before = torch.zeros_like(slots.masks) if state.masks is None else state.masks
        # Overlaps of slots below the score threshold are not used; they are most slots.
        above = slots.above_thr.cpu().numpy()
        among, with_before = np.zeros((len(above), len(above))), np.zeros((len(above), len(before)))
        among[np.ix_(above, above)], with_before[above] = mask_iou(slots.masks[slots.above_thr], before)
        return self.follow(state, slots, among, with_before)

    def follow(
        self, state: TrackState, slots: SlotPredictions, among: np.ndarray, with_before: np.ndarray
    ) -> tuple[Tensor, Tensor, TrackState]:
        """:meth:`update` with overlaps that are already known, from an exported model.

        Args:
            state: As in :meth:`update`; its masks are not used.
            slots: As in :meth:`update`.
            among: (N, N) IoU of the masks with each other.
            with_before: (N, N) IoU of the masks (rows) with those of the frame before (columns); 0 for slots that were
                not active there.
        """
        active = active_slots(slots, among, self.duplicate_iou)
        # A slot that was absent at t-1 has an empty mask there; one that is absent at t still has a prediction.
        holders, continued = self._holders(np.where(active[:, None], with_before, 0.0))
        if self.start_score is not None:
            active &= continued | (slots.scores.float().cpu().numpy() >= self.start_score)
        memory = self._let_return(state, slots, active, holders, continued) if self.return_by_class else {}

        track_ids = state.track_ids.cpu().numpy()[holders]
        ages = state.ages.cpu().numpy()[holders]
        next_id = state.next_id
        if self.max_age is not None:
            for slot in np.flatnonzero(active & (ages > self.max_age)):
                track_ids[slot] = next_id
                next_id += 1
        ages = np.where(active, 0, np.where(ages == NEVER_ACTIVE, NEVER_ACTIVE, ages + 1))

        device = slots.masks.device
        ids, on = torch.from_numpy(track_ids).to(device), torch.from_numpy(active).to(device)
        new_state = TrackState(
            track_ids=ids.clone(),
            masks=slots.masks & on[:, None, None],
            codes=None,
            ages=torch.from_numpy(ages).to(device),
            next_id=next_id,
            **memory,
        )
        return ids, on, new_state

    def _holders(self, iou: np.ndarray) -> tuple[list[int], np.ndarray]:
        """For each slot, the slot whose track ID at t-1 it holds at t: a permutation.

        Args:
            iou: (N, N) IoU of the masks at t (rows) with those at t-1 (columns); 0 for slots that are not active.

        Returns:
            The permutation, and (N,) bool: whether the slot continues an object of t-1 (rules 1 and 2).
        """
        holders = list(range(len(iou)))
        continued = np.diagonal(iou) > self.iou_threshold
        others = np.where(continued[:, None] | continued[None, :] | np.eye(len(iou), dtype=bool), 0.0, iou)
        continued = continued.copy()
        for slot, before in greedy_pairs(others, self.iou_threshold):
            holder = holders.index(before)
            holders[slot], holders[holder] = holders[holder], holders[slot]
            continued[slot] = True
        return holders, continued

    def _let_return(
        self, state: TrackState, slots: SlotPredictions, active: np.ndarray, holders: list[int], continued: np.ndarray
    ) -> dict[str, Tensor]:
        """Apply ``return_by_class`` to ``holders``, in place; its memory, as fields of the new state."""
        class_probs = slots.class_probs.float().cpu().numpy()
        centres = np.zeros((len(active), 2))
        centres[active] = mask_centres(slots.masks[torch.from_numpy(active).to(slots.masks.device)])
        memory = ClassMemory.of(state, class_probs.shape[1])
        if self.max_age is not None:
            memory = memory.without(state.ages.cpu().numpy() > self.max_age)
        free = [slot for slot in range(len(holders)) if not continued[slot]]
        for slot in np.argsort(-slots.scores.float().cpu().numpy(), kind='stable'):
            if not active[slot] or continued[slot]:
                continue
            among = [holders[i] for i in free]
            found = memory.nearest(int(class_probs[slot].argmax()), centres[slot], among)
            if found is not None:
                holder = holders.index(found)
                holders[slot], holders[holder] = holders[holder], holders[slot]
            free.remove(slot)
        return memory.after(holders, active, class_probs, centres).tensors(slots.masks.device)
