"""Fast paths say what the plain one says."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounter

from mmrcf.apis import OnlineSegmenter, init_model
from mmrcf.errors import InputError
from mmrcf.models import RCF, OnlineMaskTrackRCNN
from mmrcf.optimization import (
    WinogradConv2d,
    compile_network,
    fold_batch_norms,
    fold_mask_projection,
    optimize_for_inference,
    resolve_precision,
)
from mmrcf.structures import FrameResult

SHOW_ALL = {'model.score_thr': 0.01}


@pytest.fixture
def frames() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (48, 80, 3), dtype=np.uint8) for _ in range(4)]


def model_with_statistics(tiny_config: Path, cfg_options: dict | None = None) -> RCF:
    """A model whose batch norms do something."""
    torch.manual_seed(0)
    model = init_model(tiny_config, cfg_options=SHOW_ALL | (cfg_options or {}))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 2.0)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


def run(segmenter: OnlineSegmenter, frames: list[np.ndarray]) -> list[FrameResult]:
    segmenter.reset()
    return [segmenter.step(frame) for frame in frames]


def assert_alike(one: list[FrameResult], other: list[FrameResult]) -> None:
    for first, second in zip(one, other, strict=True):
        assert len(first) > 0
        assert first.ids.tolist() == second.ids.tolist() and first.labels.tolist() == second.labels.tolist()
        np.testing.assert_allclose(first.scores, second.scores, atol=1e-4)
        assert (first.masks != second.masks).mean() < 1e-3


def test_folded_batch_norms_change_nothing(tiny_config: Path, frames: list[np.ndarray]) -> None:
    model = model_with_statistics(tiny_config)
    plain = run(OnlineSegmenter(model), frames)
    fold_batch_norms(model)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert_alike(plain, run(OnlineSegmenter(model), frames))


@pytest.mark.parametrize(
    'options',
    [
        {},
        {'model.mask_decoder.position_channels': 8, 'model.head.semantic_weight': 1.0, 'model.score_masks': True},
        {'model.head.mask_pooling': True},
    ],
)
def test_the_folded_mask_projection_changes_nothing(tiny_config: Path, frames: list[np.ndarray], options: dict) -> None:
    model = model_with_statistics(tiny_config, options)
    nn.init.normal_(model.mask_decoder.out.bias)
    plain = run(OnlineSegmenter(model), frames)
    fold_mask_projection(model)
    assert isinstance(model.mask_decoder.out, nn.Identity)
    assert_alike(plain, run(OnlineSegmenter(model), frames))
    filters = model.head.filters[-1]
    fold_mask_projection(model)  # a second time there is nothing to fold
    assert model.head.filters[-1] is filters


def test_an_optimized_model_equals_the_eager_one(
    tiny_config: Path, frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('mmrcf.optimization.winograd.MIN_CHANNELS', 1)
    monkeypatch.setattr('mmrcf.optimization.winograd.MIN_TILES', 1)
    model = model_with_statistics(tiny_config)
    plain = run(OnlineSegmenter(model), frames)
    optimize_for_inference(model)
    assert sum(isinstance(module, WinogradConv2d) for module in model.modules()) > 5
    assert_alike(plain, run(OnlineSegmenter(model), frames))


def test_a_segmenter_optimizes_the_model_that_it_builds_and_no_other(tiny_config: Path) -> None:
    built = OnlineSegmenter(tiny_config).model
    assert not any(isinstance(module, nn.BatchNorm2d) for module in built.modules())
    given = init_model(tiny_config)
    OnlineSegmenter(given)
    assert any(isinstance(module, nn.BatchNorm2d) for module in given.modules())
    eager = OnlineSegmenter(tiny_config, optimize=False).model
    assert any(isinstance(module, nn.BatchNorm2d) for module in eager.modules())


def test_the_network_compiles_whole_and_once(tiny_config: Path, frames: list[np.ndarray]) -> None:
    model = model_with_statistics(tiny_config)
    plain = run(OnlineSegmenter(model), frames)
    torch._dynamo.reset()
    counter = CompileCounter()
    compile_network(model, backend=counter)  # a graph break would raise
    segmenter = OnlineSegmenter(model)
    assert_alike(plain, run(segmenter, frames))
    after_warmup = counter.frame_count
    assert after_warmup == 3  # the backbone; the rest without and with a reference
    assert_alike(plain, run(segmenter, frames))
    assert counter.frame_count == after_warmup


def test_autocast(tiny_config: Path, frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('mmrcf.optimization.inference._has_bf16', lambda: True)
    model = model_with_statistics(tiny_config)
    plain = run(OnlineSegmenter(model), frames)
    half = run(OnlineSegmenter(model, precision='bf16'), frames)
    for one, other in zip(plain, half, strict=True):
        assert other.scores.dtype == np.float32
        np.testing.assert_allclose(np.sort(one.scores), np.sort(other.scores), atol=0.05)
        assert not np.array_equal(one.scores, other.scores)


@pytest.mark.parametrize(
    ('precision', 'words'),
    [('fp8', 'expected auto or one of fp32'), ('fp16', 'for GPUs'), ('bf16', 'has no instructions')],
)
def test_precisions_that_cannot_be(precision: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('mmrcf.optimization.inference._has_bf16', lambda: False)
    with pytest.raises(InputError, match=words):
        resolve_precision(precision, torch.device('cpu'))


@pytest.mark.parametrize(('device', 'expected'), [('cpu', 'fp32'), ('cuda', 'fp16')])
def test_auto_is_half_precision_on_a_gpu_alone(device: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('mmrcf.optimization.inference._has_bf16', lambda: True)
    assert resolve_precision('auto', torch.device(device)) == expected


def test_auto_is_half_precision_for_models_that_allow_it(tiny_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('mmrcf.optimization.inference._has_bf16', lambda: True)
    # As on a GPU.
    monkeypatch.setattr('mmrcf.apis.online.resolve_precision', lambda wanted, _: 'bf16' if wanted == 'auto' else wanted)
    model = model_with_statistics(tiny_config)
    assert OnlineSegmenter(model).precision == 'bf16'
    # mmcv's RoI align and deformable attention have no kernels for bfloat16.
    monkeypatch.setattr(RCF, 'allows_half', OnlineMaskTrackRCNN.allows_half)
    assert OnlineSegmenter(model).precision == 'fp32'
    assert OnlineSegmenter(model, precision='bf16').precision == 'bf16'


def test_only_an_rcf_is_compiled() -> None:
    with pytest.raises(InputError, match='Linear cannot be compiled'):
        compile_network(nn.Linear(1, 1))
