"""A loss that is not a number ends a training, and is named."""

import math

import pytest
import torch

from mmrcf.engine import DivergenceHook


def test_losses_that_are_numbers_pass() -> None:
    DivergenceHook().after_train_iter(None, 0, outputs=dict(loss=torch.tensor(3.0), loss_cls=torch.tensor(-1e30)))
    DivergenceHook().after_train_iter(None, 0)


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_the_term_is_named_before_the_sum(value: float) -> None:
    losses = dict(loss=torch.tensor(value), loss_cls=torch.tensor(1.0), loss_dice=torch.tensor(value))
    with pytest.raises(FloatingPointError, match=f'^loss_dice is {value}$'):
        DivergenceHook().after_train_iter(None, 0, outputs=losses)
    with pytest.raises(FloatingPointError, match=f'^loss is {value}$'):
        DivergenceHook().after_train_iter(None, 0, outputs=dict(loss=torch.tensor(value)))
