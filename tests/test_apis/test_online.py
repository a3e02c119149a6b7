from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from pycocotools import mask as mask_utils

from mmrcf.apis import OnlineSegmenter, init_model
from mmrcf.engine import FrameStream
from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.models import RCF
from mmrcf.registry import DATASETS
from mmrcf.structures import FrameResult, StreamState


@pytest.fixture(scope='module')
def model(tiny_config: Path) -> RCF:
    """A model with random weights that shows every slot."""
    torch.manual_seed(0)
    return init_model(tiny_config, cfg_options={'model.score_thr': 0.01})


@pytest.fixture
def frames() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (48, 80, 3), dtype=np.uint8) for _ in range(5)]


def assert_same(one: FrameResult, other: FrameResult) -> None:
    assert one.frame_index == other.frame_index and one.class_names == other.class_names
    for name in ('ids', 'labels', 'scores', 'masks', 'boxes', 'class_probs', 'queries'):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_result(model: RCF, frames: list[np.ndarray]) -> None:
    segmenter = OnlineSegmenter(model)
    for index, frame in enumerate(frames):
        result = segmenter.step(frame)
        assert result.frame_index == index and len(result) > 0
        assert result.masks.shape == (len(result), 48, 80) and result.masks.dtype == bool
        assert set(result.class_names) <= set(segmenter.classes)
        assert {'preprocess', 'model', 'network', 'track', 'masks', 'total'} <= set(result.timings)
        assert result.timings['total'] >= result.timings['model'] > 0


def test_equals_the_test_loop(model: RCF, tiny_config: Path, tiny_ytvis: Path) -> None:
    dataset = DATASETS.build(Config.fromfile(tiny_config).test_dataloader.dataset)
    stream, segmenter = FrameStream(model), OnlineSegmenter(model)
    for index in range(4):
        record = stream.process(pseudo_collate([dataset[index]]))
        path = tiny_ytvis / 'test/JPEGImages/0001' / f'{index:05d}.jpg'
        result = segmenter.step(next(iter(open_source(path))).image)
        assert len(result) > 0
        for name in ('ids', 'queries', 'labels', 'scores', 'class_probs'):
            np.testing.assert_array_equal(record[name], getattr(result, name))
        for rle, mask in zip(record['rles'], result.masks, strict=True):
            np.testing.assert_array_equal(mask_utils.decode(rle).astype(bool), mask)


def test_another_library_s_default_scope_does_not_matter(model: RCF, frames: list[np.ndarray]) -> None:
    """``mmdet.apis.init_detector`` makes mmdet's scope the default one of the process."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        assert len(OnlineSegmenter(model).step(frames[0])) > 0


def test_reset_starts_anew(model: RCF, frames: list[np.ndarray]) -> None:
    segmenter = OnlineSegmenter(model)
    first = [segmenter.step(frame) for frame in frames]
    segmenter.reset()
    for one, other in zip(first, map(segmenter.step, frames), strict=True):
        assert_same(one, other)


def test_interleaved_streams_do_not_touch(model: RCF, frames: list[np.ndarray]) -> None:
    alone = OnlineSegmenter(model)
    expected = [alone.step(frame) for frame in frames]
    one, other = OnlineSegmenter(model), OnlineSegmenter(model)
    for index, frame in enumerate(frames):
        other.step(frames[-1 - index][::-1, ::-1].copy())
        assert_same(one.step(frame), expected[index])


def test_state_does_not_grow(model: RCF, frames: list[np.ndarray]) -> None:
    def size(state: StreamState) -> int:
        tensors = [*state.references, *(value for value in vars(state.track).values() if torch.is_tensor(value))]
        return sum(tensor.numel() for tensor in tensors)

    segmenter, sizes = OnlineSegmenter(model), []
    for _ in range(3):
        for frame in frames:
            segmenter.step(frame)
        sizes.append(size(segmenter._state))
    assert len(set(sizes)) == 1


def test_grey_frames(model: RCF, frames: list[np.ndarray]) -> None:
    grey = frames[0][..., 0]
    expected = OnlineSegmenter(model).step(np.repeat(grey[..., None], 3, axis=2))
    assert_same(OnlineSegmenter(model).step(grey), expected)
    assert_same(OnlineSegmenter(model).step(grey[..., None]), expected)


def test_frame_is_not_changed(model: RCF, frames: list[np.ndarray]) -> None:
    before = frames[0].copy()
    OnlineSegmenter(model).step(frames[0])
    np.testing.assert_array_equal(frames[0], before)


@pytest.mark.parametrize(
    ('frame', 'message'),
    [
        (np.zeros((8, 8, 3), np.float32), 'dtype float32'),
        (np.zeros((8, 8, 4), np.uint8), r'shape \(8, 8, 4\)'),
        (np.zeros((3, 8, 8, 3), np.uint8), 'shape'),
        (np.zeros((0, 8, 3), np.uint8), 'shape'),
        ([[1, 2], [3, 4]], 'is a list'),
        (None, 'is a NoneType'),
    ],
)
def test_bad_frames(model: RCF, frame: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OnlineSegmenter(model).step(frame)


def test_size_change_needs_a_reset(model: RCF, frames: list[np.ndarray]) -> None:
    segmenter = OnlineSegmenter(model)
    segmenter.step(frames[0])
    with pytest.raises(ValueError, match=r'call reset\(\)'):
        segmenter.step(frames[1][:40])
    segmenter.reset()
    assert segmenter.step(frames[1][:40]).masks.shape[1:] == (40, 80)


def test_audio_for_a_visual_only_model(model: RCF, frames: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match='takes no audio'):
        OnlineSegmenter(model).step(frames[0], audio=np.zeros(100, np.float32))


def test_a_pipeline_in_another_order_is_named(tiny_config: Path, frames: list[np.ndarray]) -> None:
    config = Config.fromfile(tiny_config)
    config.test_dataloader.dataset.pipeline.append(dict(type='ClipResize', scale=(96, 64)))
    segmenter = OnlineSegmenter(config)
    with pytest.raises(InputError, match=r"a transform of the test pipeline needs 'img', .* correct their order"):
        segmenter.step(frames[0])


def test_config_without_pipeline(tiny_config: Path) -> None:
    config = Config.fromfile(tiny_config)
    config.pop('test_dataloader')
    OnlineSegmenter(config)
    config.pop('test_pipeline')
    with pytest.raises(InputError, match='test_pipeline'):
        OnlineSegmenter(config)


@pytest.mark.parametrize(('threshold', 'start'), [(None, 0.8), (0.01, 0.8), (0.5, 0.8), (0.004, 0.32)])
def test_a_lower_threshold_of_a_stream_lets_objects_begin_lower_too(
    model: RCF, monkeypatch: pytest.MonkeyPatch, threshold: float | None, start: float
) -> None:
    monkeypatch.setattr(model.tracker, 'start_score', 0.8)  # the model's own threshold is 0.01
    segmenter = OnlineSegmenter(model)
    other = segmenter.fork(threshold).model
    assert other.tracker.start_score == pytest.approx(start)
    assert other.score_thr == (model.score_thr if threshold is None else threshold)
    assert segmenter.fork(0.5, begin_low=True).model.tracker.start_score is None
    assert (segmenter.model.tracker.start_score, segmenter.model.score_thr) == (0.8, 0.01)
