"""What a peer needs and what it takes: compiled operators, mmdet's weights, options in their range."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.datasets import YouTubeVISDataset

from mmrcf.apis import OnlineSegmenter, init_model
from mmrcf.datasets.classes import SHAPES_CLASSES, YOUTUBE_VIS_2019_CLASSES, YOUTUBE_VIS_2021_CLASSES
from mmrcf.errors import InputError

FOLDER = Path(__file__).resolve().parents[3] / 'configs/baselines'
MASKTRACK, MASK2FORMER = 'masktrack-rcnn_r50_ytvis19', 'mask2former-vis_r50_ytvis19'


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('mmrcf.compat.operators_compiled', lambda: False)


def test_light_mmcv_gives_one_line_when_the_model_is_built(light: None) -> None:
    with pytest.raises(InputError, match='MaskTrack R-CNN needs the compiled operators of mmcv') as info:
        init_model(FOLDER / f'{MASKTRACK}.py')
    assert '`make baselines`' in str(info.value) and '\n' not in str(info.value)


def test_light_mmcv_ends_a_training_before_it_starts(light: None, load_script, in_tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as info, pytest.MonkeyPatch.context() as patch:
        # MMEngine's loggers of earlier tests write to the output of those, which is closed, and logging reports that.
        patch.setattr('logging.raiseExceptions', False)
        Path('data/youtube_vis_2019').mkdir(parents=True)
        Path('data/youtube_vis_2019/train.json').write_text('{}')
        load_script('tools/train.py').main([str(FOLDER / f'{MASKTRACK}.py')])
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith('error: ')]
    assert info.value.code == 2
    assert len(lines) == 1 and 'compile it: `make baselines`' in lines[0]


def test_light_mmcv_is_enough_for_mask2former_on_a_cpu_and_not_on_a_gpu(light: None, build_peer, make_stream) -> None:
    model = build_peer(MASK2FORMER)
    shapes = dict(img_shape=(64, 96), ori_shape=(64, 96))
    model.step(make_stream(1), model.init_state(), **shapes)
    with pytest.raises(InputError, match='Mask2Former on a GPU needs the compiled operators of mmcv'):
        model.step(SimpleNamespace(is_cuda=True), model.init_state(), **shapes)


def test_mmdet_s_checkpoints_load(counterparts, peer_config, tmp_path: Path) -> None:
    checkpoint = tmp_path / 'zoo.pth'
    torch.save(dict(state_dict=counterparts.theirs.state_dict(), meta=dict(CLASSES=('old', 'field'))), checkpoint)
    segmenter = OnlineSegmenter(init_model(peer_config(counterparts.name), checkpoint))
    assert segmenter.classes == SHAPES_CLASSES
    loaded = segmenter.model.state_dict()
    assert [key for key, value in counterparts.theirs.state_dict().items() if not torch.equal(value, loaded[key])] == []
    assert segmenter.step(np.zeros((60, 90, 3), np.uint8)).masks.shape[1:] == (60, 90)


@pytest.mark.parametrize(
    ('version', 'classes'), [('2019', YOUTUBE_VIS_2019_CLASSES), ('2021', YOUTUBE_VIS_2021_CLASSES)]
)
def test_labels_of_mmdet_s_weights_mean_our_classes(version: str, classes: tuple[str, ...], monkeypatch) -> None:
    monkeypatch.setattr(YouTubeVISDataset, 'METAINFO', {})
    YouTubeVISDataset.set_dataset_classes(version)
    assert YouTubeVISDataset.METAINFO['classes'] == classes


def test_an_image_model_s_head_starts_a_video_model_s(build_peer) -> None:
    model = build_peer(MASK2FORMER)
    weights = {key.replace('track_head.', 'panoptic_head.'): value + 1 for key, value in model.state_dict().items()}
    model.load_state_dict(weights)
    assert torch.equal(model.track_head.query_feat.weight, weights['panoptic_head.query_feat.weight'])


@pytest.mark.parametrize('option', ['clip_length', 'max_objects'])
def test_options_out_of_range_are_refused(option: str, peer_config) -> None:
    with pytest.raises(InputError, match=f'model.{option}=0: expected a number of at least 1'):
        init_model(peer_config(MASK2FORMER), cfg_options={f'model.{option}': 0})
