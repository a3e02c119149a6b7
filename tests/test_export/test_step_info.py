"""What an exported step says about itself comes back as it was, and nothing else is believed."""

import json

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
