"""Places over an image for the instance queries to start from, and a match cost that holds them to it.

Not the paper's. Queries that start alike take long to divide the objects of a frame among them; with a place for each,
which objects are a query's is settled from the first iteration on, as in models with a grid (SOLO, Wang et al. 2020).
"""

import math

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmrcf.registry import TASK_UTILS

from ..layers import COARSE, FINE, sine_positions


def spread_places(number: int) -> Tensor:
    """``number`` places (N, 2), row and column as parts of height and width, spread evenly over a 4:3 image."""
    rows = max(1, round(math.sqrt(number * 3 / 4)))
    shares = [number // rows + (row < number % rows) for row in range(rows)]
    return torch.tensor(
        [((row + 0.5) / rows, (column + 0.5) / share) for row, share in enumerate(shares) for column in range(share)]
    )


def place_positions(places: Tensor, embed_dims: int) -> Tensor:
    """Positions (N, C_e) of places (N, 2): coarse and fine sine positions, added, as in tokens with located content."""
    # A grid of one cell whose extent is 0.5 / place has its centre, 0.5, at that place.
    like = torch.empty(len(places), embed_dims)
    return sum(sine_positions(0.5 / places, 1, 1, like, temperature=base)[:, 0] for base in (COARSE, FINE))


@TASK_UTILS.register_module()
class PlaceCost:
    """Distance of a query's place from the centre of an object's mask.

    Args:
        weight: Cost of a distance as long as a side of the image.
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, predictions: InstanceData, truth: InstanceData, img_meta: dict | None = None) -> Tensor:
        """Costs (N, n).

        Args:
            predictions: With ``places`` (N, 2).
            truth: With ``masks`` (n, H_o, W_o) in [0, 1].
            img_meta: Not used; mmdet's costs have it.
        """
        centres = mask_centres(truth.masks)
        return self.weight * (predictions.places[:, None] - centres[None]).norm(dim=-1)


def mask_centres(masks: Tensor) -> Tensor:
    """Centres of mass (n, 2) of masks (n, H, W), row and column as parts of height and width; the middle if empty."""
    total = masks.sum((1, 2))
    centres = []
    for axis in (1, 2):
        size = masks.shape[axis]
        places = (torch.arange(size, device=masks.device) + 0.5) / size
        profile = masks.sum(3 - axis)
        centres.append(torch.where(total > 0, (profile * places).sum(1) / total.clamp(min=1e-6), 0.5))
    return torch.stack(centres, dim=-1)
