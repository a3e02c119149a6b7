"""tools/misc/dry_run.py: a config is tried on synthetic data in its data set's layout."""

import json
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmrcf.compat import operators_compiled
from mmrcf.errors import InputError
from mmrcf.registry import DATASETS
from mmrcf.synthetic.stand_in import use_stand_ins

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def test_a_config_is_tried_whole(load_script, repository: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / 'dry.json'
    config = str(repository / 'configs/shapes/rcf_r18_shapes.py')
    load_script('tools/misc/dry_run.py').main([config, '--size', '128x64', '--json', str(out)])
    figures = json.loads(out.read_text())[config]
    assert figures['loss'] > 0 and figures['parameters'] > 1
    assert config in capsys.readouterr().out


@pytest.mark.parametrize('name', ['rcf_r50_ytvis21', 'rcf_swin-b_coco-ytvis19'])
def test_stand_ins_have_the_layout_and_the_classes_of_the_data_set(repository: Path, tmp_path: Path, name: str) -> None:
    config = Config.fromfile(repository / 'configs/rcf' / f'{name}.py')
    use_stand_ins(config, tmp_path, size=(48, 64))
    init_default_scope('mmrcf')
    dataset = DATASETS.build(config.train_dataloader.dataset)
    assert len(dataset.metainfo['classes']) == 40
    parts = getattr(dataset, 'datasets', [dataset])
    assert all(len(part) == 2 for part in parts)
    assert len(parts) == (2 if 'coco' in name else 1)


REAL = sorted(path.relative_to(CONFIGS).as_posix() for path in (CONFIGS / 'real').rglob('*.py'))


# What the configs of shapes do not use of the paper: clips of COCO images, its schedule and layers, VGGish. The fields
# are those of the frame size in training.
PAPER = {
    'rcf/rcf_r50_coco-ytvis19.py': ['datasets.0.pipeline.2.scales', 'datasets.1.pipeline.3.scales'],
    'rcf_av/rcf-av_r50_avis.py': ['pipeline.2.scales'],
}


@pytest.mark.slow
@pytest.mark.parametrize('path', [*PAPER, *REAL])
def test_configs_of_the_paper_and_of_real_video_train_a_step(load_script, path: str) -> None:
    small = {f'train_dataloader.dataset.{field}': [(128, 96)] for field in PAPER.get(path, ())}
    tool = load_script('tools/misc/dry_run.py')
    figures = tool.dry_run(str(CONFIGS / path), size=(128, 96), batch_size=1, cfg_options=small)
    assert figures['loss'] > 0


@pytest.mark.parametrize(
    'name', [pytest.param('mask2former-vis_r50_ytvis19', marks=pytest.mark.slow), 'masktrack-rcnn_r50_ytvis19']
)
def test_a_baseline_trains_a_step(load_script, name: str) -> None:
    path = CONFIGS / f'baselines/{name}.py'
    if not operators_compiled() and 'masktrack' in name:
        with pytest.raises(InputError, match='needs the compiled operators of mmcv'):
            load_script('tools/misc/dry_run.py').dry_run(str(path), size=(64, 64), batch_size=1)
        return
    fewer = {'pixel_decoder.encoder.num_layers': 1, 'transformer_decoder.num_layers': 2}
    options = {f'model.track_head.{name}': value for name, value in fewer.items()} if 'mask2former' in name else {}
    figures = load_script('tools/misc/dry_run.py').dry_run(str(path), (64, 64), 1, options)
    assert figures['loss'] > 0


def test_what_is_pasted_comes_from_stand_ins_too(tmp_path: Path) -> None:
    config = Config.fromfile(CONFIGS / 'real/rcf_r18_people-animals-vehicles.py')
    use_stand_ins(config, tmp_path, size=(96, 128))
    init_default_scope('mmrcf')
    dataset = DATASETS.build(config.train_dataloader.dataset)
    assert [len(part) for part in dataset.datasets] == [2, 2, 2]
    for part in dataset.datasets:
        (paste,) = (step for step in part.pipeline.transforms if type(step).__name__ == 'VideoCopyPaste')
        assert all(Path(source.data_root).is_relative_to(tmp_path) for source in paste.sources.datasets)
    frames = [frame for index in range(4) for frame in dataset[index]['data_samples']]
    assert {0, 1, 2} >= {label for frame in frames for label in frame.gt_instances.labels.tolist()} != set()
    assert any('ignored_instances' in frame for frame in frames)


@pytest.mark.parametrize('name', ['shapes/rcf-av_r18_shapes-av', 'rcf_av/rcf-av_r50_aviseg', 'rcf_av/rcf-av_r50_avis'])
def test_stand_ins_have_audio_where_the_data_set_has(repository: Path, tmp_path: Path, name: str) -> None:
    config = Config.fromfile(repository / 'configs' / f'{name}.py')
    use_stand_ins(config, tmp_path, size=(48, 64), num_frames=12)
    init_default_scope('mmrcf')
    dataset = DATASETS.build(config.train_dataloader.dataset)
    items = [dataset[index] for index in (0, 1) for _ in range(6)]
    length = dataset.num_references + dataset.num_targets
    assert all(item['inputs']['audio'].shape == (length, 96, 64) for item in items)
    assert any(item['inputs']['audio_valid'].all() for item in items)


def test_an_unknown_kind_of_data_set_is_named(repository: Path, tmp_path: Path) -> None:
    config = Config.fromfile(repository / 'configs/rcf/rcf_r50_ytvis19.py')
    config.train_dataloader.dataset.type = 'Mine'
    with pytest.raises(InputError, match="no stand-in for a data set of type 'Mine'"):
        use_stand_ins(config, tmp_path, size=(48, 64))


def test_a_config_without_training_tracks_a_frame(load_script, tiny_config: Path) -> None:
    without = dict(train_dataloader=None, train_cfg=None, optim_wrapper=None)
    figures = load_script('tools/misc/dry_run.py').dry_run(str(tiny_config), (64, 64), 1, without)
    assert figures.keys() == {'parameters', 'step_seconds', 'objects'}


def test_a_wrong_field_is_named(load_script, tiny_config: Path, capsys) -> None:
    with pytest.raises(SystemExit) as exit_info:
        load_script('tools/misc/dry_run.py').main([str(tiny_config), '--cfg-options', 'model.neck.grid_sise=3'])
    assert exit_info.value.code == 2
    assert 'model.neck.grid_sise' in capsys.readouterr().err
