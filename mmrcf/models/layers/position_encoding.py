"""Two-dimensional sine positions for token grids of any size (the operation P of Eq. 1 and 2)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

COARSE = 10000.0
"""The usual temperature of :func:`sine_positions`: no wavelength is shorter than the image."""
FINE = 1 / 16
"""Another: from 1 to nearly 16 periods an image. The usual one is enough for attention to find its way, not for a mask
to end where an object does."""


def sine_positions(
    extents: Sequence[tuple[int, int]] | Tensor, height: int, width: int, like: Tensor, temperature: float = COARSE
) -> Tensor:
    """Positions of the cells of a grid, in coordinates normalised to the valid part of the image.

    A K x K grid of reference tokens and an H x W grid of target tokens therefore share one coordinate system: the
    centre of the image is the centre of either.

    Args:
        extents: B pairs, or a tensor (B, 2): valid height and width of each grid, in cells.
        height: Cells of the grid, top to bottom, padding included.
        width: Cells of the grid, left to right, padding included.
        like: Tensor whose second dimension is the token width C', a multiple of 4; gives device and dtype too.
        temperature: Base of the geometric series of wavelengths.

    Returns:
        (B, height * width, C'), row by row.
    """
    quarter = like.shape[1] // 4
    # In float32 whatever the tokens are in: half precision would blur the phases of neighbouring cells.
    numbers = {'device': like.device, 'dtype': torch.float32}
    frequencies = temperature ** (-torch.arange(quarter, **numbers) / quarter)
    extent = torch.as_tensor(extents, **numbers)

    def encode(cells: int, valid: Tensor) -> Tensor:
        """One axis: its number of cells and those that are valid, (B,), to (B, cells, C' / 2)."""
        centres = (torch.arange(cells, **numbers) + 0.5)[None] / valid[:, None]
        phases = 2 * math.pi * centres[..., None] * frequencies
        return torch.cat((phases.sin(), phases.cos()), dim=-1)

    vertical = encode(height, extent[:, 0])[:, :, None].expand(-1, -1, width, -1)
    horizontal = encode(width, extent[:, 1])[:, None].expand(-1, height, -1, -1)
    return torch.cat((vertical, horizontal), dim=-1).flatten(1, 2).to(like.dtype)
