"""A bank of M tracks, for trackers that match detections to tracks.

In such a tracker's :class:`TrackState` the first dimension counts tracks, not slots. The bank never grows: a track that
was never shown is free, and when none is free the one that has been silent longest makes room.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mmrcf.errors import InputError
from mmrcf.structures import TrackState

from .base import NEVER_SHOWN


def empty_bank(max_tracks: int, num_slots: int, device: torch.device | str) -> TrackState:
    """A bank in which track m (from 0) is free and has the unused identity m + 1.

    Raises:
        InputError: There are fewer tracks than slots, so a frame could show more objects than there are tracks.
    """
    if max_tracks < num_slots:
        raise InputError(f'tracker: max_tracks={max_tracks} is less than the {num_slots} slots of the model; raise it')
    return TrackState(
        identities=torch.arange(1, max_tracks + 1, device=device),
        masks=None,
        codes=None,
        ages=torch.full((max_tracks,), NEVER_SHOWN, device=device),
        next_identity=max_tracks + 1,
    )


def live_tracks(state: TrackState, max_age: int | None) -> np.ndarray:
    """Indices of the tracks that a slot may continue: shown before, and not silent for more than ``max_age`` frames."""
    ages = state.ages.cpu().numpy()
    live = ages != NEVER_SHOWN
    if max_age is not None:
        live &= ages <= max_age
    return np.flatnonzero(live)


def assign_tracks(state: TrackState, shown: np.ndarray, matches: dict[int, int]) -> tuple[Tensor, Tensor, TrackState]:
    """Continue the matched tracks and start one for every other shown slot.

    Args:
        state: The bank, of M >= N tracks. Not changed.
        shown: (N,) bool.
        matches: Track by slot, one to one, for shown slots only.

    Returns:
        ids (N,) int64, the identity of each slot, 0 where it is not shown; tracks (N,) int64, its track, -1 where it is
        not shown; and the bank with identities and ages of this frame, masks and codes as they were.
    """
    identities, ages = state.identities.cpu().numpy().copy(), state.ages.cpu().numpy()
    next_identity = state.next_identity
    tracks = np.full(len(shown), -1)
    tracks[list(matches)] = list(matches.values())
    taken = set(matches.values())
    free = iter(
        sorted(
            (track for track in range(len(ages)) if track not in taken),
            key=lambda track: (ages[track] != NEVER_SHOWN, -ages[track], track),
        )
    )
    for slot in np.flatnonzero(shown & (tracks == -1)):
        tracks[slot] = track = next(free)
        if ages[track] != NEVER_SHOWN:
            identities[track] = next_identity
            next_identity += 1

    ages = np.where(ages == NEVER_SHOWN, NEVER_SHOWN, ages + 1)
    ages[tracks[shown]] = 0
    ids = np.where(shown, identities[tracks], 0)
    device = state.identities.device
    new_state = replace(
        state,
        identities=torch.from_numpy(identities).to(device),
        ages=torch.from_numpy(ages).to(device),
        next_identity=next_identity,
    )
    return torch.from_numpy(ids).to(device), torch.from_numpy(tracks).to(device), new_state
