"""Mask overlap between slots, and what follows from it. The small arrays (N x N) live on the CPU."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from mmrcf.structures import SlotPredictions


def mask_iou(masks: Tensor, before: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """IoU of every mask with every other of this frame, and with every one from before; 0 where both are empty.

    Args:
        masks: (N, h, w) bool.
        before: (M, h, w) bool, on the same device.

    Returns:
        (N, N) and (N, M) float64.

    Raises:
        ValueError: The sizes differ: the stream's frame size has changed and its state must be started again.
    """
    if masks.shape[1:] != before.shape[1:]:
        raise ValueError(
            f'masks of {tuple(masks.shape[1:])} after masks of {tuple(before.shape[1:])} in one stream: '
            'expected frames of one size; start a new stream with init_state()'
        )
    every = torch.cat([masks, before]).flatten(1)
    count = len(masks)
    if every.is_cuda:
        intersection, areas = _products(every, count)
    else:
        intersection, areas = _bit_counts(every.cpu().numpy(), count)
    union = areas[:count, None] + areas[None] - intersection
    iou = intersection / np.maximum(union, 1)
    return iou[:, :count], iou[:, count:]


def _bit_counts(every: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that the first ``count`` of M masks (M, P) share with each, and the pixels of each; 64 at once."""
    present = np.flatnonzero(every.any(axis=1))  # most slots of a frame are empty
    rows = present[present < count]
    words = -(-every.shape[1] // 64)
    packed = np.zeros((len(present), 8 * words), np.uint8)
    packed[:, : -(-every.shape[1] // 8)] = np.packbits(every[present], axis=1)
    packed = packed.view(np.uint64)
    common = np.zeros((count, len(every)), np.int64)
    common[np.ix_(rows, present)] = np.bitwise_count(packed[: len(rows), None] & packed[None]).sum(-1, dtype=np.int64)
    areas = np.zeros(len(every), np.int64)
    areas[present] = np.bitwise_count(packed).sum(-1, dtype=np.int64)
    return common, areas


def _products(every: Tensor, count: int) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`_bit_counts`, by one matrix product and one transfer; a full mask among them gives the areas."""
    # Under autocast the product would run in half precision, where pixel counts are not exact.
    with torch.autocast(every.device.type, enabled=False):
        full = torch.cat([every, every.new_ones(1, every.shape[1])]).float()
        overlap = (torch.cat([full[:count], full[-1:]]) @ full[:-1].T).cpu().numpy().astype(np.int64)
    return overlap[:-1], overlap[-1]


def active_slots(slots: SlotPredictions, iou: np.ndarray, duplicate_iou: float | None) -> np.ndarray:
    """Which slots are active: those above the score threshold, without duplicates of a better-scored active slot.

    Args:
        slots: Predictions for N slots.
        iou: (N, N) IoU between their masks.
        duplicate_iou: Overlap above which a slot is a duplicate; None: all slots above the threshold are active.

    Returns:
        (N,) bool.
    """
    active = slots.above_thr.cpu().numpy().copy()
    if duplicate_iou is None:
        return active
    scores = slots.scores.float().cpu().numpy()
    better: list[int] = []
    for slot in np.argsort(-scores, kind='stable'):
        if active[slot]:
            active[slot] = not (iou[slot, better] > duplicate_iou).any()
            if active[slot]:
                better.append(slot)
    return active


def greedy_pairs(similarity: np.ndarray, threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs (row, column) above ``threshold`` in descending order, each row and each column once.

    Equal values come in the order of rows, then columns.
    """
    rows, columns = np.nonzero(similarity > threshold)
    used_rows, used_columns = set(), set()
    for index in np.argsort(-similarity[rows, columns], kind='stable'):
        row, column = int(rows[index]), int(columns[index])
        if row not in used_rows and column not in used_columns:
            used_rows.add(row)
            used_columns.add(column)
            yield row, column
