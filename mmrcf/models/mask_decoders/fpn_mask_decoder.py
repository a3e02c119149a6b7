"""The mask decoder (Section III-B-2): an FPN from the fused target tokens up to the segmentation map S_t."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmrcf.registry import MODELS

from ..layers import FINE, Extents, sine_positions


def _conv_norm(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """Convolution and group norm; ReLU is left to the caller."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
    nn.init.kaiming_uniform_(conv.weight, a=1)
    return nn.Sequential(conv, nn.GroupNorm(min(32, out_channels // 4), out_channels))


@MODELS.register_module()
class FPNMaskDecoder(BaseModule):
    """Adds the lower backbone levels to the fused target map, coarse to fine.

    Its group norm counts the padding of a batch as image: frames of different sizes in one batch come out slightly
    different than alone. Inference has one frame a batch and no such effect.

    Args:
        in_channels: Channels of the backbone levels below the token level, fine to coarse (C2 first).
        token_dims: Token width C' of the fused target map.
        embed_dims: Width inside the pyramid.
        out_channels: Channels C_o of the segmentation map.
        position_channels: Channels of sine positions (with the temperature ``FINE``) that join the map, so that a
            filter can separate objects of the same look by their location; a multiple of 4, 0 (the paper) for none.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        token_dims: int = 256,
        embed_dims: int = 256,
        out_channels: int = 256,
        position_channels: int = 0,
    ) -> None:
        super().__init__()
        if position_channels < 0 or position_channels % 4:
            raise ValueError(f'mask_decoder.position_channels={position_channels} must be a multiple of 4, or 0')
        if position_channels and not in_channels:
            raise ValueError(
                'mask_decoder.position_channels needs a backbone level below the tokens; in_channels is empty'
            )
        self.position_channels = position_channels
        # Before the last convolution for what depends on place and looks, after it for a place alone.
        self.inner_positions, self.positions = (
            nn.Conv2d(position_channels, embed_dims, 1, bias=False) if position_channels else None for _ in range(2)
        )
        self.token_dims = token_dims
        self.out_channels = out_channels
        self.top = _conv_norm(token_dims, embed_dims, 3)
        self.laterals = nn.ModuleList(_conv_norm(channels, embed_dims, 1) for channels in in_channels)
        self.smooths = nn.ModuleList(_conv_norm(embed_dims, embed_dims, 3) for _ in in_channels)
        self.out = nn.Conv2d(embed_dims, out_channels, 1)
        nn.init.kaiming_uniform_(self.out.weight, a=1)
        nn.init.zeros_(self.out.bias)

    def forward(self, target_map: Tensor, levels: Sequence[Tensor], extents: Extents | None = None) -> Tensor:
        """Decode.

        Args:
            target_map: (B, C', H, W), the fused target tokens.
            levels: Lower backbone levels of the target frame, fine to coarse.
            extents: B pairs: valid height and width of ``target_map``, in cells; None where all of it is valid.

        Returns:
            The segmentation map S_t (B, C_o, H_o, W_o), of the size of ``levels[0]``.
        """
        decoded = F.relu(self.top(target_map))
        sines = None
        for level, lateral, smooth in zip(
            reversed(levels), reversed(self.laterals), reversed(self.smooths), strict=True
        ):
            upsampled = F.interpolate(decoded, size=level.shape[-2:], mode='bilinear', align_corners=False)
            decoded = lateral(level) + upsampled
            if level is levels[0] and self.inner_positions is not None:
                sines = self._sine_map(decoded, target_map, extents)
                decoded = decoded + self.inner_positions(sines)
            decoded = F.relu(smooth(decoded))
        if sines is not None:
            decoded = decoded + self.positions(sines)
        return self.out(decoded)

    def _sine_map(self, decoded: Tensor, target_map: Tensor, extents: Extents | None) -> Tensor:
        """Positions (B, position_channels, H_o, W_o) of the cells of the segmentation map."""
        height, width = decoded.shape[-2:]
        cells = target_map.shape[-2:]
        if extents is None:
            extents = [tuple(cells)] * len(decoded)
        extents = torch.as_tensor(extents, device=decoded.device)
        # Side by side, not as one product: in a graph for frames of any size these numbers are symbols.
        valid = torch.stack([extents[:, 0] * height / cells[0], extents[:, 1] * width / cells[1]], dim=1)
        positions = sine_positions(
            valid, height, width, like=decoded.new_empty(1, self.position_channels), temperature=FINE
        )
        return positions.transpose(1, 2).unflatten(-1, (height, width))
