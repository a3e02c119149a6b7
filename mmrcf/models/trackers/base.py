"""The contract of a tracker: it gives each active slot its track ID (Section III-B-4 of the paper)."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from mmrcf.errors import InputError
from mmrcf.structures import SlotPredictions, TrackState

NEVER_ACTIVE = -1
"""Value in ``TrackState.ages`` of a track ID that has not been active yet."""


class BaseTracker(ABC):
    """Gives track IDs to slots, frame by frame.

    A tracker holds options only. The state of a stream is a :class:`TrackState` that the caller passes in and
    gets back, so one tracker serves any number of streams. What every tracker guarantees:

    - track IDs are numbers from 1 on, and no two slots active in a frame have the same one;
    - the same frames in the same order give the same track IDs, whatever other streams do in between;
    - ``update`` does not change the state it is given, and the new state is no larger for a longer stream.

    A new tracker is a class that is registered in ``MODELS``: one file, imported by this folder's ``__init__.py`` or
    named in ``custom_imports`` of the config.
    """

    @abstractmethod
    def init_state(self, num_slots: int, device: torch.device | str = 'cpu') -> TrackState:
        """State of a stream before its first frame.

        Args:
            num_slots: N, the number of instance queries.
            device: Where the predictions of this stream will be.
        """

    @abstractmethod
    def update(self, state: TrackState, slots: SlotPredictions) -> tuple[Tensor, Tensor, TrackState]:
        """Give track IDs to the slots of the next frame.

        Args:
            state: The value that ``init_state`` or the last ``update`` returned. It is not changed.
            slots: Predictions for N slots.

        Returns:
            ids (N,) int64, the track ID of each slot, valid only for active slots; active (N,) bool, False for slots
            below the threshold and for suppressed duplicates; and the state for the next frame. All on the device of
            ``slots``.
        """


def require_option(condition: bool, tracker: BaseTracker, option: str, value: object, expected: str) -> None:
    """Raise :class:`InputError` naming tracker and option unless ``condition`` holds."""
    if not condition:
        raise InputError(f'{type(tracker).__name__}: {option}={value!r} is out of range; give {expected}')


def require_max_age(tracker: BaseTracker, max_age: int | None) -> None:
    """Raise :class:`InputError` unless ``max_age`` is None or a number of frames >= 0."""
    require_option(max_age is None or max_age >= 0, tracker, 'max_age', max_age, 'a number of frames >= 0, or None')


def require_iou(tracker: BaseTracker, option: str, value: float | None, optional: bool = False) -> None:
    """Raise :class:`InputError` unless ``value`` is an IoU in [0, 1], or None where that is allowed."""
    valid = optional if value is None else 0 <= value <= 1
    require_option(valid, tracker, option, value, 'an IoU in [0, 1]' + (', or None' if optional else ''))
