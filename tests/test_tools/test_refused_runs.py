"""Configs, options and checkpoints that tools/train.py and tools/test.py refuse, each in one line."""

from pathlib import Path

import pytest
import torch
from fixtures.training import refused, run, weights


@pytest.mark.parametrize(
    ('option', 'words'),
    [
        (
            'model.neck.type=RobustContextFusio',
            ("model.neck.type='RobustContextFusio'", "did you mean 'RobustContextFusion'"),
        ),
        ('model.neck.grid_sise=3', ('model.neck.grid_sise', "did you mean 'grid_size'")),
        ('modle.score_thr=0.3', ('modle.score_thr', "did you mean 'model'")),
        ('model.neck.num_references=-1', ('model.neck', 'num_references=-1')),
        ('model.backbone.depth=19', ('model.backbone', 'invalid depth 19')),
        ('train_dataloader.batch_sise=3', ('train_dataloader.batch_sise',)),
        ('train_dataloader.dataset.data_root=nowhere/', ('nowhere/train/instances.json',)),
        ('load_from=nowhere.pth', ('nowhere.pth', 'no such file')),
        ('work_dir=/proc/nothing', ('/proc/nothing', '--work-dir')),
    ],
)
def test_a_wrong_field_is_named(train, tiny_config, in_tmp_path, capsys, option: str, words: tuple[str, ...]) -> None:
    line = refused(train, capsys, tiny_config, '--cfg-options', option)
    for word in words:
        assert word in line


def test_an_unusable_config_is_named(train, in_tmp_path: Path, capsys) -> None:
    contents = dict(
        broken='model = dict(', based="_base_ = 'nothing.py'", modelless='x = 1', raising='import nothing_of_that_name'
    )
    for name, content in contents.items():
        (in_tmp_path / f'{name}.py').write_text(content)
        assert f'config {name}.py' in refused(train, capsys, f'{name}.py')
    assert 'config missing.py: no such file' in refused(train, capsys, 'missing.py')
    (in_tmp_path / 'empty.py').touch()
    assert 'empty' in refused(train, capsys, 'empty.py')
    assert 'found a folder' in refused(train, capsys, in_tmp_path)


def test_options_without_a_value_are_refused(train, tiny_config: Path, capsys) -> None:
    with pytest.raises(SystemExit) as exit_info:
        run(train, tiny_config, '--cfg-options', 'model.score_thr')
    assert exit_info.value.code == 2
    assert 'expected key=value' in capsys.readouterr().err


def test_a_launcher_that_did_not_start_us_is_refused(train, tiny_config, in_tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.delenv('RANK', raising=False)
    assert 'RANK is not set' in refused(train, capsys, tiny_config, '--launcher', 'pytorch')


@pytest.mark.skipif(torch.cuda.is_available(), reason='with a GPU --amp is allowed')
def test_amp_without_a_gpu_is_refused(train, tiny_config, in_tmp_path, capsys) -> None:
    assert 'needs a GPU' in refused(train, capsys, tiny_config, '--amp')


@pytest.mark.parametrize('field', ['train_dataloader', 'train_cfg', 'optim_wrapper'])
def test_a_config_without_a_training_is_refused(train, tiny_config, in_tmp_path: Path, capsys, field: str) -> None:
    (in_tmp_path / 'partial.py').write_text(f"_base_ = '{tiny_config}'\n{field} = None\n")
    (in_tmp_path / 'bare.py').write_text("model = dict(type='RCF')")
    for config in ('partial.py', 'bare.py'):
        for arguments in ([], ['--amp']):
            line = refused(train, capsys, config, *arguments)
            assert f'config {config}: has no ' in line and field in line
    assert not (in_tmp_path / 'work_dirs').exists()


def test_unfit_checkpoints_are_refused(train, evaluate, tiny_config, work_dir: Path, in_tmp_path: Path, capsys) -> None:
    good = work_dir / 'iter_4.pth'
    (in_tmp_path / 'truncated.pth').write_bytes(good.read_bytes()[:5000])
    torch.save(dict(state_dict=weights(good), meta={}), in_tmp_path / 'slim.pth')
    torch.save(dict(state_dict={'x': torch.zeros(1)}, meta={}), in_tmp_path / 'foreign.pth')
    for script, arguments, words in (
        (evaluate, ['missing.pth'], 'no such file'),
        (evaluate, ['.'], 'found a folder'),
        (evaluate, ['truncated.pth'], 'truncated.pth'),
        (evaluate, ['foreign.pth'], 'foreign.pth'),
        (evaluate, [good, '--cfg-options', 'model.neck.grid_size=2', 'model.head.num_queries=7'], 'does not fit'),
        (evaluate, [good, '--cfg-options', 'test_dataloader.dataset.metainfo.classes=shapes_av'], 'classes'),
        (evaluate, [good, '--json', '/proc/metrics.json'], '/proc/metrics.json'),
        (evaluate, [good, '--out', 'results.json'], '.zip'),
        (train, ['--resume', 'missing.pth'], 'no such file'),
        (train, ['--resume', 'truncated.pth'], 'truncated.pth'),
        (train, ['--resume', 'slim.pth'], 'no training state'),
        (train, ['--resume', good, '--cfg-options', 'model.head.num_queries=7'], 'does not fit'),
        (train, ['--cfg-options', 'load_from=foreign.pth'], 'none of its weights fits'),
    ):
        assert words in refused(script, capsys, tiny_config, *arguments)
