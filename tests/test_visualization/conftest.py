"""A tiny audio-visual model, with any neck, and a stream for it."""

import copy
import functools
from collections.abc import Callable

import pytest
import torch
from mmengine.registry import DefaultScope

from mmrcf.models import RCF
from mmrcf.structures import AudioPatch, FrameResult

LAYERS = dict(num_layers=2, num_heads=4, feedforward_dims=32)
NECKS = {
    'rcf': dict(type='RobustContextFusion', num_references=2, grid_size=2),
    'full-encoder': dict(type='FullFeatureFusion', num_references=2, fusion='encoder'),
    'full-decoder': dict(type='FullFeatureFusion', num_references=2, fusion='decoder'),
    'single': dict(type='SingleFrame'),
}


@functools.cache
def build(neck: str, uses_audio: bool) -> RCF:
    torch.manual_seed(0)
    references = NECKS[neck].get('num_references', 0)
    with DefaultScope.overwrite_default_scope('mmrcf'):
        model = RCF(
            data_preprocessor=dict(type='RCFDataPreprocessor', mean=[100.0] * 3, std=[50.0] * 3, pad_size_divisor=16),
            backbone=dict(
                type='mmdet.ResNet',
                depth=18,
                base_channels=8,
                stem_channels=8,
                num_stages=3,
                strides=(1, 2, 2),
                dilations=(1, 1, 1),
                out_indices=(0, 1, 2),
            ),
            neck=dict(in_channels=32, embed_dims=32, encoder=LAYERS, **NECKS[neck]),
            mask_decoder=dict(
                type='FPNMaskDecoder', in_channels=[8, 16], token_dims=32, embed_dims=16, out_channels=16
            ),
            head=dict(
                type='InstanceQueryHead', num_classes=3, num_queries=5, embed_dims=32, mask_dims=16, decoder=LAYERS
            ),
            tracker=dict(type='MatchingFreeTracker'),
            audio_encoder=dict(
                type='SmallAudioEncoder', num_references=references, embed_dims=32, feature_dims=16, lstm_dims=8
            )
            if uses_audio
            else None,
            score_thr=0.01,
        )
    torch.nn.init.normal_(model.head.query_content.weight)
    model.dataset_meta = {'classes': ('a', 'b', 'c')}
    return model.eval()


@pytest.fixture(scope='session')
def make_audio_visual_model() -> Callable[..., RCF]:
    """``make_audio_visual_model(neck)``: 2 layers of 4 heads, 5 slots, tokens at stride 16, frames of 64x96 (4x6)."""
    return lambda neck='rcf', uses_audio=True: copy.deepcopy(build(neck, uses_audio))


@pytest.fixture(scope='session')
def run_stream() -> Callable[..., list[FrameResult]]:
    """``run_stream(model, has_audio=[True, False])``: random frames of 64x96 and audio through ``step``; seeded."""

    def run(model: RCF, has_audio: list[bool], after=None) -> list[FrameResult]:
        generator = torch.Generator().manual_seed(1)
        state, results = model.init_state(), []
        for valid in has_audio:
            frame = torch.randn(1, 3, 64, 96, generator=generator)
            audio = AudioPatch(torch.randn(1, 96, 64, generator=generator), torch.tensor([valid]))
            result, state = model.step(frame, state, img_shape=(64, 96), ori_shape=(64, 96), audio=audio)
            results.append(result)
            if after is not None:
                after(result)
        return results

    return run
