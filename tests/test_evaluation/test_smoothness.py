"""Distances of outputs, and bounds that no input exceeds."""

import numpy as np
import pytest
import torch
from torch import nn

from mmrcf.evaluation.functional.smoothness import (
    LayerBound,
    _convolution_bounds,
    _matrix_bounds,
    chance_above,
    composed_bounds,
    quantiles,
    slot_distances,
)


def test_distances_by_hand() -> None:
    before, after = torch.tensor([[0.0, 1.0], [3.0, 0.0]]), torch.tensor([[3.0, 0.0], [0.0, 2.0]])
    # In place: |3| + |1| + |3| + |2|; slots exchanged: only the second value of one slot differs, by 1.
    assert slot_distances(after, before, 1) == pytest.approx((9, 1))
    assert slot_distances(after, before, 2) == pytest.approx((np.sqrt(9 + 1 + 9 + 4), 1))
    assert slot_distances(after, after, 2) == (0, 0)


def test_the_best_permutation_is_that_of_the_whole_distance() -> None:
    """For p = 2 squares add up: one slot off by 3 is worse than two off by 2."""
    before, after = torch.tensor([[0.0], [2.0]]), torch.tensor([[2.0], [3.0]])
    assert slot_distances(after, before, 2) == pytest.approx((np.sqrt(5), np.sqrt(5)))
    assert slot_distances(after, before, 1) == pytest.approx((3, 3))


def test_chance_above_by_hand() -> None:
    assert chance_above([2, 3], [1, 2]) == pytest.approx(3.5 / 4)
    assert chance_above([5], [1, 2]) == 1 and chance_above([0], [1, 2]) == 0
    assert chance_above([], [1]) is None and chance_above([1], []) is None


def test_quantiles_by_hand() -> None:
    assert quantiles(range(11)) == dict(count=11, min=0, p10=1, median=5, p90=9, max=10)
    assert quantiles([]) is None


def test_matrix_norms_by_hand() -> None:
    assert _matrix_bounds(torch.tensor([[3.0, 0.0], [-4.0, 1.0]]))[1] == 7
    assert _matrix_bounds(torch.diag(torch.tensor([2.0, -5.0]))) == {1: 5, 2: pytest.approx(5)}


@pytest.mark.parametrize(
    'options',
    [
        dict(kernel_size=1),
        dict(kernel_size=3, padding=1),
        dict(kernel_size=3, stride=2),
        dict(kernel_size=7, stride=2, padding=3),
        dict(kernel_size=3, dilation=2, padding=2),
        dict(kernel_size=3, groups=4, stride=3),
    ],
)
def test_no_input_exceeds_the_bound_of_a_convolution(options: dict) -> None:
    layer = nn.Conv2d(4, 8, bias=False, **options)
    bounds = _convolution_bounds(layer)
    # The input that is enlarged most, by power iteration, and single pixels for the 1-norm.
    image = torch.randn(1, 4, 17, 19, requires_grad=True)
    for _ in range(30):
        (gradient,) = torch.autograd.grad(0.5 * layer(image).square().sum(), image)
        image = (gradient / gradient.norm()).detach().requires_grad_()
    reached = float(layer(image).norm() / image.norm())
    assert reached <= bounds[2] * (1 + 1e-6)
    pixels = torch.zeros(4, 4, 17, 19)
    pixels[range(4), range(4), 9, 9] = 1
    sums = layer(pixels).abs().sum((1, 2, 3))
    assert float(sums.max()) <= bounds[1] * (1 + 1e-6)
    if options == dict(kernel_size=1):
        assert reached == pytest.approx(bounds[2], rel=1e-3)
        assert float(sums.max()) == pytest.approx(bounds[1], rel=1e-6)


def test_composed_bounds_by_hand() -> None:
    layers = [LayerBound('a', 'linear', {1: 1.0, 2: 10.0}), LayerBound('b', 'linear', {1: 1.0, 2: 100.0})]
    assert composed_bounds(layers, 2) == dict(
        count=2, product=pytest.approx(3), with_skips=pytest.approx(np.log10(11 * 101))
    )
    assert composed_bounds(layers, 1)['product'] == 0
    constant = LayerBound('c', 'convolution', {1: 0.0, 2: 0.0})
    assert composed_bounds([*layers, constant], 2) == dict(
        count=3, product=None, with_skips=pytest.approx(np.log10(11 * 101))
    )
