"""Peers small enough for tests, mmdet's own models beside them, and plain operators where mmcv's are not compiled."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import mmengine.hub
import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.structures.bbox import bbox_overlaps
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from mmrcf.compat import operators_compiled
from mmrcf.datasets.classes import SHAPES_CLASSES
from mmrcf.models import OnlineModel
from mmrcf.registry import MODELS

FOLDER = Path(__file__).resolve().parents[3] / 'configs/baselines'
# Our config, and the one of mmdet that it stands for.
PEERS = {
    'masktrack-rcnn_r50_ytvis19': 'mmdet::masktrack_rcnn/masktrack-rcnn_mask-rcnn_r50_fpn_8xb1-12e_youtubevis2019.py',
    'mask2former-vis_r50_ytvis19': 'mmdet::mask2former_vis/mask2former_r50_8xb2-8e_youtubevis2019.py',
}
PADDED = (64, 96)


def plain_roi_align(
    features: Tensor, rois: Tensor, output_size: int | tuple[int, int], spatial_scale: float = 1.0, *_: object
) -> Tensor:
    """RoIAlign with one sample a cell, at its centre; mmcv's operator averages several."""
    height, width = _pair(output_size)
    if not len(rois):
        return features.new_zeros(0, features.shape[1], height, width) + 0 * features.sum()
    left, top, right, bottom = (spatial_scale * rois[:, 1:]).unbind(1)
    rows = top[:, None] + (torch.arange(height) + 0.5) / height * (bottom - top)[:, None]
    columns = left[:, None] + (torch.arange(width) + 0.5) / width * (right - left)[:, None]
    x, y = 2 * columns / features.shape[-1] - 1, 2 * rows / features.shape[-2] - 1
    grid = torch.stack([x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], dim=-1)
    return F.grid_sample(features[rois[:, 0].long()], grid, align_corners=False)


def plain_nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Indices of the boxes that no better box overlaps, best first."""
    assert offset == 0
    left, kept = scores.argsort(descending=True, stable=True), []
    overlaps = bbox_overlaps(boxes, boxes) > iou_threshold
    while len(left):
        kept.append(left[0])
        left = left[1:][~overlaps[left[0], left[1:]]]
    return torch.stack(kept) if kept else left


@pytest.fixture(autouse=True, scope='module')
def operators() -> Iterator[None]:
    """mmcv's operators where they are compiled, plain ones where not: peers run in these tests with light mmcv too."""
    with pytest.MonkeyPatch.context() as patch:
        if not operators_compiled():
            patch.setattr('mmrcf.compat.operators_compiled', lambda: True)
            # The modules by their names: the attributes of mmcv.ops with these names are the functions in them.
            patch.setattr(sys.modules['mmcv.ops.nms'].ext_module, 'nms', plain_nms, raising=False)
            patch.setattr(sys.modules['mmcv.ops.roi_align'], 'roi_align', plain_roi_align)
            patch.setattr('mmdet.structures.mask.structures.roi_align', plain_roi_align)
        yield


def shrink(config: Config) -> Config:
    """No downloads, few layers, channels, proposals and classes; the parts stay what the config says."""
    model = config.model
    network = model.get('detector') or model
    model.init_cfg = network.init_cfg = None
    network.backbone.init_cfg = None
    if network.backbone.type == 'mmdet.SwinTransformer':
        network.backbone.update(embed_dims=32, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8], window_size=4)
        widths = [32, 64, 128, 256]
    else:
        network.backbone.depth = 18
        widths = [64, 128, 256, 512]
    if network is model:
        model.track_head.update(in_channels=widths, num_queries=20, num_classes=len(SHAPES_CLASSES))
        model.track_head.loss_cls.class_weight = [1.0] * len(SHAPES_CLASSES) + [0.1]
        model.track_head.pixel_decoder.encoder.num_layers = 1
        model.track_head.transformer_decoder.num_layers = 3
    else:
        network.neck.in_channels = widths
        for proposals in (network.train_cfg.rpn_proposal, network.test_cfg.rpn):
            proposals.update(nms_pre=20, max_per_img=40)
        network.test_cfg.rcnn.max_per_img = 10
        network.roi_head.mask_head.update(num_classes=len(SHAPES_CLASSES), num_convs=1)
        network.roi_head.bbox_head.update(num_classes=len(SHAPES_CLASSES), fc_out_channels=64)
        model.track_head.embed_head.fc_out_channels = 64
    return config


@pytest.fixture(scope='session')
def peer_config() -> Callable[[str], Config]:
    """``peer_config(name)``: one of our configs, small, with the classes of the tiny data set."""

    def load(name: str) -> Config:
        config = shrink(Config.fromfile(FOLDER / f'{name}.py'))
        for loader in (config.train_dataloader, config.test_dataloader):
            loader.dataset.metainfo = dict(classes='shapes')
        return config

    return load


def spread(model: nn.Module) -> nn.Module:
    """Random weights that tell places and classes apart; those of the initialisation hardly do."""
    torch.manual_seed(0)
    last_layers = ('fc_cls.weight', 'fc_reg.weight', 'conv_logits.weight', 'cls_embed.weight', 'rpn_reg.weight')
    for name, parameter in model.named_parameters():
        if name.endswith(last_layers):
            nn.init.normal_(parameter, std=0.3)
    return model.eval()


@pytest.fixture(scope='session')
def build_peer(peer_config) -> Callable[[str], OnlineModel]:
    """``build_peer(name)``: a small peer with random weights, in evaluation mode."""

    def build(name: str) -> OnlineModel:
        init_default_scope('mmrcf')
        torch.manual_seed(0)
        return spread(MODELS.build(peer_config(name).model))

    return build


class Counterparts(NamedTuple):
    """A peer and mmdet's own model with the same weights."""

    name: str
    ours: OnlineModel
    theirs: nn.Module


@pytest.fixture(scope='module', params=PEERS)
def counterparts(request: pytest.FixtureRequest, peer_config) -> Counterparts:
    """Read them only."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        theirs = spread(MMDET_MODELS.build(shrink(mmengine.hub.get_config(PEERS[request.param])).model))
    init_default_scope('mmrcf')
    ours = MODELS.build(peer_config(request.param).model).eval()
    ours.load_state_dict(theirs.state_dict())
    return Counterparts(request.param, ours, theirs)


@pytest.fixture(scope='session')
def make_stream() -> Callable[..., Tensor]:
    """``make_stream(length, seed=0)``: frames (T, 3, H, W) that change little by little."""

    def make(length: int, seed: int = 0) -> Tensor:
        first, change = torch.randn(2, 3, *PADDED, generator=torch.Generator().manual_seed(seed))
        return torch.stack([first + 0.1 * t * change for t in range(length)])

    return make
