"""The step that is exported is the step that runs, from the first frame of a stream on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.model import BaseModel

from mmrcf.apis import OnlineSegmenter
from mmrcf.errors import InputError
from mmrcf.export import STATE_OUTPUTS, ExportedModel, ModuleGraph, StepGraph, describe
from mmrcf.export.step_graph import mask_overlaps
from mmrcf.models import RCF
from mmrcf.models.trackers.overlap import mask_iou

FUSIONS = {
    'rcf': {},
    'three references': {'model.neck.num_references': 3},
    'the target for missing ones': {'model.neck.num_references': 3, 'model.missing_references': 'target'},
    'zeros for missing ones': {'model.neck.num_references': 3, 'model.missing_references': 'zeros'},
    'as the paper is written': {
        'model.neck.position_mode': 'tokens',
        'model.neck.weight_activation': 'none',
        'model.neck.encoder.norm_first': False,
    },
    'depthwise': {'model.neck.compression': 'depthwise', 'model.neck.use_weight': False},
    'full features': {
        'model.neck': dict(_delete_=True, type='FullFeatureFusion', in_channels=32, num_references=2, embed_dims=32)
    },
    'no references': {'model.neck': dict(_delete_=True, type='SingleFrame', in_channels=32, embed_dims=32)},
    'positions': {
        'model.mask_decoder.position_channels': 8,
        'model.neck.add_position_to_content': True,
        'model.score_thr': 0.2,
    },
    'local content': {'model.head.query_grid': True, 'model.head.local_content': True},
    'mask pooling': {'model.head.mask_pooling': True},
    'mask scores': {'model.score_masks': True, 'model.head.semantic_weight': 1.0, 'model.score_thr': 0.05},
    'duplicates': {'model.tracker.duplicate_iou': 0.7, 'model.tracker.max_age': 1},
    'hungarian': {'model.tracker': dict(_delete_=True, type='HungarianTracker')},
    'iou': {'model.tracker': dict(_delete_=True, type='IoUTracker', max_tracks=7)},
}
SIZES = {'padded': (52, 90), 'whole': (64, 96), 'narrow': (90, 40)}


def exported(model: RCF, frame_shape: tuple[int, int] | None = None) -> OnlineSegmenter:
    """The step as a stream, without a file between."""
    graph = StepGraph(model, frame_shape).eval()
    return OnlineSegmenter(ExportedModel(ModuleGraph(graph, describe(graph, graph.example())), 'a step'))


@pytest.fixture(scope='module', params=FUSIONS)
def model(request, make_model: Callable[..., RCF], tiny_config: Path) -> RCF:
    options = dict(FUSIONS[request.param])
    if 'model.neck' in options:
        options['model.neck'] |= dict(encoder=dict(num_layers=1, num_heads=4, feedforward_dims=32))
    return make_model(tiny_config, **options)


def test_a_step_of_one_size_equals_the_model(model: RCF, network_size: tuple[int, int], frames: list, run_both) -> None:
    parity, results = run_both(OnlineSegmenter(model), exported(model, network_size), frames)
    assert parity.objects > 6 and parity.same_tracks
    assert parity.mean_iou > 0.9999 and parity.score < 1e-5
    assert not all(np.array_equal(result.masks, results[0].masks) for result in results)


@pytest.mark.parametrize('fusion', ['rcf', 'positions'])
@pytest.mark.parametrize('size', SIZES)
def test_a_step_of_any_size_equals_the_model(
    size: str, fusion: str, make_model: Callable[..., RCF], tiny_config: Path, frames: list, run_both
) -> None:
    model = make_model(tiny_config, **{'model.neck.num_references': 2, 'model.neck.grid_size': 3}, **FUSIONS[fusion])
    height, width = SIZES[size]
    pictures = [np.resize(frame, (height, width, 3)) for frame in frames]
    parity, _ = run_both(OnlineSegmenter(model), exported(model), pictures)
    assert parity.objects > 6 and parity.same_tracks
    assert parity.lowest_iou >= 0.999 and parity.score < 1e-5


@pytest.mark.parametrize('references', [0, 1, 2])
def test_an_audio_visual_step_equals_the_model(
    references: int,
    make_model: Callable[..., RCF],
    audio_visual_config: Path,
    network_size: tuple[int, int],
    frames: list,
    run_both,
) -> None:
    options = {'model.neck.num_references': references, 'model.audio_encoder.num_references': references}
    if not references:
        encoder = dict(num_layers=1, num_heads=4, feedforward_dims=32)
        neck = dict(_delete_=True, type='SingleFrame', in_channels=32, embed_dims=32, encoder=encoder)
        options = {'model.neck': neck, 'model.audio_encoder.num_references': 0}
    model = make_model(audio_visual_config, **options)
    parity, _ = run_both(OnlineSegmenter(model), exported(model, network_size), frames)
    assert parity.objects > 6 and parity.same_tracks
    assert parity.pixels == 0 and parity.score < 1e-5


def test_the_state_comes_out_as_it_goes_in(audio_visual_model: RCF) -> None:
    graph = StepGraph(audio_visual_model).eval()
    info = describe(graph, graph.example())
    inputs = {name: torch.from_numpy(np.asarray(array)) for name, array in info.first_state((52, 90)).items()}
    assert set(inputs) == {'seen', 'references', 'previous_masks', 'audio_features', 'audio_valid'}
    others = {name: value for name, value in graph.example().items() if name not in inputs}
    others['frame'] = torch.zeros(1, 3, 52, 90, dtype=torch.uint8)
    with torch.no_grad():
        outputs = graph(others | inputs)
    for name, value in inputs.items():
        following = outputs[STATE_OUTPUTS[name]]
        assert (following.shape, following.dtype) == (value.shape, value.dtype), name


def test_what_was_not_seen_does_not_count(visual_only_model: RCF) -> None:
    graph = StepGraph(visual_only_model, (64, 96)).eval()
    inputs = graph.example()
    other = inputs | {'references': inputs['references'].clone()}
    other['references'][1] += 100.0
    for seen, counts in ((0, False), (1, False), (2, True)):
        inputs['seen'] = other['seen'] = torch.tensor(seen)
        with torch.no_grad():
            logits = [graph(one)['mask_logits'] for one in (inputs, other)]
        assert torch.equal(*logits) is not counts


def test_overlaps_are_those_of_the_trackers() -> None:
    masks, before = torch.rand(4, 9, 7) < 0.5, torch.rand(3, 9, 7) < 0.5
    masks[1] = before[2] = False
    for inside, outside in zip(mask_overlaps(masks, before), mask_iou(masks, before), strict=True):
        np.testing.assert_array_equal(inside.numpy(), outside)


def test_only_an_rcf_is_exported() -> None:
    with pytest.raises(InputError, match='is a BaseModel with a BaseDataPreprocessor; only an RCF'):
        StepGraph(type('BaseModel', (BaseModel,), dict(forward=None))())
