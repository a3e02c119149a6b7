from collections.abc import Callable

import pytest
import torch

from mmrcf.structures import SlotPredictions


def make_slots(
    spans: list[tuple[int, int] | None],
    scores: list[float] | None = None,
    codes: list[list[float]] | None = None,
    width: int = 40,
    labels: list[int] | None = None,
) -> SlotPredictions:
    """Slots whose masks are spans [start, stop) of a one-row image, so that an IoU can be worked out by hand.

    A slot of None is below the threshold; its mask is full all the same, as a network's may be.
    """
    masks = torch.zeros(len(spans), 1, width, dtype=torch.bool)
    for slot, span in enumerate(spans):
        start, stop = (0, width) if span is None else span
        masks[slot, 0, start:stop] = True
    above_thr = torch.tensor([span is not None for span in spans])
    scores = torch.tensor(scores) if scores else torch.full((len(spans),), 0.9)
    return SlotPredictions(
        masks=masks,
        scores=scores,
        class_probs=scores[:, None] if labels is None else scores[:, None] * torch.eye(4)[labels],
        above_thr=above_thr,
        codes=torch.tensor(codes) if codes else torch.eye(len(spans)),
    )


@pytest.fixture(scope='session')
def slots() -> Callable[..., SlotPredictions]:
    return make_slots


@pytest.fixture(scope='session')
def track() -> Callable[..., list[list[int | None]]]:
    """Run a tracker over frames; the track ID of each slot by frame, None where it is not shown."""

    def run(tracker, frames: list[SlotPredictions]) -> list[list[int | None]]:
        state = tracker.init_state(len(frames[0].masks))
        shown_ids = []
        for frame in frames:
            ids, active, state = tracker.update(state, frame)
            shown_ids.append(
                [track_id if on else None for track_id, on in zip(ids.tolist(), active.tolist(), strict=True)]
            )
        return shown_ids

    return run
