"""An exported step takes the place of the model it was made from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from mmrcf.apis import OnlineSegmenter
from mmrcf.engine import FrameStream
from mmrcf.errors import InputError
from mmrcf.export import ExportedModel, ModuleGraph, Parity, StepGraph, describe, record_objects, result_objects
from mmrcf.export.exported_model import RawFrames
from mmrcf.models import RCF
from mmrcf.registry import DATASETS
from mmrcf.visualization import AudioAttention


@pytest.fixture(scope='module')
def graph(visual_only_model: RCF) -> ModuleGraph:
    step = StepGraph(visual_only_model).eval()
    return ModuleGraph(step, describe(step, step.example()))


@pytest.fixture(scope='module')
def audio_visual_graph(audio_visual_model: RCF) -> ModuleGraph:
    step = StepGraph(audio_visual_model).eval()
    return ModuleGraph(step, describe(step, step.example()))


def test_streams_do_not_touch_and_reset_starts_anew(graph: ModuleGraph, frames: list[np.ndarray]) -> None:
    model = ExportedModel(graph, 'a step')
    alone, other = OnlineSegmenter(model), OnlineSegmenter(model)
    expected = [alone.step(frame) for frame in frames]
    alone.reset()
    parity = Parity()
    for index, frame in enumerate(frames):
        other.step(frames[-1 - index])
        parity.add(result_objects(expected[index]), result_objects(alone.step(frame)))
    assert parity.same_tracks and parity.pixels == 0 and parity.score == 0 and parity.objects > 6


@pytest.mark.parametrize('audio', [False, True])
def test_evaluation_takes_it(
    audio: bool, request: pytest.FixtureRequest, tiny_config: Path, audio_visual_config: Path
) -> None:
    name, config = ('audio_visual', audio_visual_config) if audio else ('visual_only', tiny_config)
    dataset = DATASETS.build(Config.fromfile(config).test_dataloader.dataset)
    step = request.getfixturevalue('audio_visual_graph' if audio else 'graph')
    streams = [FrameStream(request.getfixturevalue(f'{name}_model')), FrameStream(ExportedModel(step, 'a step'))]
    parity = Parity()
    for index in range(len(dataset)):  # two videos
        parity.add(*(record_objects(stream.process(pseudo_collate([dataset[index]]))) for stream in streams))
    assert parity.same_tracks and parity.lowest_iou >= 0.999 and parity.objects > 8


def test_what_works_outside_the_graph_can_be_changed(graph: ModuleGraph, frames: list[np.ndarray]) -> None:
    counts = []
    for options in ({}, {'model.score_thr': 0.01}, {'model.score_thr': 0.01, 'model.tracker.duplicate_iou': 0.0}):
        model = ExportedModel(graph, 'a step', options)
        counts.append(sum(len(OnlineSegmenter(model).step(frame)) for frame in frames))
    assert counts[0] < counts[1] == 5 * len(frames) and counts[2] < counts[1]


@pytest.mark.parametrize(
    ('option', 'value', 'message'),
    [
        ('model.mask_thr', 0.4, 'option model.mask_thr: is fixed in a step, where only model.score_thr'),
        ('model.score_threshold', 0.4, 'option model.score_threshold: is fixed'),
        ('model.tracker_options', 1, 'option model.tracker_options: is fixed'),
        ('test_pipeline', [], 'option test_pipeline: is fixed'),
        ('model.score_thr', 2.0, r'model.score_thr=2.0: expected a number between 0 and 1'),
        ('model.tracker.iou_threshold', 2.0, 'iou_threshold'),
        ('model.tracker.type', 'os.system', "model.tracker.type='os.system' is not registered"),
    ],
)
def test_other_options_are_refused(graph: ModuleGraph, option: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ExportedModel(graph, 'a step', {option: value})


def test_no_part_from_elsewhere_is_built(graph: ModuleGraph) -> None:
    pipeline = [dict(type='ClipResize', scale=(96, 64)), dict(type='builtins.print', sep='')]
    other = ModuleGraph(torch.nn.Identity(), replace(graph.info, pipeline=pipeline))
    with pytest.raises(InputError, match=r"test_pipeline.1.type='builtins.print' is not registered"):
        ExportedModel(other, 'a step')


def test_another_size_than_the_fixed_one_is_refused(graph: ModuleGraph, frames: list[np.ndarray]) -> None:
    other = ModuleGraph(torch.nn.Identity(), replace(graph.info, frame_shape=[40, 96]))
    with pytest.raises(InputError, match='a step: takes frames that are 96x40 after the test .*, these are 96x55'):
        OnlineSegmenter(ExportedModel(other, 'a step')).step(frames[0])


def test_it_says_what_it_cannot_do(graph: ModuleGraph, audio_visual_graph: ModuleGraph) -> None:
    with pytest.raises(ValueError, match="mode='loss'"):
        ExportedModel(graph, 'a step')({}, mode='loss')
    with pytest.raises(InputError, match='audio attention: not available for exported models'):
        AudioAttention(ExportedModel(audio_visual_graph, 'a step'))


def test_audio_that_did_not_come_is_not_known(audio_visual_graph: ModuleGraph, frames: list[np.ndarray]) -> None:
    model = ExportedModel(audio_visual_graph, 'a step')
    assert model.uses_audio and model.num_classes == 8
    frame = torch.from_numpy(np.ascontiguousarray(frames[0].transpose(2, 0, 1)))[None]
    shapes = dict(img_shape=frame.shape[-2:], ori_shape=frame.shape[-2:])
    result, state = model.step(frame, model.init_state(), **shapes)
    assert result.frame_index == 0 and state.frame_index == 1 and state.carried['seen'] == 1
    assert not state.carried['audio_valid'].any()


def test_a_file_names_no_other_package_and_no_nonsense(graph: ModuleGraph) -> None:
    for pipeline, message in (
        ([dict(type='PackClip', _scope_='os')], '_scope_ names another package'),
        (['PackClip'], 'metadata field pipeline is no list of transforms'),
        ([{}], 'metadata field pipeline is no list of transforms'),
    ):
        other = ModuleGraph(torch.nn.Identity(), replace(graph.info, pipeline=pipeline))
        with pytest.raises(InputError, match=message):
            ExportedModel(other, 'a step')


def test_a_batch_keeps_the_audio_of_clips_that_have_it_and_has_one_size() -> None:
    clip, audio = torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.ones(1, 96, 64)
    inputs = dict(img=[clip, clip], audio=[audio, None], audio_valid=[torch.ones(1, dtype=torch.bool), None])
    batch = RawFrames()(dict(inputs=inputs, data_samples=None))['inputs']
    assert batch['audio_valid'].tolist() == [[True], [False]] and batch['audio'][1].abs().sum() == 0
    with pytest.raises(InputError, match='one size in a batch, got 8x8, 9x8'):
        RawFrames()(dict(inputs=dict(img=[clip, torch.zeros(1, 3, 8, 9, dtype=torch.uint8)]), data_samples=None))


def test_its_precision_is_that_of_the_graph(graph: ModuleGraph) -> None:
    with pytest.raises(InputError, match='precision bf16: an exported model has been given its precision'):
        OnlineSegmenter(ExportedModel(graph, 'a step'), precision='bf16')


def test_the_state_does_not_grow(graph: ModuleGraph, frames: list[np.ndarray]) -> None:
    model = ExportedModel(graph, 'a step')
    frame = torch.from_numpy(np.ascontiguousarray(frames[0].transpose(2, 0, 1)))[None]
    shapes = dict(img_shape=frame.shape[-2:], ori_shape=frame.shape[-2:])
    state, sizes = model.init_state(), []
    for _ in range(5):
        _, state = model.step(frame, state, **shapes)
        sizes.append(sum(array.nbytes for array in state.carried.values()))
    assert len(set(sizes)) == 1
