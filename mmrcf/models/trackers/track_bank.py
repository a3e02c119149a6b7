"""A bank of M tracks, for trackers that match detections to tracks.

In such a tracker's :class:`TrackState` the first dimension counts tracks, not slots. The bank never grows: a track that
was never active is free, and when none is free the one that was inactive longest is replaced.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mmrcf.errors import InputError
from mmrcf.structures import TrackState

from .base import NEVER_ACTIVE


def empty_bank(max_tracks: int, num_slots: int, device: torch.device | str) -> TrackState:
    """A bank in which track m (from 0) is free and has the unused track ID m + 1.

    Raises:
        InputError: There are fewer tracks than slots, so a frame could show more objects than there are tracks.
    """
    if max_tracks < num_slots:
        raise InputError(f'tracker: max_tracks={max_tracks} is less than the {num_slots} slots of the model; raise it')
    return TrackState(
        track_ids=torch.arange(1, max_tracks + 1, device=device),
        masks=None,
        codes=None,
        ages=torch.full((max_tracks,), NEVER_ACTIVE, device=device),
        next_id=max_tracks + 1,
    )


def live_tracks(state: TrackState, max_age: int | None) -> np.ndarray:
    """Indices of the tracks that a slot may continue: active before, absent for at most ``max_age`` frames."""
    ages = state.ages.cpu().numpy()
    live = ages != NEVER_ACTIVE
    if max_age is not None:
        live &= ages <= max_age
    return np.flatnonzero(live)


def assign_tracks(state: TrackState, active: np.ndarray, matches: dict[int, int]) -> tuple[Tensor, Tensor, TrackState]:
    """Continue the matched tracks and start one for every other active slot.

    Args:
        state: The bank, of M >= N tracks. Not changed.
        active: (N,) bool.
        matches: Track by slot, one to one, for active slots only.

    Returns:
        ids (N,) int64, the track ID of each slot, 0 where it is not active; tracks (N,) int64, its track, -1 where it
        is not active; and the bank with track IDs and ages of this frame, masks and codes as they were.
    """
    track_ids, ages = state.track_ids.cpu().numpy().copy(), state.ages.cpu().numpy()
    next_id = state.next_id
    tracks = np.full(len(active), -1)
    tracks[list(matches)] = list(matches.values())
    taken = set(matches.values())
    free = iter(
        sorted(
            (track for track in range(len(ages)) if track not in taken),
            key=lambda track: (ages[track] != NEVER_ACTIVE, -ages[track], track),
        )
    )
    for slot in np.flatnonzero(active & (tracks == -1)):
        tracks[slot] = track = next(free)
        if ages[track] != NEVER_ACTIVE:
            track_ids[track] = next_id
            next_id += 1

    ages = np.where(ages == NEVER_ACTIVE, NEVER_ACTIVE, ages + 1)
    ages[tracks[active]] = 0
    ids = np.where(active, track_ids[tracks], 0)
    device = state.track_ids.device
    new_state = replace(
        state,
        track_ids=torch.from_numpy(track_ids).to(device),
        ages=torch.from_numpy(ages).to(device),
        next_id=next_id,
    )
    return torch.from_numpy(ids).to(device), torch.from_numpy(tracks).to(device), new_state
