"""Layers that a trained model can do without, since the next one can do their work along with its own.

A folded model gives the same values up to rounding. It cannot be trained on, nor does it load the checkpoints of the
model that it was.
"""

import torch
from mmcv.cnn import fuse_conv_bn
from torch import nn

from mmrcf.models import RCF
from mmrcf.models.heads import InstanceQueryHead
from mmrcf.models.mask_decoders import FPNMaskDecoder


def fold_batch_norms(module: nn.Module) -> None:
    """Fold every batch norm into the convolution that is registered before it in the same module, in place.

    As MMCV's ``fuse_conv_bn``, which does the work, it takes the order in which a module registers its layers for the
    order in which it calls them.
    """
    fuse_conv_bn(module)


@torch.no_grad()
def fold_mask_projection(model: nn.Module) -> None:
    """Fold the mask decoder's last convolution, W D + b, into the dynamic filters, in place.

    A filter theta on W D + b is the filter W^T theta on D plus the number b^T theta: N small products in the place of a
    convolution over the finest map. A model without these parts stays as it is.
    """
    if not (isinstance(model, RCF) and isinstance(model.head, InstanceQueryHead)):
        return
    if not (isinstance(model.mask_decoder, FPNMaskDecoder) and isinstance(model.mask_decoder.out, nn.Conv2d)):
        return
    project, last = model.mask_decoder.out, model.head.filters[-1]
    if model.head.semantic_loss is not None:
        model.head.semantic_loss.classifier = _composed(project, model.head.semantic_loss.classifier)
    if model.head.mask_pooling is not None:
        model.head.mask_pooling.linear = _pooled(project, model.head.mask_pooling.linear)
    # One row for each channel of D, and one for the number.
    rows = torch.cat([project.weight[:, :, 0, 0].T, project.bias[None]])
    folded = nn.Linear(last.in_features, len(rows), device=rows.device, dtype=rows.dtype)
    folded.weight.copy_(rows @ last.weight)
    folded.bias.copy_(rows @ last.bias)
    model.head.filters[-1] = folded
    model.mask_decoder.out = nn.Identity()
    model.mask_decoder.out_channels = model.head.mask_dims = project.in_channels


def _pooled(project: nn.Conv2d, linear: nn.Linear) -> nn.Linear:
    """The layer of ``MaskPooling`` on means of D: the mean of W D + b is W times that of D plus b, or 0 without a mask.

    Its last input is 1 for a mask that is not empty, so b joins that input's weights.
    """
    weight, bias = project.weight[:, :, 0, 0], project.bias
    folded = nn.Linear(project.in_channels + 1, linear.out_features, device=weight.device, dtype=weight.dtype)
    means, present = linear.weight[:, :-1], linear.weight[:, -1:]
    folded.weight.copy_(torch.cat([means @ weight, means @ bias[:, None] + present], dim=1))
    folded.bias.copy_(linear.bias)
    return folded


def _composed(first: nn.Conv2d, second: nn.Conv2d) -> nn.Conv2d:
    """One 1x1 convolution for two, the second on what the first gives."""
    weight = second.weight[:, :, 0, 0] @ first.weight[:, :, 0, 0]
    composed = nn.Conv2d(first.in_channels, second.out_channels, 1, device=weight.device, dtype=weight.dtype)
    composed.weight.copy_(weight[:, :, None, None])
    composed.bias.copy_(second.weight[:, :, 0, 0] @ first.bias + second.bias)
    return composed
