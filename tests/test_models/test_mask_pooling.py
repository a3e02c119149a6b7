"""The mean of the segmentation map over a mask: values, empty masks, padding, gradients."""

import pytest
import torch
from torch import Tensor, nn

from mmrcf.models.layers import FusedTokens
from mmrcf.models.layers.mask_pooling import MaskPooling


@pytest.fixture
def module() -> MaskPooling:
    """Passes its three inputs on: the means of two channels, and whether there is a mask."""
    pooling = MaskPooling(2, 3)
    nn.init.eye_(pooling.linear.weight)
    nn.init.zeros_(pooling.linear.bias)
    pooling.norm = nn.Identity()
    return pooling


@pytest.fixture
def segmentation_map() -> Tensor:
    """One channel counts the cells, the other is constant."""
    return torch.stack([torch.arange(6.0).view(2, 3), torch.full((2, 3), 7.0)])[None]


def test_it_is_the_mean_over_the_binary_mask(module, segmentation_map) -> None:
    logits = torch.tensor([[1.0, -1.0, 9.0], [-3.0, 0.5, 0.0]]).view(1, 1, 2, 3)  # cells 0, 2 and 4
    torch.testing.assert_close(module(logits, segmentation_map), torch.tensor([[[2.0, 7.0, 1.0]]]))


def test_an_empty_mask_has_means_of_zero_and_says_so(module, segmentation_map) -> None:
    assert module(torch.full((1, 1, 2, 3), -1.0), segmentation_map).tolist() == [[[0.0, 0.0, 0.0]]]


def test_padding_does_not_count(module, segmentation_map) -> None:
    padding = torch.tensor([[False, True, True]])  # the tokens of a map of one row; and one of context
    tokens = torch.zeros(1, 3, 4)
    fused = FusedTokens(torch.zeros(1, 4, 1, 2), tokens, tokens, padding)
    full = torch.zeros(1, 2, 4, 8)
    valid = fused.valid_map(full.shape[-2:])
    assert valid.tolist() == [[[[True] * 4 + [False] * 4] * 4]]
    counts = torch.arange(32.0).view(1, 1, 4, 8).expand(1, 2, 4, 8)
    expected = counts[..., :4].mean()
    found = module(torch.ones(1, 1, 4, 8), counts, valid)[0, 0]
    torch.testing.assert_close(found, torch.stack([expected, expected, torch.tensor(1.0)]))
    assert FusedTokens(fused.target_map, tokens, tokens, None).valid_map(full.shape[-2:]) is None


def test_the_gradient_goes_to_the_map_and_not_to_the_mask(segmentation_map) -> None:
    logits = torch.ones(1, 1, 2, 3, requires_grad=True)
    segmentation_map.requires_grad_()
    MaskPooling(2, 4)(logits, segmentation_map).square().sum().backward()
    assert logits.grad is None and segmentation_map.grad.abs().sum() > 0
