"""The mask decoder: levels and positions."""

import pytest
import torch

from mmrcf.models.mask_decoders import FPNMaskDecoder


def test_the_mask_decoder_uses_every_level() -> None:
    decoder = FPNMaskDecoder(in_channels=[4, 8], token_dims=16, embed_dims=8, out_channels=8)
    levels = [torch.randn(1, 4, 16, 20, requires_grad=True), torch.randn(1, 8, 8, 10, requires_grad=True)]
    target_map = torch.randn(1, 16, 4, 5, requires_grad=True)
    decoded = decoder(target_map, levels)
    assert decoded.shape == (1, 8, 16, 20)
    decoded.square().sum().backward()
    assert all(tensor.grad.abs().sum() > 0 for tensor in (*levels, target_map))


@pytest.mark.parametrize('where', ['inner_positions', 'positions'])
def test_positions_tell_apart_what_looks_alike(where: str) -> None:
    torch.manual_seed(0)
    decoder = FPNMaskDecoder(in_channels=[4], token_dims=16, embed_dims=8, out_channels=8, position_channels=8)
    levels, target_map = [torch.ones(1, 4, 64, 80)], torch.ones(1, 16, 32, 40)
    used = getattr(decoder, where)
    weight = used.weight.detach().clone()
    for convolution in (decoder.inner_positions, decoder.positions):
        torch.nn.init.zeros_(convolution.weight)
    plain = decoder(target_map, levels)[0]
    used.weight.data = weight
    located = decoder(target_map, levels)[0]
    inner = plain[:, 16:-16, 16:-16]  # beyond the reach of the convolutions' zero padding
    assert inner.std(dim=(1, 2)).max() < 1e-4
    assert (located - plain)[:, 16:-16, 16:-16].std(dim=(1, 2)).max() > 0.1


def test_positions_are_relative_to_the_valid_part() -> None:
    decoder = FPNMaskDecoder(in_channels=[4], token_dims=16, embed_dims=8, out_channels=8, position_channels=8)
    whole = decoder._sine_map(torch.ones(1, 8, 8, 8), torch.ones(1, 16, 4, 4), None)
    padded = decoder._sine_map(torch.ones(1, 8, 12, 16), torch.ones(1, 16, 6, 8), [(4, 4)])
    torch.testing.assert_close(padded[..., :8, :8], whole)
    with pytest.raises(ValueError, match='position_channels=6 must be a multiple of 4'):
        FPNMaskDecoder(in_channels=[4], position_channels=6)
    with pytest.raises(ValueError, match='in_channels is empty'):
        FPNMaskDecoder(in_channels=[], position_channels=8)
