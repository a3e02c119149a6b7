"""Figures over many frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Statistics:
    """Of a quantity measured on many frames.

    Attributes:
        mean, p50, p95: Mean, median and 95th percentile.
        count: Number of frames.
    """

    mean: float
    p50: float
    p95: float
    count: int


def statistics_of(values: Sequence[float]) -> Statistics:
    """Statistics of at least one value.

    Raises:
        ValueError: There is none.
    """
    if len(values) == 0:
        raise ValueError('statistics of nothing: expected at least one value')
    p50, p95 = np.percentile(values, (50, 95))
    return Statistics(mean=float(np.mean(values)), p50=float(p50), p95=float(p95), count=len(values))


def paired_ratio(slower: Sequence[float], faster: Sequence[float]) -> Statistics:
    """``slower / faster`` pair by pair, for two subjects that took turns: what both suffered at a time cancels out.

    Raises:
        ValueError: The lengths differ.
    """
    if len(slower) != len(faster):
        raise ValueError(f'{len(slower)} and {len(faster)} values do not make pairs')
    return statistics_of(np.asarray(slower) / np.asarray(faster))
