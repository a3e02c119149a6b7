"""The request of a training sampler."""

from typing import NamedTuple

import numpy as np


class ClipDraw(NamedTuple):
    """A video, and the seed of everything that is drawn on the way to the clip: frames, motion, augmentation.

    Attributes:
        index: Index of the video in its data set.
        seed: Any numbers, each at least 0.
    """

    index: int
    seed: tuple[int, ...]


def open_draw(item: int | ClipDraw) -> tuple[int, np.random.Generator]:
    """Index and source of randomness of an item; a bare index is seeded from NumPy's global state."""
    if isinstance(item, ClipDraw):
        return item.index, np.random.default_rng(item.seed)
    return item, np.random.default_rng(np.random.randint(2**31))
