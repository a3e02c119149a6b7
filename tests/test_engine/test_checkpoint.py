"""Checkpoints appear when they are complete, the newest one is found, and reading them runs nothing."""

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import get_file_backend
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.model import Sequential
from mmengine.runner.checkpoint import CheckpointLoader, save_checkpoint

from mmrcf.engine import CompleteFileBackend
from mmrcf.engine.checkpoint import (
    latest_checkpoint,
    load_weights,
    read_checkpoint,
    watch_initial_weights,
    weight_difference,
)
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.hooks import CompleteCheckpointHook
from mmrcf.errors import InputError

ARGUMENTS = dict(backend='complete')


def test_a_checkpoint_is_written_and_nothing_beside_it(tmp_path: Path) -> None:
    save_checkpoint(dict(x=torch.ones(2)), str(tmp_path / 'new' / 'a.pth'), backend_args=ARGUMENTS)
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['a.pth']
    assert torch.load(tmp_path / 'new' / 'a.pth')['x'].tolist() == [1, 1]


def test_a_failed_write_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = get_file_backend(backend_args=ARGUMENTS)
    assert isinstance(backend, CompleteFileBackend)
    backend.put_text('old', tmp_path / 'a.pth')

    def full_disk(path: Path, content: bytes) -> None:
        path.open('wb').write(content[:1])
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', full_disk)
    with pytest.raises(OSError, match='No space left'):
        backend.put(b'new', tmp_path / 'a.pth')
    assert [path.name for path in tmp_path.iterdir()] == ['a.pth']
    assert (tmp_path / 'a.pth').read_text() == 'old'


def test_every_config_saves_its_checkpoints_so(repository: Path) -> None:
    config = Config.fromfile(repository / 'configs/_base_/default_runtime.py')
    assert config.default_hooks.checkpoint.backend_args == ARGUMENTS


def test_weights_of_another_network_are_refused_with_how_much_fits() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    weights = {'0.weight': torch.ones(3, 2), '0.bias': torch.ones(4), 'stem.weight': torch.ones(1)}
    message = (
        r'checkpoint a.pth: does not fit the config: 0.bias is \[4\] in the checkpoint and \[3\] in the model '
        r"\(the first of 4 differences; 1 of the model's 4 tensors fit\); use the config"
    )
    with pytest.raises(InputError, match=message):
        load_weights(model, weights, 'a.pth')
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with pytest.raises(InputError, match='config: the checkpoint has extra and the model does not; use'):
        load_weights(model, before | dict(extra=torch.ones(1)), 'a.pth')


def test_what_a_start_leaves_out_is_named_by_the_outermost_module() -> None:
    sizes = {'neck.a.weight': 2, 'neck.a.bias': 2, 'neck.b': 1, 'head.c.weight': 3, 'head.c.bias': 3, 'head.d': 1}
    model = {name: torch.zeros(size) for name, size in sizes.items()}
    assert weight_difference(model, model) == ''
    weights = {'head.c.weight': torch.zeros(4), 'head.c.bias': torch.zeros(3), 'head.d': torch.zeros(1)}
    assert weight_difference(model, weights | {'old.x': torch.zeros(1), 'old.y.z': torch.zeros(1)}) == (
        'initialised at random, because the checkpoint lacks them: neck (3); '
        'initialised at random, because they have another shape there: head.c.weight; '
        'not used, because the model lacks them: old (2)'
    )
    weights |= {'neck.a.weight': torch.zeros(2), 'neck.a.bias': torch.zeros(2), 'head.c.weight': torch.zeros(3)}
    assert weight_difference(model, weights) == 'initialised at random, because the checkpoint lacks them: neck.b'


def write_training_checkpoint(path: Path, age: int = 0) -> Path:
    torch.save(dict(state_dict=dict(x=torch.ones(1)), meta=dict(iter=1)), path)
    os.utime(path, ns=(10**18 - age, 10**18 - age))
    return path


@pytest.mark.parametrize(
    ('files', 'pointer', 'expected'),
    [
        ({'iter_2.pth': 1, 'iter_10.pth': 0}, 'iter_10.pth', 'iter_10.pth'),
        ({'iter_2.pth': 1, 'iter_10.pth': 0}, '/where/it/was/iter_10.pth', 'iter_10.pth'),
        ({'iter_2.pth': 1, 'iter_10.pth': 0}, '', 'iter_10.pth'),
        ({'iter_2.pth': 1, 'iter_10.pth': 0}, None, 'iter_10.pth'),
        ({'iter_2.pth': 1, 'iter_10.pth': 0}, 'iter_4.pth', 'iter_10.pth'),
        ({'iter_2.pth': 1, 'iter_10.pth': 0}, 'iter_2.pth', 'iter_10.pth'),  # killed before it was named
        ({'iter_2.pth': 0, 'iter_10.pth': 1}, 'iter_2.pth', 'iter_2.pth'),  # of an older run
        ({'iter_2.pth': 1, 'iter_10.pth': None}, 'iter_10.pth', 'iter_2.pth'),  # None: cut short
        ({'iter_10.pth': None}, 'iter_10.pth', None),
        ({'best_AP_iter_10.pth': 0}, None, None),
        ({}, '\0', None),
    ],
)
def test_the_newest_complete_checkpoint_is_found(
    tmp_path: Path, files: dict[str, int | None], pointer: str | None, expected: str | None
) -> None:
    for name, age in files.items():
        path = write_training_checkpoint(tmp_path / name, age or 0)
        if age is None:
            path.write_bytes(path.read_bytes()[:-100])
    if pointer is not None:
        (tmp_path / 'last_checkpoint').write_text(pointer)
    assert latest_checkpoint(tmp_path) == (expected and tmp_path / expected)


class Killed(BaseException):
    """Ends a test's run where a signal would."""


@pytest.fixture
def save_step(tmp_path: Path) -> Callable[..., dict]:
    """``save_step(step)`` saves with a hook that keeps one checkpoint; with ``killed=True`` the write never ends."""
    hook = CompleteCheckpointHook(interval=1, by_epoch=False, max_keep_ckpts=1, backend_args=ARGUMENTS)
    hook.out_dir, hook.keep_ckpt_ids = str(tmp_path), deque([], 1)
    information = {}
    hub = SimpleNamespace(update_info=lambda name, value: information.update({name: value}))

    def write(folder: str, name: str, *_args: object, **_options: object) -> None:
        write_training_checkpoint(Path(folder) / name)

    def kill(*_args: object, **_options: object) -> None:
        raise Killed

    def save(step: int, killed: bool = False) -> dict:
        runner = SimpleNamespace(work_dir=str(tmp_path), message_hub=hub, save_checkpoint=kill if killed else write)
        hook._save_checkpoint_with_step(runner, step, {})
        return information

    return save


def test_a_checkpoint_goes_when_the_next_one_is_complete(tmp_path: Path, save_step) -> None:
    save_step(5)
    with pytest.raises(Killed):
        save_step(10, killed=True)
    assert latest_checkpoint(tmp_path).name == 'iter_5.pth'
    assert save_step(10)['keep_ckpt_ids'] == [10]
    save_step(10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['iter_10.pth', 'last_checkpoint']
    assert (tmp_path / 'last_checkpoint').read_text() == 'iter_10.pth'


@pytest.mark.parametrize(
    'meta',
    [
        dict(dataset_meta=[1]),
        dict(dataset_meta=dict(classes=7)),
        dict(dataset_meta=dict(classes=['a', 1])),
        dict(iter='2'),
        dict(iter=-1),
        dict(epoch=0.5),
    ],
)
def test_fields_of_another_type_are_refused(tmp_path: Path, meta: dict) -> None:
    torch.save(dict(state_dict=dict(x=torch.ones(1)), meta=meta), tmp_path / 'a.pth')
    with pytest.raises(InputError, match=r'a\.pth: meta has a dataset_meta'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., list[str]]:
    """``start(weights, **init_cfg)``: initialise a part of two layers from a file, and return the lines of the log."""

    def run(weights: dict[str, torch.Tensor], **init_cfg: str) -> list[str]:
        torch.save(dict(state_dict=weights), tmp_path / 'a.pth')
        init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'a.pth'), **init_cfg)
        model = Sequential(Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), init_cfg=init_cfg))
        config = Config(dict(model=dict(init_cfg=init_cfg)), filename=__file__)
        lines: list[str] = []
        logger = SimpleNamespace(warning=lambda line, *words: lines.append(line % words))
        watch_initial_weights(SimpleNamespace(model=model, cfg=config, logger=logger))
        with explained_config_errors(config):
            model.init_weights()
        taken = model.state_dict()
        assert all(torch.equal(taken[f'0.{name.removeprefix("backbone.")}'], value) for name, value in weights.items())
        model.load_state_dict({'1.weight': torch.zeros(1)}, strict=False)  # of the whole model: nothing to say
        return lines

    return run


def test_a_file_of_which_no_weight_fits_a_part_is_refused(start) -> None:
    weights = {
        '0.weight': torch.ones(3, 2),
        '0.bias': torch.ones(3),
        '1.weight': torch.ones(3),
        '1.bias': torch.ones(3),
    }
    weights |= {'1.running_mean': torch.ones(3), '1.running_var': torch.ones(3)}
    whole = {f'backbone.{name}': value for name, value in weights.items()}
    message = r"model\.0\.init_cfg\.checkpoint=\S+a\.pth: none of its weights fits; set prefix='backbone\.' beside"
    with pytest.raises(InputError, match=f'config {__file__}: {message}'):
        start(whole)
    assert start(whole, prefix='backbone.') == start(weights) == []
    with pytest.raises(InputError, match='model.init_cfg.prefix=body: no weight of the file begins with it'):
        start(whole, prefix='body')
    with pytest.raises(InputError, match='none of its weights fits; check the path'):
        start({'0.weight': torch.ones(4, 2)})
    (line,) = start({name: value for name, value in weights.items() if name.startswith('0.')})
    assert line.endswith('a.pth fits in part: initialised at random, because the checkpoint lacks them: 1 (4)')


class Code:
    """Leaves a file where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return open, (str(self.marker), 'w')


@pytest.mark.parametrize('prefix', [None, 'backbone.'])
def test_weights_that_a_config_names_run_no_code(tmp_path: Path, prefix: str | None) -> None:
    path, marker = tmp_path / 'evil.pth', tmp_path / 'marker'
    torch.save(dict(state_dict={'weight': torch.ones(1, 1)}, more=Code(marker)), path)
    model = Sequential(torch.nn.Linear(1, 1), init_cfg=dict(type='Pretrained', checkpoint=str(path), prefix=prefix))
    with pytest.raises(InputError, match='holds Python objects'):
        model.init_weights()
    assert not marker.exists()


def test_a_resumed_run_gets_its_log_and_no_text_of_a_config(tmp_path: Path) -> None:
    hub = MessageHub.get_instance('resumed')
    for value in (1.0, 3.0):
        hub.update_scalar('train/loss', value)
    meta = dict(iter=2, config='raise SystemExit("text of a checkpoint was run")')
    torch.save(dict(state_dict=dict(x=torch.ones(1)), meta=meta, message_hub=hub.state_dict()), tmp_path / 'a.pth')
    content = CheckpointLoader.load_checkpoint(str(tmp_path / 'a.pth'), 'cpu')
    assert content['meta'] == dict(iter=2)
    history = content['message_hub']['log_scalars']['train/loss']
    assert isinstance(history, HistoryBuffer) and history.data[0].tolist() == [1.0, 3.0] and history.mean() == 2.0


@pytest.mark.parametrize('url', ['s3://bucket/a.pth', 'openmmlab://resnet50', 'torchvision://no_model'])
def test_other_sources_of_weights_are_refused(url: str) -> None:
    with pytest.raises(InputError, match=url):
        CheckpointLoader.load_checkpoint(url, 'cpu')


def test_weights_of_a_url_are_downloaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(url: str, target: str) -> None:
        asked.append(url)
        torch.save(dict(x=torch.ones(1)), target)

    asked: list[str] = []
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        content = CheckpointLoader.load_checkpoint('https://host/folder/a.pth?key=1', 'cpu')
        assert content['x'].tolist() == [1]
    assert asked == ['https://host/folder/a.pth?key=1']
    assert [path.name for path in (tmp_path / 'checkpoints').iterdir()] == ['a.pth']
