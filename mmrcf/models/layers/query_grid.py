"""Grid-anchored queries: an anchor over the image for each instance query, and the content that it starts from.

Not the paper's. Queries that start alike take long to divide the objects of a frame among them; with an anchor for
each, the division is settled from the first iteration on, as in models with a grid (SOLO, Wang et al. 2020).
"""

import math

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from .position_encoding import COARSE, FINE, sine_positions
from .tokens import FusedTokens


def grid_anchors(number: int) -> Tensor:
    """``number`` anchors (N, 2): row and column as parts of height and width, spread evenly over a 4:3 image."""
    rows = max(1, round(math.sqrt(number * 3 / 4)))
    shares = [number // rows + (row < number % rows) for row in range(rows)]
    return torch.tensor(
        [((row + 0.5) / rows, (column + 0.5) / share) for row, share in enumerate(shares) for column in range(share)]
    )


def anchor_positions(anchors: Tensor, embed_dims: int) -> Tensor:
    """Positions (N, C_e) of anchors (N, 2): coarse plus fine sine positions, as with ``add_position_to_content``."""
    return sum(_sines(anchors, embed_dims, base) for base in (COARSE, FINE))


def _sines(anchors: Tensor, embed_dims: int, temperature: float) -> Tensor:
    # A grid of one cell whose extent is 0.5 / anchor has its centre, 0.5, at that anchor.
    like = torch.empty(len(anchors), embed_dims)
    return sine_positions(0.5 / anchors, 1, 1, like, temperature=temperature)[:, 0]


class LocalContent(BaseModule):
    """Mean of the target tokens around each anchor, through one linear layer.

    Tokens are averaged with the softmax of the likeness of their positions to that of the anchor. The likeness of sine
    positions falls with the squared distance, so the weights are close to a Gaussian; its standard deviation is half of
    the distance between anchors along the width.

    Args:
        anchors: (N, 2), row and column as parts of height and width.
        embed_dims: Token width C'.
    """

    def __init__(self, anchors: Tensor, embed_dims: int) -> None:
        super().__init__()
        self.linear = nn.Linear(embed_dims, embed_dims)
        keys = _sines(anchors, embed_dims, COARSE)
        # N anchors over a 4:3 image are s = 1 / sqrt(4 N / 3) of its width apart. With waves of f_i periods an image,
        # a likeness falls by d^2 sum_i (2 pi f_i)^2 / 2 at a distance d; a standard deviation of s / 2 asks for a fall
        # by 2 d^2 / s^2.
        quarter = embed_dims // 4
        frequencies = COARSE ** (-torch.arange(quarter) / quarter)
        sharpness = 2 * (len(anchors) * 4 / 3) / ((2 * math.pi * frequencies) ** 2).sum().mul(0.5)
        self.register_buffer('keys', keys * sharpness, persistent=False)

    def forward(self, fused: FusedTokens) -> Tensor:
        """The content (B, N, C') of the queries at these anchors."""
        height, width = fused.target_map.shape[-2:]
        cells = height * width
        likeness = torch.einsum('nc,blc->bnl', self.keys, fused.positions[:, :cells])
        if fused.padding is not None:
            likeness = likeness.masked_fill(fused.padding[:, None, :cells], float('-inf'))
        return self.linear(likeness.softmax(-1) @ fused.tokens[:, :cells])
