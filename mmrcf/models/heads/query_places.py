"""Places over an image for the instance queries: what they start from there, and a match cost that holds them to it.

Not the paper's. Queries that start alike take long to divide the objects of a frame among them; with a place for each,
which objects are a query's is settled from the first iteration on, as in models with a grid (SOLO, Wang et al. 2020).
"""

import math

import torch
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmrcf.registry import TASK_UTILS

from ..layers import COARSE, FINE, sine_positions
from ..necks import FusedTokens


def spread_places(number: int) -> Tensor:
    """``number`` places (N, 2), row and column as parts of height and width, spread evenly over a 4:3 image."""
    rows = max(1, round(math.sqrt(number * 3 / 4)))
    shares = [number // rows + (row < number % rows) for row in range(rows)]
    return torch.tensor(
        [((row + 0.5) / rows, (column + 0.5) / share) for row, share in enumerate(shares) for column in range(share)]
    )


def place_positions(places: Tensor, embed_dims: int) -> Tensor:
    """Positions (N, C_e) of places (N, 2): coarse and fine sine positions, added, as in tokens with located content."""
    return sum(_sines(places, embed_dims, base) for base in (COARSE, FINE))


def _sines(places: Tensor, embed_dims: int, temperature: float) -> Tensor:
    # A grid of one cell whose extent is 0.5 / place has its centre, 0.5, at that place.
    like = torch.empty(len(places), embed_dims)
    return sine_positions(0.5 / places, 1, 1, like, temperature=temperature)[:, 0]


class LocalContent(BaseModule):
    """What the target tokens around each place say, through one linear layer.

    Tokens are averaged with the softmax of the likeness of their positions to that of the place. The likeness of sine
    positions falls with the squared distance, so the weights are close to a Gaussian; its standard deviation is half of
    what places are apart along the width.

    Args:
        places: (N, 2), row and column as parts of height and width.
        embed_dims: Token width C'.
    """

    def __init__(self, places: Tensor, embed_dims: int) -> None:
        super().__init__()
        self.linear = nn.Linear(embed_dims, embed_dims)
        keys = _sines(places, embed_dims, COARSE)
        # N places over a 4:3 image are s = 1 / sqrt(4 N / 3) of its width apart. With waves of f_i periods an image,
        # a likeness falls by d^2 sum_i (2 pi f_i)^2 / 2 at a distance d; a standard deviation of s / 2 asks for a fall
        # by 2 d^2 / s^2.
        quarter = embed_dims // 4
        frequencies = COARSE ** (-torch.arange(quarter) / quarter)
        sharpness = 2 * (len(places) * 4 / 3) / ((2 * math.pi * frequencies) ** 2).sum().mul(0.5)
        self.register_buffer('keys', keys * sharpness, persistent=False)

    def forward(self, fused: FusedTokens) -> Tensor:
        """The content (B, N, C') of the queries at these places."""
        height, width = fused.target_map.shape[-2:]
        cells = height * width
        likeness = torch.einsum('nc,blc->bnl', self.keys, fused.positions[:, :cells])
        if fused.padding is not None:
            likeness = likeness.masked_fill(fused.padding[:, None, :cells], float('-inf'))
        return self.linear(likeness.softmax(-1) @ fused.tokens[:, :cells])


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
