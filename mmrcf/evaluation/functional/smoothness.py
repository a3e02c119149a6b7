"""How smooth a network is from frame to frame: the quantities of Eq. 5-6 and of Appendix VI.

The paper's argument for track IDs by the order of the queries: the outputs of two frames differ by at most lambda times
the difference of the frames, a change of order makes a large difference, so the order is kept while lambda is small.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata
from torch import Tensor, nn

from mmrcf.models import RCF
from mmrcf.models.layers import MultiheadAttention

NORMS = (1, 2)
"""The p of the p-norms."""


def slot_distances(after: Tensor, before: Tensor, p: int) -> tuple[float, float]:
    """Distance of the outputs of two frames in the p-norm.

    Args:
        after: (N, D), a row a slot.
        before: (N, D).
        p: 1 or 2.

    Returns:
        With each slot compared with itself, and with the permutation of the slots that gives the least distance.
    """
    # The other ways of cdist lose the digits of small distances.
    each = torch.cdist(after.double(), before.double(), p=p, compute_mode='donot_use_mm_for_euclid_dist') ** p
    best = each[linear_sum_assignment(each.cpu().numpy())].sum()
    return float(each.diagonal().sum()) ** (1 / p), float(best) ** (1 / p)


def chance_above(values: Sequence[float], others: Sequence[float]) -> float | None:
    """Probability that one of ``values`` is above one of ``others``, ties counting half; None without any.

    It is the area under the ROC curve: 0.5 if the two do not differ, 1 if every value is above all others.
    """
    if not len(values) or not len(others):
        return None
    ranks = rankdata([*values, *others])[: len(values)].sum()
    return float((ranks - len(values) * (len(values) + 1) / 2) / (len(values) * len(others)))


def quantiles(values: Sequence[float]) -> dict[str, float] | None:
    """Number, least, 10th, 50th and 90th percentile, and largest; None without any."""
    if not len(values):
        return None
    names = ('min', 'p10', 'median', 'p90', 'max')
    return dict(count=len(values)) | {
        name: float(value) for name, value in zip(names, np.quantile(values, (0, 0.1, 0.5, 0.9, 1)), strict=True)
    }


@dataclass(frozen=True)
class LayerBound:
    """Upper bounds of the Lipschitz constant of one layer.

    Attributes:
        name: Of the module.
        kind: ``'convolution'`` (batch norms too), ``'linear'``, or ``'attention'``: the linear layers inside.
        bounds: By p of the p-norm.
    """

    name: str
    kind: str
    bounds: Mapping[int, float]


def layer_bounds(model: RCF) -> Iterator[LayerBound]:
    """The layers with weights between a frame and the outputs, in the order of the modules.

    Layer and group norms, the softmax of the attention and the product of filters and segmentation map are not among
    them, for no norm of a weight bounds them; nor are pooling and upsampling, which have no weight.
    """
    parts = {name: getattr(model, name) for name in ('backbone', 'neck', 'mask_decoder', 'head')}
    for part, module in parts.items():
        attentions = {
            child for layer in module.modules() if isinstance(layer, MultiheadAttention) for child in layer.modules()
        }
        for name, layer in module.named_modules():
            if isinstance(layer, nn.Conv2d):
                yield LayerBound(f'{part}.{name}', 'convolution', _convolution_bounds(layer))
            elif isinstance(layer, nn.BatchNorm2d):
                scale = (layer.weight.detach() / (layer.running_var + layer.eps).sqrt()).abs().max()
                yield LayerBound(f'{part}.{name}', 'convolution', dict.fromkeys(NORMS, float(scale)))
            elif isinstance(layer, nn.Linear):
                kind = 'attention' if layer in attentions else 'linear'
                yield LayerBound(f'{part}.{name}', kind, _matrix_bounds(layer.weight))


def _matrix_bounds(weight: Tensor) -> dict[int, float]:
    """Operator norms of a matrix (out, in): the largest column sum, and the largest singular value."""
    weight = weight.detach().double()
    return {1: float(weight.abs().sum(0).max()), 2: float(torch.linalg.matrix_norm(weight, 2))}


def _convolution_bounds(layer: nn.Conv2d) -> dict[int, float]:
    """Bounds of a convolution on maps of any size.

    For p = 1, an input value reaches each output channel through each tap of the kernel at most once. For p = 2, the
    convolution is a matrix (out, in * taps) after the unfolding of windows, which repeats an input value as often as
    windows hold it.
    """
    weight = layer.weight.detach().double()
    first = float(weight.abs().sum((0, 2, 3)).max())
    repeats = math.prod(
        taps if dilation > 1 else math.ceil(taps / stride)
        for taps, stride, dilation in zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)
    )
    groups = weight.unflatten(0, (layer.groups, -1)).flatten(2)
    second = float(torch.linalg.matrix_norm(groups, 2).max()) * math.sqrt(repeats)
    return {1: first, 2: second}


def composed_bounds(layers: Sequence[LayerBound], p: int) -> dict[str, float]:
    """Decimal logarithms of what the bounds of layers amount to together.

    Returns:
        ``product``: of all bounds, as in Corollary 1 for layers one after the other. ``with_skips``: the product of (1
        + bound), which is above the sum over all paths that leave out layers, as residual connections do. And the
        number of layers as ``count``. The first is None where a layer is constant, as a branch that starts at zero.
    """
    bounds = np.array([layer.bounds[p] for layer in layers])
    is_constant = not bounds.all()
    return dict(
        count=len(bounds),
        product=None if is_constant else float(np.log10(bounds).sum()),
        with_skips=float(np.log10(1 + bounds).sum()),
    )
