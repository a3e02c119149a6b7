"""Winograd's algorithm against PyTorch's convolution."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mmrcf.optimization import WinogradConv2d, use_winograd
from mmrcf.optimization.winograd import MIN_TILES, convolve_by_tiles


@torch.no_grad()
def both(conv: nn.Conv2d, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    fast = WinogradConv2d(conv)
    return conv(image), convolve_by_tiles(image, fast.filters, fast.constants, fast.image, fast.result)


@settings(max_examples=40, deadline=None)
@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 5),
    out_channels=st.integers(1, 5),
    height=st.integers(1, 19),
    width=st.integers(1, 19),
    bias=st.booleans(),
    channels_last=st.booleans(),
)
def test_it_is_the_same_convolution(
    batch: int, channels: int, out_channels: int, height: int, width: int, bias: bool, channels_last: bool
) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(channels, out_channels, 3, padding=1, bias=bias)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    image = torch.randn(batch, channels, height, width).contiguous(memory_format=layout)
    plain, fast = both(conv, image)
    assert fast.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(fast, plain, atol=1e-4, rtol=1e-4)


def test_large_maps_are_worked_on_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('mmrcf.optimization.winograd.PORTION_BYTES', 1000.0)
    torch.manual_seed(0)
    torch.testing.assert_close(*both(nn.Conv2d(3, 4, 3, padding=1), torch.randn(2, 3, 21, 18)), atol=1e-4, rtol=1e-4)


def test_a_hand_computed_value() -> None:
    conv = nn.Conv2d(1, 1, 3, padding=1)
    with torch.no_grad():
        conv.weight.copy_(torch.arange(9.0).view(1, 1, 3, 3))
        conv.bias.fill_(0.5)
        corner = both(conv, torch.ones(1, 1, 4, 4))[1][0, 0]
    # Inside, all nine weights count (0 + ... + 8); at the top left corner the four at the bottom right (4, 5, 7, 8).
    assert corner[1, 1].item() == pytest.approx(36.5, abs=1e-4)
    assert corner[0, 0].item() == pytest.approx(24.5, abs=1e-4)


def test_only_convolutions_that_gain_are_replaced() -> None:
    layers = nn.Sequential(
        nn.Conv2d(128, 128, 3, padding=1),
        nn.Conv2d(128, 128, 3, padding=1, stride=2),
        nn.Conv2d(128, 128, 3, padding=2, dilation=2),
        nn.Conv2d(128, 128, 3, padding=1, groups=2),
        nn.Conv2d(128, 128, 1),
        nn.Conv2d(64, 128, 3, padding=1),
        nn.Conv2d(128, 128, 3, padding=1, padding_mode='reflect'),
        nn.Sequential(nn.Conv2d(128, 256, 3, padding=1)),
    )
    use_winograd(layers)
    assert [isinstance(layer, WinogradConv2d) for layer in layers] == [True] + 7 * [False]
    assert isinstance(layers[-1][0], WinogradConv2d)


@torch.no_grad()
def test_when_it_takes_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = WinogradConv2d(nn.Conv2d(2, 2, 3, padding=1))
    taken = []

    def convolve(*arguments: torch.Tensor) -> torch.Tensor:
        taken.append(1)
        return convolve_by_tiles(*arguments)

    monkeypatch.setattr('mmrcf.optimization.winograd.convolve_by_tiles', convolve)
    large = torch.randn(1, 2, 4 * MIN_TILES, 4)
    fast(large)
    assert len(taken) == 1
    fast(large[:, :, 4:])  # a tile fewer
    with torch.autocast('cpu', torch.bfloat16):
        fast(large)
    program = torch.export.export(fast, (large,))
    assert len(taken) == 1
    copy.deepcopy(fast).double()(large.double())
    copy.deepcopy(fast).bfloat16()(large.bfloat16())
    assert len(taken) == 1
    torch.testing.assert_close(program.module()(large), fast(large), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_compiler_leaves_it_whole() -> None:
    fast = WinogradConv2d(nn.Conv2d(2, 3, 3, padding=1))
    graphs = []

    def backend(graph: torch.fx.GraphModule, _inputs: list[torch.Tensor]) -> torch.fx.GraphModule:
        graphs.append(graph)
        return graph

    large = torch.randn(1, 2, 4 * MIN_TILES, 4)
    torch.testing.assert_close(torch.compile(fast, backend=backend, fullgraph=True)(large), fast(large))
    assert [node.target for node in graphs[0].graph.nodes if node.op == 'call_function'] == [
        torch.ops.mmrcf.winograd_convolve.default
    ]
