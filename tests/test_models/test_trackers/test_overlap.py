"""Overlaps of masks, counted bit by bit on a CPU and by a matrix product on a GPU."""

import numpy as np
import pytest
import torch

from mmrcf.models.trackers.overlap import _bit_counts, _products, mask_iou


def test_hand_counted_overlaps() -> None:
    masks, before = torch.zeros(3, 2, 5, dtype=torch.bool), torch.zeros(1, 2, 5, dtype=torch.bool)
    masks[0, 0] = True  # 5 pixels
    masks[1, :, :2] = True  # 4 pixels, 2 of them in the first mask; the third is empty
    before[0] = True
    among, with_before = mask_iou(masks, before)
    np.testing.assert_allclose(among, [[1, 2 / 7, 0], [2 / 7, 1, 0], [0, 0, 0]])
    np.testing.assert_allclose(with_before, [[0.5], [0.4], [0]])


@pytest.mark.parametrize('pixels', [1, 7, 63, 64, 65, 1000])
def test_both_ways_count_alike(pixels: int) -> None:
    every = torch.rand(7, pixels, generator=torch.Generator().manual_seed(pixels)) > 0.4
    for one, other in zip(_bit_counts(every.numpy(), 4), _products(every, 4), strict=True):
        assert one.tolist() == other.tolist()
