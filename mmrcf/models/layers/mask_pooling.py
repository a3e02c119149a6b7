"""The segmentation map under a query's own mask, as input of the next decoder layer.

Not the paper's. Tokens are coarse: a person of 32 pixels covers four of them, and two people side by side share some.
The segmentation map is finer, and its mean over the mask that a query has so far describes what that mask covers, as in
the kernel update of K-Net (Zhang et al. 2021) and the mask pooling in Table 4a of Mask2Former (Cheng et al. 2022).
"""

import torch
from torch import Tensor, nn


class MaskPooling(nn.Module):
    """Mean of the segmentation map over each binary mask, through a linear layer and a layer norm.

    Masks are constants here: the gradient goes to the map alone. An empty mask has the mean 0; the last input of the
    linear layer is 0 for an empty mask and 1 for any other. The head passes a map that is averaged over windows of
    ``stride`` cells: a quarter of the cost.

    Args:
        in_channels: Channels C_o of the segmentation map.
        embed_dims: Width C_e of the instance code.
    """

    stride = 2

    def __init__(self, in_channels: int, embed_dims: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_channels + 1, embed_dims)
        self.norm = nn.LayerNorm(embed_dims)

    def forward(self, mask_logits: Tensor, segmentation_map: Tensor, valid: Tensor | None = None) -> Tensor:
        """Pool.

        Args:
            mask_logits: (B, N, H_o, W_o); a cell above 0 belongs to the mask.
            segmentation_map: S_t (B, C_o, H_o, W_o).
            valid: (B, 1, H_o, W_o) bool, False in the padding; None where there is none.

        Returns:
            (B, N, C_e).
        """
        masks = (mask_logits > 0).flatten(2)
        if valid is not None:
            masks = masks & valid.flatten(2)
        # In float32 under autocast too: a sum over a whole map leaves the range of half precision.
        with torch.autocast(segmentation_map.device.type, enabled=False):
            masks = masks.float()
            sums = masks @ segmentation_map.float().flatten(2).transpose(1, 2)
            areas = masks.sum(-1, keepdim=True)
        means = torch.cat([sums / areas.clamp(min=1.0), areas.clamp(max=1.0)], dim=-1)
        return self.norm(self.linear(means.to(segmentation_map.dtype)))
