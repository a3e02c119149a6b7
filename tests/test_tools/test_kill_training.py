"""A killed training is seen as such, and ends as one that was not killed."""

import zipfile
from pathlib import Path
from types import ModuleType

import pytest
import torch


@pytest.fixture
def tool(load_script) -> ModuleType:
    return load_script('tools/fuzz/kill_training.py')


def write_checkpoint(path: Path, value: float = 1.0) -> Path:
    torch.save(dict(state_dict=dict(x=torch.full((2,), value)), optimizer=dict(state={0: [torch.ones(1), 2]})), path)
    return path


def test_damage_is_told_apart(tool: ModuleType, tmp_path: Path) -> None:
    assert tool.damage(tmp_path, had_checkpoint=False) == []
    assert tool.damage(tmp_path, had_checkpoint=True) == ['lost checkpoints']
    path = write_checkpoint(tmp_path / 'iter_2.pth')
    (tmp_path / 'last_checkpoint').write_text('iter_2.pth')
    assert tool.damage(tmp_path, had_checkpoint=True) == []
    (tmp_path / 'last_checkpoint').write_text('iter_4.pth')
    assert tool.damage(tmp_path, had_checkpoint=True) == ['stale pointers']
    (tmp_path / 'last_checkpoint').write_text('')
    (tmp_path / 'iter_4.pth').write_bytes(path.read_bytes()[:-50])
    assert tool.damage(tmp_path, had_checkpoint=True) == ['empty pointers', 'torn checkpoints']


def test_files_left_over_are_counted(tool: ModuleType, tmp_path: Path) -> None:
    for name in ('iter_24.pth', 'iter_22.pth', '.iter_22.partial.pth'):
        (tmp_path / name).touch()
    assert tool.left_over(tmp_path, max_keep=2) == 1
    assert tool.left_over(tmp_path, max_keep=1) == 2


def test_equal_is_equal_to_the_last_bit(tool: ModuleType, tmp_path: Path) -> None:
    one, other = write_checkpoint(tmp_path / 'a.pth'), write_checkpoint(tmp_path / 'b.pth')
    assert tool.same(one, other)
    assert not tool.same(one, write_checkpoint(tmp_path / 'c.pth', 1.0 + 2**-23))
    assert zipfile.is_zipfile(one)


@pytest.mark.slow
def test_killed_trainings_end_as_one_that_was_not(tool: ModuleType, tmp_path: Path) -> None:
    found = tool.kill_and_resume(tmp_path, kills=3, seed=0)
    assert found['kills'] == 3 and found['equal'] == found['runs'] >= 1
    assert not any(found[name] for name in tool.FAULTS)
