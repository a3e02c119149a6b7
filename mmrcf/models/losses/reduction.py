"""Averages over the processes of a training."""

from mmengine.dist import all_reduce
from torch import Tensor


def reduce_mean(value: Tensor) -> Tensor:
    """The mean of ``value`` over all processes, which must all call this; ``value`` itself where there is one."""
    mean = value.detach().clone()
    all_reduce(mean, 'mean')
    return mean
