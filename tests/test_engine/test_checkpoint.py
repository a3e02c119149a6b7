"""Checkpoints appear when they are complete."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import get_file_backend
from mmengine.runner.checkpoint import save_checkpoint

from mmrcf.engine import CompleteFileBackend
from mmrcf.engine.checkpoint import weight_difference

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
