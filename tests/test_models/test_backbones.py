"""RCF on backbones of mmdet and timm: one config line, and the widths of what takes its levels."""

import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmrcf.errors import InputError
from mmrcf.models import RCF
from mmrcf.models.backbones import TimmBackbone
from mmrcf.registry import MODELS


@pytest.fixture
def build(tiny_config):
    """``build(backbone, levels)``: a tiny RCF on a backbone whose levels have these widths."""

    def make(backbone: dict, levels: list[int]) -> RCF:
        model = Config.fromfile(tiny_config).model
        init_default_scope('mmrcf')
        neck, decoder = dict(model.neck, in_channels=levels[-1]), dict(model.mask_decoder, in_channels=levels[:-1])
        return MODELS.build(dict(model, backbone=backbone, neck=neck, mask_decoder=decoder))

    return make


BACKBONES = {
    'mmdet.CSPNeXt': (
        dict(type='mmdet.CSPNeXt', deepen_factor=0.167, widen_factor=0.125, out_indices=(1, 2, 3)),
        [16, 32, 64],
    ),
    'timm.convnext_atto': (dict(type='timm.convnext_atto', out_indices=(0, 1, 2)), [40, 80, 160]),
    # Channels last, and windows that do not divide the frame.
    'timm.swin': (
        dict(
            type='timm.swin_tiny_patch4_window7_224',
            out_indices=(0, 1, 2),
            options=dict(embed_dim=16, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1), img_size=(64, 96), window_size=4),
        ),
        [16, 32, 64],
    ),
}


@pytest.mark.parametrize('name', BACKBONES)
def test_it_trains_a_step_and_tracks_a_frame(name: str, build, make_training_clip) -> None:
    if 'timm' in name:
        pytest.importorskip('timm')
    model = build(*BACKBONES[name]).train()
    frames, sample = make_training_clip(2, 64, 96)
    loss, _ = model.parse_losses(model.loss({'img': frames}, [sample]))
    loss.backward()
    assert torch.isfinite(loss)
    assert any(parameter.grad is not None for parameter in model.backbone.parameters())
    model.eval()
    levels = model.extract_feat(frames[0, :1])
    assert [tuple(level.shape[-2:]) for level in levels] == [(16, 24), (8, 12), (4, 6)]
    result, _ = model.step(frames[0, :1], model.init_state(), img_shape=(64, 96), ori_shape=(64, 96))
    assert result.masks.shape[1:] == (64, 96)


def test_widths_that_do_not_fit_are_named(build) -> None:
    pytest.importorskip('timm')
    message = r'timm.convnext_atto gives levels of \[40, 80, 160\] channels, .* set model.mask_decoder.in_channels='
    with pytest.raises(InputError, match=message):
        build(dict(type='timm.convnext_atto', out_indices=(0, 1, 2)), [40, 80, 320])


def test_batch_norms_stay_as_they_are() -> None:
    pytest.importorskip('timm')
    backbone = TimmBackbone('resnet10t', out_indices=(1, 2), norm_eval=True).train()
    norms = [module for module in backbone.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)
    assert backbone.training


def test_a_name_that_timm_does_not_have_is_answered_with_close_ones(build) -> None:
    pytest.importorskip('timm')
    with pytest.raises(InputError, match='timm.convnext_ato: timm has no such model; close names are convnext_atto'):
        build(dict(type='timm.convnext_ato'), [1, 1])


def test_without_timm_the_extra_is_named(build, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(InputError, match=r"pip install 'mmrcf\[timm\]'"):
        build(dict(type='timm.convnext_atto'), [1, 1])
