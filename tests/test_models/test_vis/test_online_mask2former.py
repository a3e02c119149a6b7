"""MinVIS: mmdet's masks frame by frame, its published weights by their names, and track IDs that follow the queries."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import mmengine.hub
import numpy as np
import pytest
import torch
from mmdet.apis import inference_detector
from mmdet.datasets import CocoDataset
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope
from pycocotools import mask as mask_utils
from torch import Tensor, nn

from mmrcf.apis import OnlineSegmenter, init_model
from mmrcf.datasets.classes import COCO_CLASSES
from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.model_index import listed_models
from mmrcf.models import OnlineMask2Former
from mmrcf.models.vis.mmdet_bridge import frame_metainfo
from mmrcf.registry import MODELS

from .conftest import spread

FOLDER = Path(__file__).resolve().parents[3] / 'configs/minvis'
ZOO = 'mmdet::mask2former/mask2former_{}.py'
# Our configs, and the ones of mmdet whose weights they take.
COUNTERPARTS = {
    'minvis_r50_coco': 'r50_8xb2-lsj-50e_coco',
    'minvis_r101_coco': 'r101_8xb2-lsj-50e_coco',
    'minvis_swin-t_coco': 'swin-t-p4-w7-224_8xb2-lsj-50e_coco',
    'minvis_swin-s_coco': 'swin-s-p4-w7-224_8xb2-lsj-50e_coco',
    'minvis_r50_coco-panoptic': 'r50_8xb2-lsj-50e_coco-panoptic',
    'minvis_r101_coco-panoptic': 'r101_8xb2-lsj-50e_coco-panoptic',
    'minvis_swin-t_coco-panoptic': 'swin-t-p4-w7-224_8xb2-lsj-50e_coco-panoptic',
    'minvis_swin-s_coco-panoptic': 'swin-s-p4-w7-224_8xb2-lsj-50e_coco-panoptic',
    'minvis_swin-b_coco-panoptic': 'swin-b-p4-w12-384_8xb2-lsj-50e_coco-panoptic',
    'minvis_swin-b-in21k_coco-panoptic': 'swin-b-p4-w12-384-in21k_8xb2-lsj-50e_coco-panoptic',
    'minvis_swin-l_coco-panoptic': 'swin-l-p4-w12-384-in21k_16xb1-lsj-100e_coco-panoptic',
}
PADDED, VALID, ORIGINAL = (64, 96), (60, 90), (120, 180)
SHAPES = dict(img_shape=VALID, ori_shape=ORIGINAL)


def shrink(model: Config, things: int = 5) -> Config:
    """Few layers, channels and classes; the parts stay what the config says."""
    model.backbone.update(depth=18, init_cfg=None)
    head = model.panoptic_head
    head.update(in_channels=[64, 128, 256, 512], num_queries=20, num_things_classes=things)
    head.num_stuff_classes = 3 if head.num_stuff_classes else 0
    head.loss_cls.class_weight = [1.0] * (things + head.num_stuff_classes) + [0.1]
    head.pixel_decoder.encoder.num_layers = 1
    head.transformer_decoder.num_layers = 3
    if 'panoptic_fusion_head' in model:
        model.panoptic_fusion_head.update(num_things_classes=things, num_stuff_classes=head.num_stuff_classes)
        model.test_cfg.panoptic_on = False
    return model


def build(name: str, **options) -> OnlineMask2Former:
    init_default_scope('mmrcf')
    torch.manual_seed(0)
    model = shrink(Config.fromfile(FOLDER / f'{name}.py').model)
    return spread(MODELS.build(dict(model, **options)))


def mmdet_model(name: str, small: bool = True) -> nn.Module:
    config = mmengine.hub.get_config(ZOO.format(COUNTERPARTS[name])).model
    config.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MMDET_MODELS.build(shrink(config) if small else config)


def keep_to_queries(model: OnlineMask2Former) -> None:
    """Let a query's output depend on the query more than on the picture, as that of a trained query does."""
    for name, parameter in model.panoptic_head.transformer_decoder.layers.named_parameters():
        if name.endswith(('out_proj.weight', 'layers.1.weight')):
            parameter.data *= 0.1


def moving_crop(length: int, step: int = 4) -> Tensor:
    """Frames (T, 3, H, W): a window that moves over a smooth picture."""
    picture = torch.randn(1, 3, 12, 24, generator=torch.Generator().manual_seed(0))
    picture = nn.functional.interpolate(picture, scale_factor=16, mode='bicubic')[0]
    height, width = PADDED
    return torch.stack([picture[:, 2 * t : 2 * t + height, step * t : step * t + width] for t in range(length)])


def network_of(model: dict) -> dict:
    """What of a config decides on names and shapes of weights, without types' packages and what only training reads."""
    head = {key: value for key, value in model['panoptic_head'].items() if not key.startswith('loss_')}
    return plain(dict(backbone=model['backbone'], panoptic_head=head))


def plain(node):
    if isinstance(node, dict):
        # Defaults of mmdet's own classes, or of no weight.
        left_out = ('init_cfg', 'act_cfg', '_scope_', 'drop_path_rate', 'with_cp', 'frozen_stages')
        defaults = dict(mlp_ratio=4, qkv_bias=True, qk_scale=None, drop_rate=0.0, attn_drop_rate=0.0, patch_norm=True)
        return {
            key: plain(value)
            for key, value in node.items()
            if key not in left_out and not (key in defaults and defaults[key] == value)
        }
    if isinstance(node, list | tuple):
        return [plain(value) for value in node]
    return node.split('.')[-1] if isinstance(node, str) else node


@pytest.mark.parametrize('name', COUNTERPARTS)
def test_the_network_is_the_one_of_mmdet_s_model_zoo(name: str) -> None:
    ours = Config.fromfile(FOLDER / f'{name}.py').model
    theirs = mmengine.hub.get_config(ZOO.format(COUNTERPARTS[name])).model
    assert network_of(ours) == network_of(theirs)
    assert (
        plain(ours.data_preprocessor).items()
        <= (plain(theirs.data_preprocessor) | dict(type='RCFDataPreprocessor')).items()
    )


def test_the_weights_of_mmdet_s_model_zoo_fit_by_name_and_shape() -> None:
    init_default_scope('mmrcf')
    with torch.device('meta'):
        ours = MODELS.build(Config.fromfile(FOLDER / 'minvis_r50_coco.py').model)
        theirs = mmdet_model('minvis_r50_coco', small=False)
    shapes = [{key: value.shape for key, value in model.state_dict().items()} for model in (ours, theirs)]
    assert shapes[0] == shapes[1]
    stated = listed_models()['minvis_r50_coco'].entry['Metadata']['Parameters (M)']
    assert round(sum(parameter.numel() for parameter in ours.parameters()) / 1e6, 1) == stated


@pytest.mark.parametrize('name', ['minvis_r50_coco', 'minvis_r50_coco-panoptic'])
def test_the_objects_of_a_frame_are_mmdet_s(name: str) -> None:
    theirs = spread(mmdet_model(name))
    ours = build(name, score_thr=0.0, tracker=dict(type='HungarianTracker', max_tracks=20))
    ours.load_state_dict(theirs.state_dict())
    state, count = ours.init_state(), 0
    for frame in moving_crop(2):
        result, state = ours.step(frame[None], state, **SHAPES)
        sample = DetDataSample(metainfo=frame_metainfo(VALID, ORIGINAL, PADDED, 0))
        with torch.no_grad():
            found = theirs.predict(frame[None], [sample])[0].pred_instances
        found = found[found.masks.flatten(1).any(1)]
        assert {mask.tobytes() for mask in result.masks} == {mask.tobytes() for mask in found.masks.numpy()}
        for mask, label, score in zip(found.masks.numpy(), found.labels, found.scores, strict=True):
            same = [row for row in range(len(result)) if np.array_equal(result.masks[row], mask)]
            assert any(result.class_probs[row, label] == pytest.approx(score.item(), abs=1e-6) for row in same)
        count += len(result)
    assert count > 10


@pytest.mark.parametrize('name', ['minvis_r50_coco', 'minvis_r50_coco-panoptic'])
def test_the_demo_shows_the_masks_of_mmdet_s_own_inference(
    name: str, load_script, in_tmp_path: Path, write_clip, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """From a video file and a checkpoint that mmdet's network was saved to, to the JSON of the demo."""
    tool, size = load_script('tools/benchmarks/mmdet_parity.py'), (128, 96)
    clip = write_clip(in_tmp_path / 'clip.mp4', frames=3, width=size[0], height=size[1])
    theirs, ours = tool.detector_config(ZOO.format(COUNTERPARTS[name])), Config.fromfile(FOLDER / f'{name}.py')
    shrink(ours.model, things=80)
    ours.test_dataloader.dataset.pipeline[1].scale = size
    ours.dump('ours.py')
    shrink(theirs.model, things=80)
    theirs.dump('theirs.py')
    tool.main(['ours.py', 'theirs.py', 'zoo.pth', '--random-weights', '--input', 'clip.mp4', '--json', 'parity.json'])
    figures = json.loads(Path('parity.json').read_text())
    assert figures['frames'] == 3 and figures['objects'] > 5 and figures['lowest_iou'] >= 0.999
    assert figures['score'] < 1e-4

    demo = load_script('demo/video_demo.py')
    monkeypatch.setattr(sys, 'argv', ['video_demo.py', str(clip), 'ours.py', 'zoo.pth', '--json', 'demo.json'])
    demo.main()
    tracks = json.loads(Path('demo.json').read_text())['annotations']
    detector, pipeline = tool.load_detector(theirs, 'zoo.pth', 'cpu'), tool.mmdet_pipeline(theirs, size)
    compared = 0
    for index, frame in enumerate(open_source(clip)):
        sample = inference_detector(detector, np.ascontiguousarray(frame.image[..., ::-1]), pipeline)
        masks = sample.pred_instances.masks.numpy()
        for rle in filter(None, (track['segmentations'][index] for track in tracks)):
            assert tool.best_overlap(mask_utils.decode(rle).astype(bool), masks) >= 0.999
            compared += 1
    assert compared == figures['objects']


def test_mmdet_s_checkpoints_load_and_their_things_are_the_classes(tmp_path: Path) -> None:
    theirs = spread(mmdet_model('minvis_r50_coco-panoptic'))
    meta = dict(dataset_meta=dict(classes=tuple('abcdefgh'), thing_classes=tuple('abcde'), stuff_classes=tuple('fgh')))
    torch.save(dict(state_dict=theirs.state_dict(), meta=meta), tmp_path / 'zoo.pth')
    config = Config.fromfile(FOLDER / 'minvis_r50_coco-panoptic.py')
    shrink(config.model)
    segmenter = OnlineSegmenter(init_model(config, tmp_path / 'zoo.pth'))
    assert segmenter.classes == tuple('abcde')
    result = segmenter.step(np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8))
    assert result.masks.shape[1:] == (60, 90)


def test_a_track_id_follows_its_query_whatever_its_number() -> None:
    """The decoder treats all queries alike, so that shuffled queries are the same objects under other numbers."""
    model = build('minvis_r50_coco', score_thr=0.15, tracker=dict(type='HungarianTracker', max_tracks=20))
    keep_to_queries(model)
    head, state = model.panoptic_head, model.init_state()
    original = [head.query_feat.weight.data.clone(), head.query_embed.weight.data.clone()]
    generator, seen = torch.Generator().manual_seed(0), {}
    frames = moving_crop(12)
    for index, frame in enumerate(frames):
        order = torch.randperm(20, generator=generator)
        head.query_feat.weight.data, head.query_embed.weight.data = (weight[order] for weight in original)
        # In the middle only a few objects are above the threshold; the others come back with their track IDs.
        model.max_objects = 3 if 4 <= index < 8 else 100
        result, state = model.step(frame[None], state, **SHAPES)
        for track_id, slot in zip(result.ids.tolist(), result.queries.tolist(), strict=True):
            seen.setdefault(int(order[slot]), []).append((index, track_id))
    absent = [query for query, frames in seen.items() if {index for index, _ in frames} == {0, 1, 2, 3, 8, 9, 10, 11}]
    assert len(absent) >= 5
    assert all(len({track_id for _, track_id in frames}) == 1 for frames in seen.values())
    assert len({frames[0][1] for frames in seen.values()}) == len(seen)


def test_what_is_kept_of_a_stream_does_not_grow() -> None:
    model = build('minvis_r50_coco', score_thr=0.0)
    state, sizes = model.init_state(), set()
    for frame in moving_crop(5):
        _, state = model.step(frame[None], state, **SHAPES)
        parts = [value for value in vars(state.track).values() if isinstance(value, Tensor)]
        sizes.add(sum(part.numel() for part in parts))
        assert state.references == ()
    assert len(sizes) == 1 and state.frame_index == 5


def test_a_frame_without_objects_goes_by() -> None:
    model = build('minvis_r50_coco', score_thr=1.0)
    result, _ = model.step(moving_crop(1), model.init_state(), **SHAPES)
    assert len(result) == 0 and result.masks.shape == (0, *ORIGINAL) and result.class_probs.shape == (0, 5)


def test_a_head_without_deformable_attention_runs_too() -> None:
    config = mmengine.hub.get_config('mmdet::maskformer/maskformer_r50_ms-16xb1-75e_coco.py').model
    config.backbone.update(depth=18, init_cfg=None)
    config.panoptic_head.update(in_channels=[64, 128, 256, 512])
    part = dict(backbone=config.backbone, panoptic_head=config.panoptic_head)
    init_default_scope('mmrcf')
    tracker = dict(type='HungarianTracker', max_tracks=100)
    model = spread(MODELS.build(dict(type='OnlineMask2Former', score_thr=0.0, tracker=tracker, **part)))
    result, _ = model.step(moving_crop(1), model.init_state(), **SHAPES)
    assert len(result) and result.class_probs.shape[1] == 80


@pytest.mark.parametrize(('option', 'value'), [('score_thr', 1.5), ('max_objects', 0)])
def test_options_out_of_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(InputError, match=f'model.{option}={value}: expected'):
        build('minvis_r50_coco', **{option: value})


def test_a_head_without_queries_is_refused() -> None:
    head = dict(type='mmdet.RetinaHead', num_classes=5, in_channels=8)
    with pytest.raises(InputError, match='RetinaHead has no queries to track by'):
        build('minvis_r50_coco', panoptic_head=head)


def test_a_gpu_needs_the_operators(monkeypatch) -> None:
    monkeypatch.setattr('mmrcf.compat.operators_compiled', lambda: False)
    model = build('minvis_r50_coco')
    with pytest.raises(InputError, match='Mask2Former on a GPU needs the compiled operators of mmcv'):
        model.step(SimpleNamespace(is_cuda=True), model.init_state(), **SHAPES)


def test_the_classes_are_in_the_order_of_mmdet_s_weights() -> None:
    assert CocoDataset.METAINFO['classes'] == COCO_CLASSES
