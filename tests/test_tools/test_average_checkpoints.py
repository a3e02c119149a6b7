"""tools/misc/average_checkpoints.py: the mean of weights, by hand."""

from pathlib import Path

import pytest
import torch

from mmrcf.engine.checkpoint import read_checkpoint


@pytest.fixture(scope='module')
def tool(load_script):
    return load_script('tools/misc/average_checkpoints.py')


META = dict(seed=3, iter=40, dataset_meta=dict(classes=('a', 'b')))


def save(path: Path, meta: dict = META, **weights: list) -> str:
    state = {name: torch.tensor(value) for name, value in weights.items()}
    torch.save(dict(state_dict=state, meta=meta), path)
    return str(path)


def test_the_mean_over_the_files_that_have_a_weight(tool, tmp_path: Path) -> None:
    release = META | dict(dataset_meta=dict(classes=['a', 'b']))  # a list, as a release has it
    first = save(tmp_path / 'a.pth', shared=[1.0, 2.0], own=[5.0], count=[7])
    second = save(tmp_path / 'b.pth', shared=[3.0, 6.0], count=[9])
    third = save(tmp_path / 'c.pth', release, shared=[2.0, 1.0], count=[9])
    tool.main([first, second, third, '--out', str(tmp_path / 'mean.pth')])
    content = read_checkpoint(tmp_path / 'mean.pth')
    assert {name: value.tolist() for name, value in content['state_dict'].items()} == dict(
        shared=[2.0, 3.0], own=[5.0], count=[7]
    )
    assert content['meta'] == META | dict(averaged=[first, second, third])


def test_addresses_are_kept_without_their_secrets(tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = dict(state_dict={'weight': torch.ones(1)}, meta=META)
    monkeypatch.setattr(tool, 'read_checkpoint', lambda path: content)
    addresses = [f'https://user:secret@host/{name}.pth' for name in 'ab']
    tool.main([*addresses, '--out', str(tmp_path / 'mean.pth')])
    averaged = read_checkpoint(tmp_path / 'mean.pth')['meta']['averaged']
    assert averaged == ['https://***@host/a.pth', 'https://***@host/b.pth']


def test_what_does_not_fit_is_refused(tool, tmp_path: Path, capsys) -> None:
    first = save(tmp_path / 'a.pth', weight=[1.0, 2.0])
    longer = save(tmp_path / 'b.pth', weight=[1.0, 2.0, 3.0])
    foreign = save(tmp_path / 'c.pth', other=[1.0])
    renamed = save(tmp_path / 'd.pth', META | dict(dataset_meta=dict(classes=('b', 'a'))), weight=[1.0, 2.0])
    for file, words in (
        (longer, 'weight has shape (3,)'),
        (foreign, f'has other, which {first} lacks'),
        (renamed, "has the classes ('b', 'a')"),
    ):
        with pytest.raises(SystemExit):
            tool.main([first, file, '--out', str(tmp_path / 'mean.pth')])
        error = capsys.readouterr().err
        assert words in error and file in error
    for files in ([first], [first, first, longer]):
        with pytest.raises(SystemExit):
            tool.main([*files, '--out', str(tmp_path / 'mean.pth')])
        assert 'two or more, each once' in capsys.readouterr().err
    assert not (tmp_path / 'mean.pth').exists()
