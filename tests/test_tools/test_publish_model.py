"""tools/misc/publish_model.py: a slim, safe checkpoint that says how it came about."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope

from mmrcf.engine.checkpoint import load_weights, read_checkpoint
from mmrcf.registry import MODELS

COMMAND = 'python tools/train.py configs/shapes/rcf_r18_shapes.py'


@pytest.fixture(scope='module')
def publish(load_script):
    return load_script('tools/misc/publish_model.py')


@pytest.fixture(scope='module')
def model(tiny_config: Path) -> torch.nn.Module:
    init_default_scope('mmrcf')
    return MODELS.build(Config.fromfile(tiny_config).model)


@pytest.fixture
def checkpoint(model, tmp_path: Path) -> Path:
    """What MMEngine's checkpoint hook writes, its log history included; the text of its config must not be run."""
    hub = MessageHub.get_instance('publish')
    hub.update_scalar('train/loss', 1.0)
    cfg = "raise SystemExit('text of a checkpoint was run')"
    meta = dict(cfg=cfg, config=cfg, seed=3, iter=40, dataset_meta=dict(classes=tuple('abcdefgh')))
    content = dict(meta=meta, state_dict=model.state_dict(), message_hub=hub.state_dict(), optimizer={'state': {}})
    torch.save(content, tmp_path / 'iter_40.pth')
    return tmp_path / 'iter_40.pth'


@pytest.mark.parametrize('half', [False, True])
def test_the_release_loads_safely_and_explains_itself(
    publish, model, tiny_config: Path, checkpoint: Path, tmp_path: Path, half: bool
) -> None:
    metrics = tmp_path / 'metrics.json'
    metrics.write_text(json.dumps({'vis/AP': 51.5, 'time': 0.1}))
    out = tmp_path / 'release' / 'model.pth'
    arguments = [
        str(checkpoint),
        str(out),
        '--config',
        str(tiny_config),
        '--command',
        COMMAND,
        '--metrics',
        f'test={metrics}',
        '--date',
        '2026-01-02',
        '--licence',
        'for research only',
        '--data',
        'shapes (train)',
    ]
    publish.main(arguments + ['--half'] * half)

    content = torch.load(out, weights_only=True)
    meta = content['meta']
    assert content.keys() == {'state_dict', 'meta'}
    assert meta['command'] == COMMAND and meta['licence'] == 'for research only'
    assert meta['data'] == 'shapes (train)'
    assert (meta['seed'], meta['iterations'], meta['date']) == (3, 40, '2026-01-02')
    assert meta['metrics'] == {'test': {'vis/AP': 51.5}}
    assert meta['dataset_meta']['classes'] == list('abcdefgh')
    assert 'was run' not in meta['config']
    MODELS.build(Config.fromstring(meta['config'], '.py').model)
    kinds = {value.dtype for value in content['state_dict'].values() if value.is_floating_point()}
    assert kinds == {torch.float16 if half else torch.float32}

    load_weights(model, read_checkpoint(out)['state_dict'], out)
    assert out.stat().st_size < checkpoint.stat().st_size or not half


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--max-mib', '0.01'], 'MiB'),
        (['--metrics', 'metrics.json'], 'NAME=FILE'),
        (['--metrics', 'test=missing.json'], 'missing.json'),
        (['--config', 'missing.py'], 'missing.py'),
    ],
)
def test_a_refusal_leaves_nothing_behind(
    publish, tiny_config: Path, checkpoint: Path, capsys, arguments: list[str], words: str
) -> None:
    out = checkpoint.parent / 'release.pth'
    with pytest.raises(SystemExit) as exit_info:
        publish.main([str(checkpoint), str(out), '--config', str(tiny_config), '--command', COMMAND, *arguments])
    assert exit_info.value.code == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_weights_beyond_half_precision_are_refused(publish, tiny_config: Path, checkpoint: Path, capsys) -> None:
    content = torch.load(checkpoint, weights_only=False)
    name = next(iter(content['state_dict']))
    content['state_dict'][name].fill_(1e6)
    torch.save(content, checkpoint)
    with pytest.raises(SystemExit):
        out = str(checkpoint.parent / 'release.pth')
        publish.main([str(checkpoint), out, '--config', str(tiny_config), '--command', COMMAND, '--half'])
    assert name in capsys.readouterr().err


def test_a_checkpoint_is_not_published_over_itself(publish, tiny_config: Path, checkpoint: Path, capsys) -> None:
    before = checkpoint.read_bytes()
    with pytest.raises(SystemExit):
        publish.main([str(checkpoint), str(checkpoint), '--config', str(tiny_config), '--command', COMMAND])
    assert 'is an input of this command' in capsys.readouterr().err
    assert checkpoint.read_bytes() == before
