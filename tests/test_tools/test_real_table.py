"""The table of real videos: what is run for a row, what its file holds, and that the page is what the files say."""

import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mmrcf.apis import init_model
from mmrcf.errors import InputError, InputFileError

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / 'configs/real/README.md'
RESULTS = REPOSITORY / 'docs/real'
FIELDS = {
    *('config', 'checkpoint', 'sha256', 'seed', 'iterations', 'note'),
    *('videos', 'images', 'latency', 'torch', 'machine'),
}


@pytest.fixture
def real(load_script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool, with a repository of its own that has one row and an empty page."""
    tool = load_script('tools/benchmarks/real.py')
    row = tool.Row(config='video.py', checkpoint='a.pth', note='seed 3', latency=True)
    monkeypatch.setattr(tool, 'ROWS', {'a': row})
    monkeypatch.setattr(tool, 'ROOT', tmp_path)
    monkeypatch.setattr(tool, 'RESULTS', tmp_path / 'docs/real')
    monkeypatch.setattr(tool, 'PAGE', Path(shutil.copy(PAGE, tmp_path)))
    return tool


class TestTheRepository:
    def test_the_page_is_what_its_files_say(self, load_script, tmp_path: Path) -> None:
        copy = Path(shutil.copy(PAGE, tmp_path))
        tool = load_script('tools/benchmarks/real.py')
        tool.write_real_page(copy, RESULTS, list(tool.ROWS))
        assert copy.read_text() == PAGE.read_text(), 'run python tools/benchmarks/real.py --page-only'

    def test_every_file_is_of_a_row(self, load_script) -> None:
        rows = load_script('tools/benchmarks/real.py').ROWS
        assert (RESULTS / 'shipped.json').is_file()
        for path in RESULTS.glob('*'):
            assert path.suffix == '.json' and path.stem in rows, path
            content = json.loads(path.read_text())
            assert content.keys() == FIELDS, path
            row = rows[path.stem]
            assert content['config'] == row.config, path
            assert content['checkpoint'] == row.checkpoint, path
            assert content['note'] == row.note, path
            assert (REPOSITORY / row.config).is_file(), path

    def test_every_run_is_a_command_that_its_tool_takes(self, load_script) -> None:
        tool = load_script('tools/benchmarks/real.py')
        for name, row in tool.ROWS.items():
            commands = tool.commands(name, row)
            assert commands.keys() == {'videos', 'images', *(['latency'] if row.latency else [])}
            for key, (script, *arguments) in commands.items():
                parsed = load_script(script).parse_args(arguments)
                assert parsed.json == str(tool.RUNS / name / f'{key}.json')
                assert parsed.checkpoint == row.checkpoint
                assert parsed.config == row.config
                assert getattr(parsed, 'test_set', None) == ('images' if key == 'images' else None)
            if row.latency:
                assert (parsed.size, parsed.threads) == ((640, 360), 2)


class TestCommand:
    @pytest.fixture
    def checkpoint(self, tmp_path: Path) -> Path:
        torch.save(dict(meta=dict(seed=3, iter=4), state_dict={'a': torch.zeros(1)}), tmp_path / 'a.pth')
        return tmp_path / 'a.pth'

    @pytest.fixture
    def measured(self, real: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The rows that are measured, instead of measuring them."""
        names: list[str] = []
        made_up = dict(config='configs/real/small.py', note='', videos={'region/J/a': 1}, images={}, latency=None)
        monkeypatch.setattr(
            real,
            'measure',
            lambda name, row: names.append(name) or made_up | real.checkpoint_facts(real.ROOT / row.checkpoint),
        )
        return names

    def test_what_is_there_is_not_measured_again(self, real, checkpoint: Path, measured: list[str], capsys) -> None:
        for arguments, count in ('', 1), ('', 1), ('--page-only', 1), ('--force a', 2), ('--force all', 3):
            real.main(arguments.split())
            assert len(measured) == count, arguments
            assert '| [a](small.py) | 3 | 4 |' in real.PAGE.read_text()
        assert capsys.readouterr().out == ''
        torch.save(dict(meta={}, state_dict={'a': torch.ones(1)}), checkpoint)
        real.main([])
        assert len(measured) == 3
        assert '--force a measures it' in capsys.readouterr().out

    def test_a_row_without_its_checkpoint_is_left_out(self, real, measured: list[str], capsys) -> None:
        real.main([])
        real.main(['--force', 'all'])
        assert not measured and not real.RESULTS.exists()
        assert capsys.readouterr().out == 'a: a.pth is not there; left out\n' * 2
        assert real.PAGE.read_text().count('Not yet measured.') == 3

    def test_unless_it_is_asked_for(self, real, capsys) -> None:
        with pytest.raises(SystemExit):
            real.main(['--force', 'a'])
        assert 'a.pth: no such file' in capsys.readouterr().err
        with pytest.raises(InputFileError):
            real.measure('a', real.ROWS['a'])

    def test_page_only_measures_nothing(self, real, checkpoint: Path, measured: list[str]) -> None:
        real.main(['--page-only'])
        assert not measured

    def test_an_unknown_name_is_refused(self, real, capsys) -> None:
        with pytest.raises(SystemExit):
            real.main(['--force', 'b'])
        assert '--force b: expected names among a, or all' in capsys.readouterr().err

    def test_a_checkpoint_that_changes_in_the_meantime(self, real, checkpoint: Path, monkeypatch) -> None:
        def train_on(root: Path, command: list[str]) -> None:
            (root / command[-1]).parent.mkdir(parents=True, exist_ok=True)
            (root / command[-1]).write_text('{}')
            torch.save(dict(state_dict={'a': torch.ones(1)}), checkpoint)

        monkeypatch.setattr(real, 'run_tool', train_on)
        with pytest.raises(InputError, match='checkpoint a.pth: changed while a was measured'):
            real.measure('a', real.ROWS['a'])


def test_a_row_is_measured_by_the_tools_themselves(
    real, load_script, tiny_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, on the tiny model, its validation videos in the place of images."""
    (tmp_path / 'video.py').write_text(f"_base_ = '{tiny_config}'\n_ann = _base_.data_root + 'test/instances.json'\n")
    with (tmp_path / 'video.py').open('a') as file:
        file.write("test_evaluator = [dict(type=kind, ann_file=_ann) for kind in ('VISMetric', 'OrderMetric')]\n")
        file.write("test_evaluator += [dict(type='RegionMetric', ann_file=_ann, per_video=True)]\n")
        file.write('_evaluator = [dict(_base_.val_evaluator[0], class_ap50=True)]\n')
        file.write("_evaluator += [dict(type='ErrorBreakdownMetric', ann_file=_base_.val_evaluator[0]['ann_file'])]\n")
        file.write('test_sets = dict(images=dict(dataloader=_base_.val_dataloader, evaluator=_evaluator))\n')
    meta = dict(seed=3, iter=4)
    torch.save(dict(meta=meta, state_dict=init_model(tiny_config).state_dict()), tmp_path / 'a.pth')

    def run_here(root: Path, command: list[str]) -> None:
        few = ['--frames', '3', '--warmup', '1'] if 'latency' in command[0] else []
        threads = torch.get_num_threads()
        load_script(command[0]).main([*command[1:], *few])
        torch.set_num_threads(threads)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(real, 'run_tool', run_here)
    real.main([])
    row = json.loads((tmp_path / 'docs/real/a.json').read_text())
    assert row.keys() == FIELDS
    assert {key: row[key] for key in ('config', 'checkpoint', 'note', 'seed', 'iterations')} == dict(
        config='video.py', checkpoint='a.pth', note='seed 3', seed=3, iterations=4
    )
    assert {'vis/AP', 'region/J', 'region/J/0001', 'order/id_switches'} <= row['videos'].keys()
    assert {'vis/AP', 'vis/AP50', 'vis/AP50_disc', 'errors/dAP_missed', 'errors/recall_small'} <= row['images'].keys()
    assert row['latency']['size'] == [640, 360] and row['latency']['fps'] > 0
    assert row['torch'] == torch.__version__ and 'processor' in row['machine']
    text = real.PAGE.read_text()
    assert '[a](../../video.py) | 3 | 4 |' in text and '| 0001 | 0.' in text and 'Not yet measured.' not in text


@pytest.mark.parametrize(
    ('meta', 'expected'),
    [
        (dict(seed=3, iter=40), (3, 40)),
        (dict(seed=0, iterations=6000), (0, 6000)),
        ({}, (None, None)),
    ],
)
def test_checkpoint_facts(load_script, tmp_path: Path, meta: dict, expected: tuple) -> None:
    checkpoint_facts = load_script('tools/benchmarks/real.py').checkpoint_facts
    path = tmp_path / 'a.pth'
    torch.save(dict(meta=meta, state_dict={'a': torch.zeros(1)}), path)
    facts = checkpoint_facts(path)
    assert (facts['seed'], facts['iterations']) == expected
    assert len(facts['sha256']) == 8 and int(facts['sha256'], 16) >= 0
    torch.save(dict(meta=meta | dict(metrics={'AP': 1.0}), state_dict={'a': torch.zeros(1)}), path)
    assert checkpoint_facts(path) == facts  # figures in the meta do not change it
    torch.save(dict(meta=meta, state_dict={'a': torch.ones(1)}), path)
    assert checkpoint_facts(path)['sha256'] != facts['sha256']
