"""What an exported step says about itself comes back as it was, and nothing else is believed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mmrcf.errors import InputError
from mmrcf.export import StepGraph, StepInfo, describe
from mmrcf.models import RCF


@pytest.fixture(scope='module')
def info(audio_visual_model: RCF) -> StepInfo:
    graph = StepGraph(audio_visual_model).eval()
    return describe(graph, graph.example())


def test_metadata_comes_back(info: StepInfo, audio_visual_model: RCF) -> None:
    texts = info.to_metadata()
    again = StepInfo.from_metadata({**texts, 'author': 'somebody'}, 'model.onnx')
    assert again.to_metadata() == texts
    assert (again.num_classes, again.num_queries, again.num_references, again.audio_dims) == (8, 5, 1, 16)
    assert (again.token_channels, again.token_stride, again.mask_stride) == (16, 8, 4)
    assert again.class_names == list(audio_visual_model.dataset_meta['classes'])
    assert again.tracker['type'] == 'MatchingFreeTracker' and again.config['model']['type'] == 'RCF'
    assert (again.mean, again.std, again.score_thr) == ([120.0] * 3, [60.0] * 3, 0.75)
    assert json.loads(texts['state'])['previous_masks'] == 'masks'


def test_the_first_state_is_empty(info: StepInfo) -> None:
    state = info.first_state((50, 90))  # padded to 64 x 96
    shapes = {name: array.shape for name, array in state.items()}
    assert shapes == {
        'seen': (),
        'references': (1, 16, 8, 12),
        'previous_masks': (5, 16, 24),
        'audio_features': (1, 16),
        'audio_valid': (1,),
    }
    assert not any(np.any(array) for array in state.values())


@pytest.mark.parametrize(
    ('field', 'text', 'message'),
    [
        ('tracker', None, 'model.onnx: its metadata has no field tracker; write it with tools/export/onnx_export.py'),
        ('score_thr', '"high"', 'metadata field score_thr is \'"high"\', expected float'),
        ('num_queries', 'ten', "metadata field num_queries is 'ten', expected int"),
        ('bgr_to_rgb', '1', "metadata field bgr_to_rgb is '1', expected bool"),
        ('score_thr', '9' * 400, 'expected float'),
        ('mean', '[' * 100_000, 'expected list'),
        ('num_queries', '9' * 5_000, 'expected int'),
        ('pad_size_divisor', '0', 'metadata field pad_size_divisor is 0, expected 1 to 65536'),
        ('num_references', '-1', 'metadata field num_references is -1, expected 0 to 65536'),
        ('token_channels', '65537', 'metadata field token_channels is 65537, expected 1 to 65536'),
        ('frame_shape', '[64]', 'metadata field frame_shape is [64]'),
        ('class_names', '[1]', 'metadata field class_names is [1]'),
        ('audio_dims', '[1]', "metadata field audio_dims is '[1]', expected int or null"),
    ],
)
def test_wrong_metadata_is_named(info: StepInfo, field: str, text: str | None, message: str) -> None:
    texts = {name: value for name, value in info.to_metadata().items() if name != field or text is not None}
    if text is not None:
        texts[field] = text
    with pytest.raises(InputError) as error:
        StepInfo.from_metadata(texts, 'model.onnx')
    assert message in str(error.value)


def test_a_state_that_is_too_large_is_not_made(info: StepInfo) -> None:
    with pytest.raises(InputError, match='the state of a stream of 96x64 takes'):
        replace(info, num_references=2**16, token_channels=2**16).first_state((64, 96))


def test_outputs_that_do_not_fit_are_found(info: StepInfo) -> None:
    outputs = dict(
        scores=np.zeros(5, np.float32),
        class_probs=np.zeros((5, 8), np.float32),
        masks=np.zeros((5, 16, 24), bool),
        mask_logits=np.zeros((5, 16, 24), np.float32),
        codes=np.zeros((5, 7), np.float32),
        overlaps=np.zeros((5, 5)),
        previous_overlaps=np.zeros((5, 5)),
    )
    assert info.wrong_output(outputs) is None
    for name, array in outputs.items():
        for wrong in (array[:4], array[..., None], array.astype(np.int64), None):
            assert info.wrong_output(outputs | {name: wrong}) in (name, 'masks', 'mask_logits')
        assert info.wrong_output({key: value for key, value in outputs.items() if key != name}) == name
