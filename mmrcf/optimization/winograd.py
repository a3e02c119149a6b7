"""3 x 3 convolutions with a quarter of the multiplications, for CPUs whose library has no such algorithm.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016: F(4 x 4, 3 x 3). The image is cut into
tiles of 6 x 6 that overlap by 2; each gives 4 x 4 values of the result, with 36 multiplications for each pair of
channels where the plain convolution needs 144. Tiles go there and back by small constant matrices.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TILE, STEP = 6, 4
# The paper's matrices for F(4, 3): of the image, of the weights, of the result.
IMAGE = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
WEIGHT = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
RESULT = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
# A number here adds itself to each value of the tile: column 1 of RESULT is all ones.
CONSTANT = TILE + 1

# Measured on two cores: below these the tiles' way there and back costs more than the multiplications saved.
MIN_CHANNELS = 128
MIN_TILES = 15
# Tiles are worked on in portions of about this size, which the last level of cache holds.
PORTION_BYTES = 8e6


class WinogradConv2d(nn.Module):
    """A 3 x 3 convolution of stride 1 and padding 1 for inference in float32.

    It has four times the weights of the convolution, and those too: small images, other number types, GPUs, and graphs
    that are traced for export go the plain way.

    Args:
        conv: The convolution, whose weights must not change any more.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        weight, exact = conv.weight.detach(), dict(dtype=torch.float64, device=conv.weight.device)
        image, transform, result = (torch.tensor(matrix, **exact) for matrix in (IMAGE, WEIGHT, RESULT))
        filters = torch.einsum('ia,ocab,jb->ijco', transform, weight.double(), transform)
        constants = torch.zeros(TILE**2, 1, conv.out_channels, **exact)
        if conv.bias is not None:
            constants[CONSTANT] = conv.bias.detach().double()
        for name, value in (
            ('filters', filters.flatten(0, 1)),
            ('constants', constants),
            ('image', torch.kron(image, image)),
            ('result', torch.kron(result, result)),
        ):
            self.register_buffer(name, value.to(weight.dtype).contiguous(), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Convolve (B, C, H, W); the result (B, C_out, H, W) has its channels last in memory."""
        rows, columns = (-(-side // STEP) for side in image.shape[-2:])
        if len(image) * rows * columns < MIN_TILES or not self._applies(image):
            return self.conv(image)
        matrices = (self.filters, self.constants, self.image, self.result)
        # A compiler would take the work on tiles apart and make it slower.
        run = _opaque_convolve if torch.compiler.is_dynamo_compiling() else convolve_by_tiles
        return run(image, *matrices)

    def _applies(self, image: Tensor) -> bool:
        # While compiling, PyTorch reports that it is exporting too.
        exporting = torch.compiler.is_exporting() and not torch.compiler.is_dynamo_compiling()
        autocast = torch.is_autocast_enabled(image.device.type)
        return not exporting and not autocast and image.dtype == torch.float32 and image.device.type == 'cpu'


def convolve_by_tiles(
    image: Tensor, filters: Tensor, constants: Tensor, to_tiles: Tensor, from_tiles: Tensor
) -> Tensor:
    """Convolve.

    Args:
        image: (B, C, H, W).
        filters: (36, C, C_out), the transformed weights.
        constants: (36, 1, C_out), added to each tile: the bias.
        to_tiles: (36, 36), factor of the tiles of the image.
        from_tiles: (16, 36), factor of the products.

    Returns:
        (B, C_out, H, W), channels last in memory.
    """
    batch, channels, height, width = image.shape
    rows, columns = (-(-side // STEP) for side in (height, width))
    out_channels = filters.shape[-1]
    below, beside = STEP * rows - height + 1, STEP * columns - width + 1
    padded = F.pad(image.permute(0, 2, 3, 1), (0, 0, 1, beside, 1, below)).contiguous()
    of_image, of_row, of_column, _ = padded.stride()
    tiles = padded.as_strided(
        (TILE, TILE, batch, rows, columns, channels),
        (of_row, of_column, of_image, STEP * of_row, STEP * of_column, 1),
    )
    convolved = image.new_empty(batch, rows, STEP, columns, STEP, out_channels)
    row_bytes = TILE**2 * batch * columns * max(channels, out_channels) * image.element_size()
    portions = min(rows, max(1, round(rows * row_bytes / PORTION_BYTES)))
    for portion, target in zip(tiles.chunk(portions, dim=3), convolved.chunk(portions, dim=1), strict=True):
        spread = torch.mm(to_tiles, portion.reshape(TILE**2, -1)).view(TILE**2, -1, channels)
        products = torch.baddbmm(constants, spread, filters)
        values = torch.mm(from_tiles, products.view(TILE**2, -1))
        target.copy_(values.view(STEP, STEP, batch, -1, columns, out_channels).permute(2, 3, 0, 4, 1, 5))
    convolved = convolved.view(batch, STEP * rows, STEP * columns, -1)[:, :height, :width]
    return convolved.contiguous().permute(0, 3, 1, 2)


_opaque_convolve = torch.library.custom_op('mmrcf::winograd_convolve', convolve_by_tiles, mutates_args=())


@_opaque_convolve.register_fake
def _(image: Tensor, filters: Tensor, constants: Tensor, to_tiles: Tensor, from_tiles: Tensor) -> Tensor:
    batch, _, height, width = image.shape
    return image.new_empty(batch, height, width, filters.shape[-1]).permute(0, 3, 1, 2)


def use_winograd(module: nn.Module) -> None:
    """Give every convolution that gains by it :class:`WinogradConv2d`, in place."""
    for child_name, child in list(module.named_children()):
        if _gains(child):
            setattr(module, child_name, WinogradConv2d(child))
        else:
            use_winograd(child)


def _gains(module: nn.Module) -> bool:
    return (
        type(module) is nn.Conv2d
        and (module.kernel_size, module.stride, module.padding) == ((3, 3), (1, 1), (1, 1))
        and (module.dilation, module.groups, module.padding_mode) == ((1, 1), 1, 'zeros')
        and min(module.in_channels, module.out_channels) >= MIN_CHANNELS
        and module.weight.dtype == torch.float32
    )
