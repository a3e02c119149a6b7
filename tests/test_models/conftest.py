"""A model small enough to run in milliseconds, and samples for it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmrcf.models import RCF

ENCODER = dict(num_layers=1, num_heads=4, feedforward_dims=32)
NECKS = {
    'rcf': dict(type='RobustContextFusion', num_references=1),
    'rcf-depthwise': dict(type='RobustContextFusion', num_references=2, compression='depthwise', grid_size=1),
    'rcf-no-weight': dict(type='RobustContextFusion', num_references=3, use_weight=False),
    'full-encoder': dict(type='FullFeatureFusion', num_references=2, fusion='encoder'),
    'full-decoder': dict(type='FullFeatureFusion', num_references=1, fusion='decoder'),
    'rcf-positions-once': dict(type='RobustContextFusion', num_references=1, position_mode='tokens'),
    'single': dict(type='SingleFrame'),
}


def build_model(neck: str = 'rcf', seed: int = 0, **head: object) -> RCF:
    """A tiny RCF in eval mode, K=3, N=5, token width 32, maps of stride 4 and 8."""
    init_default_scope('mmrcf')
    torch.manual_seed(seed)
    model = RCF(
        data_preprocessor=dict(type='RCFDataPreprocessor', mean=[100.0] * 3, std=[50.0] * 3, pad_size_divisor=16),
        backbone=dict(
            type='mmdet.ResNet',
            depth=18,
            base_channels=8,
            stem_channels=8,
            num_stages=2,
            strides=(1, 2),
            dilations=(1, 1),
            out_indices=(0, 1),
            norm_cfg=dict(type='BN', requires_grad=True),
            norm_eval=True,
        ),
        neck=dict(in_channels=16, embed_dims=32, encoder=ENCODER, **NECKS[neck]),
        mask_decoder=dict(type='FPNMaskDecoder', in_channels=[8], token_dims=32, embed_dims=16, out_channels=16),
        head=dict(
            type='InstanceQueryHead',
            **{'num_classes': 3, 'num_queries': 5, 'embed_dims': 32, 'mask_dims': 16, 'decoder': ENCODER, **head},
        ),
        tracker=dict(type='MatchingFreeTracker'),
    )
    # Untrained slots are alike; spread their contents and classes so that some fire and some do not.
    torch.nn.init.normal_(model.head.query_content.weight)
    torch.nn.init.normal_(model.head.classifier.weight)
    model.dataset_meta = {'classes': ('a', 'b', 'c')}
    return model.eval()


def clip_sample(length: int, height: int, width: int, objects: int = 2, video_id: int = 1) -> TrackDataSample:
    """Ground truth of a clip: rectangles that move to the right, track IDs 1, 2, ..., classes 0, 1, ..."""
    frames = []
    for t in range(length):
        masks = np.zeros((objects, height, width), np.uint8)
        for i in range(objects):
            masks[i, 8 * i : 8 * i + 8, 2 * t + 4 : 2 * t + 20] = 1
        frame = DetDataSample(
            metainfo=dict(
                video_id=video_id,
                frame_id=t,
                video_length=length,
                img_shape=(height, width),
                ori_shape=(height, width),
            )
        )
        frame.gt_instances = InstanceData(
            labels=torch.arange(objects) % 3,
            masks=BitmapMasks(masks, height, width),
            instances_ids=torch.arange(objects) + 1,
        )
        frames.append(frame)
    sample = TrackDataSample()
    sample.video_data_samples = frames
    return sample


@pytest.fixture(scope='session')
def make_model() -> Callable[..., RCF]:
    return build_model


@pytest.fixture(scope='session')
def make_clip_sample() -> Callable[..., TrackDataSample]:
    return clip_sample


@pytest.fixture(params=NECKS)
def neck(request: pytest.FixtureRequest) -> str:
    """The name of a neck: a test that takes it runs with each of ``NECKS``."""
    return request.param


@pytest.fixture(scope='session')
def neck_configs() -> dict[str, dict]:
    return NECKS
