"""RCF on backbones of mmdet and timm: one config line, and the widths of what takes its levels."""

import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmrcf.engine.checkpoint import require_start_weights
from mmrcf.engine.config import drop_initial_weights
from mmrcf.errors import InputError, InputFileError
from mmrcf.models import RCF, ObjectClassifier
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


def test_weights_are_loaded_when_a_training_starts_and_not_before(build, tmp_path: Path, monkeypatch) -> None:
    timm = pytest.importorskip('timm')
    path = tmp_path / 'resnet.pth'
    backbone = dict(type='timm.resnet10t', out_indices=(1, 2, 3), pretrained=True)
    build(backbone, [64, 128, 256])  # there is no network
    backbone['checkpoint'] = str(path)
    model = build(backbone, [64, 128, 256])
    with pytest.raises(InputFileError, match='resnet.pth: no such file'):
        model.init_weights()
    whole = timm.create_model('resnet10t').state_dict()
    torch.save({f'other.{name}': value for name, value in whole.items()}, path)
    with pytest.raises(InputError, match='checkpoint=.*resnet.pth: none of its weights fits'):
        build(backbone, [64, 128, 256]).init_weights()
    torch.save(whole, path)
    model = build(backbone, [64, 128, 256])
    model.init_weights()
    taken = model.backbone.body.state_dict()
    assert len(taken) > 50 and all(torch.equal(value, whole[name]) for name, value in taken.items())

    def offline(*_args: object, **_options: object) -> None:
        raise OSError('no network')

    backbone = TimmBackbone('resnet10t', (1, 2), pretrained=True)
    monkeypatch.setattr(timm, 'create_model', offline)
    with pytest.raises(InputError, match=r'weights cannot be downloaded \(no network\); give a file'):
        backbone.init_weights()


def test_the_files_of_timm_are_known_to_the_config() -> None:
    backbone = dict(type='timm.resnet10t', pretrained=True, checkpoint='none.pth')
    config = Config(dict(model=dict(backbone=backbone)), filename=__file__)
    with pytest.raises(InputFileError, match=r'model\.backbone\.checkpoint=none.pth: no such file; .*checkpoint=None'):
        require_start_weights(config)
    drop_initial_weights(config)
    assert config.model.backbone == dict(type='timm.resnet10t', pretrained=False, checkpoint=None)


def test_a_model_for_frames_of_one_size_says_so() -> None:
    pytest.importorskip('timm')
    name, small = 'swin_tiny_patch4_window7_224', dict(embed_dim=16, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1))
    with pytest.raises(InputError, match=r'frames of one size only; add options=dict\(strict_img_size=False\)'):
        TimmBackbone(name, (0, 1), options=small)
    levels = TimmBackbone(name, (0, 1), options=small | dict(strict_img_size=False))(torch.zeros(1, 3, 72, 104))
    assert [tuple(level.shape) for level in levels] == [(1, 16, 18, 26), (1, 32, 9, 13)]


def test_a_classifier_of_crops_takes_a_backbone_of_timm() -> None:
    pytest.importorskip('timm')
    colours = dict(mean=[0.0] * 3, std=[1.0] * 3)
    config = dict(type='timm.resnet10t', out_indices=(1, 2))
    model = ObjectClassifier(config, in_channels=128, num_classes=3, **colours)
    assert isinstance(model.backbone, TimmBackbone)
    assert model({'img': [torch.zeros(2, 3, 32, 32, dtype=torch.uint8)]}).shape == (2, 3)
