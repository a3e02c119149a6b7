"""A tiny model that shows objects and keeps changing them, as a stream in PyTorch and as an exported one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmrcf.apis import OnlineSegmenter, init_model
from mmrcf.export import Parity, result_objects, trace_step, write_onnx
from mmrcf.models import RCF
from mmrcf.optimization import optimize_for_inference

SIZE, NETWORK_SIZE = (52, 90), (55, 96)
# Tracing takes its time with every layer.
FEW_LAYERS = {
    'model.backbone.num_stages': 2,
    'model.backbone.strides': (1, 2),
    'model.backbone.dilations': (1, 1),
    'model.backbone.out_indices': (0, 1),
    'model.neck.in_channels': 16,
    'model.mask_decoder.in_channels': [8],
    'model.audio_encoder.widths': (16, 16),
}
TWO_REFERENCES = {'model.neck.num_references': 2, 'model.neck.grid_size': 3}


def build(config: Path, fold: bool = True, **options: Any) -> RCF:
    """The model of ``config`` with random weights, spread so that some slots fire and some do not."""
    torch.manual_seed(0)
    scale = {'test_dataloader.dataset.pipeline.1.scale': (96, 64)}
    model = init_model(config, cfg_options={'model.score_thr': 0.75, **scale, **options})
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in (model.head.query_content.weight, model.head.classifier.weight, model.mask_decoder.out.bias):
            weight.copy_(torch.randn(weight.shape, generator=generator))
    if fold:  # as a stream runs it
        optimize_for_inference(model)
    return model


def moving_frames(count: int, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """(H, W, 3) uint8: noise that drifts, so that masks overlap from frame to frame and change."""
    rng = np.random.default_rng(0)
    still = rng.integers(0, 255, (*size, 3), dtype=np.uint8)
    return [
        np.roll(still, 5 * index, axis=1) // 2 + rng.integers(0, 127, (*size, 3), dtype=np.uint8)
        for index in range(count)
    ]


def audio_pieces(count: int) -> list[np.ndarray | None]:
    """Audio since the frame before; at the first frame, and at one later on, none came."""
    rng = np.random.default_rng(1)
    pieces: list[np.ndarray | None] = [rng.normal(0, 0.1, 2700).astype(np.float32) for _ in range(count)]
    pieces[0] = pieces[count // 2] = None
    return pieces


@pytest.fixture(scope='session')
def make_model() -> Callable[..., RCF]:
    return build


@pytest.fixture(scope='session')
def network_size() -> tuple[int, int]:
    """Height and width of ``frames`` after the test pipeline."""
    return NETWORK_SIZE


@pytest.fixture(scope='session')
def frames() -> list[np.ndarray]:
    return moving_frames(6)


@pytest.fixture(scope='session')
def run_both() -> Callable[..., tuple[Parity, list]]:
    """``run_both(one, other, frames)``: how the results of two streams agree, and those of the first."""

    def run(one: OnlineSegmenter, other: OnlineSegmenter, frames: list[np.ndarray]) -> tuple[Parity, list]:
        parity, results = Parity(), []
        for index, (frame, audio) in enumerate(zip(frames, audio_pieces(len(frames)), strict=True)):
            audio = audio if one.uses_audio else None
            first, second = (segmenter.step(frame, audio) for segmenter in (one, other))
            assert first.frame_index == second.frame_index == index and first.class_names == second.class_names
            assert {'preprocess', 'network', 'track', 'masks', 'total'} <= set(second.timings)
            np.testing.assert_allclose(second.class_probs, first.class_probs, atol=1e-5)
            parity.add(result_objects(first), result_objects(second))
            results.append(first)
        return parity, results

    return run


@pytest.fixture(scope='session')
def audio_visual_model(audio_visual_config: Path) -> RCF:
    return build(audio_visual_config, **FEW_LAYERS)


@pytest.fixture(scope='session')
def visual_only_model(tiny_config: Path) -> RCF:
    return build(tiny_config, **TWO_REFERENCES)


@pytest.fixture(scope='session')
def visual_only_weights(tiny_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of ``visual_only_model``."""
    path = tmp_path_factory.mktemp('weights') / 'visual_only.pth'
    torch.save({'state_dict': build(tiny_config, fold=False, **TWO_REFERENCES).state_dict()}, path)
    return path


@pytest.fixture(scope='session')
def audio_visual_file(audio_visual_model: RCF, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file for frames of any size, with audio. Read it only."""
    return write(audio_visual_model, None, tmp_path_factory.mktemp('onnx') / 'audio_visual.onnx')


@pytest.fixture(scope='session')
def visual_only_file(visual_only_model: RCF, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file for frames of one size, without audio, two references. Read it only."""
    return write(visual_only_model, NETWORK_SIZE, tmp_path_factory.mktemp('onnx') / 'visual_only.onnx')


def write(model: RCF, frame_shape: tuple[int, int] | None, path: Path) -> Path:
    pytest.importorskip('onnxscript')
    program, info = trace_step(model, frame_shape)
    write_onnx(program, info, path)
    return path
