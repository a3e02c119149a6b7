"""tools/experiments: runs over values and seeds, their results, and the page that compares them with the paper."""

import json
import math
import shutil
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from mmengine.registry import init_default_scope

from mmrcf.engine.config import load_config
from mmrcf.engine.stages import plan_stages, result_of
from mmrcf.errors import InputError
from mmrcf.registry import MODELS

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def ablate(load_script) -> ModuleType:
    return load_script('tools/experiments/ablate.py')


@pytest.fixture(scope='module')
def report(load_script) -> ModuleType:
    return load_script('tools/experiments/report.py')


@pytest.fixture(scope='module')
def table_runs(load_script) -> ModuleType:
    return load_script('tools/experiments/run.py')


@pytest.fixture
def trained(ablate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Trainings and tests take no time and write what the tools write; the folders of all trainings, in order."""
    folders: list[Path] = []

    def tool(command: list, log: Path) -> None:
        name, path, *words = map(str, command)
        if name == 'tools/test.py':
            Path(words[words.index('--json') + 1]).write_text('{"vis/AP": 7.5}')
            return
        config = load_config(path)
        config.work_dir = words[words.index('--work-dir') + 1]
        for stage in plan_stages(config, resume='--resume' in words):
            folders.append(Path(stage.work_dir))
            folders[-1].mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(result_of(stage), 'w'):
                pass

    monkeypatch.setitem(ablate.run_all.__globals__, '_tool', tool)
    return folders


def record(seed: int, ap: float) -> dict:
    metrics = {'vis/AP': ap, 'vis/AP50': 2 * ap, 'vis/AP75': ap, 'vis/AR1': ap, 'vis/AR10': ap}
    return dict(seed=seed, metrics=metrics)


class TestAblate:
    def test_every_combination_runs_with_every_seed(self, ablate: ModuleType) -> None:
        vary = ['model.neck.grid_size=1,2', 'model.neck.num_references+train_dataloader.dataset.num_references=1,3']
        runs = ablate.combinations('config.py', vary, (0, 7), {'train_cfg.max_iters': 5})
        assert [run.title for run in runs][:4] == [
            f'grid_size-{size}_num_references-{count}_seed0' for size in (1, 2) for count in (1, 3)
        ]
        assert len(runs) == 8 and runs[-1].seed == 7
        assert runs[-1].options == {
            'train_cfg.max_iters': 5,
            'model.neck.grid_size': 2,
            'model.neck.num_references': 3,
            'train_dataloader.dataset.num_references': 3,
        }

    @pytest.mark.parametrize(
        ('text', 'values'),
        [
            ('a=pool,depthwise', ['pool', 'depthwise']),
            ('a=True,None,0.5', [True, None, 0.5]),
            ("a='x y',[1,2]", ['x y', [1, 2]]),
        ],
    )
    def test_values_are_literals_or_words(self, ablate: ModuleType, text: str, values: list) -> None:
        assert [next(iter(options.values())) for _, options in ablate.parse_vary(text)] == values

    @pytest.mark.parametrize('text', ['a', 'a=', '=1', 'a+=1', 'a=1,1'])
    def test_what_cannot_be_varied_is_named(self, ablate: ModuleType, text: str) -> None:
        with pytest.raises(InputError, match='--vary'):
            ablate.parse_vary(text)

    @pytest.mark.slow
    def test_a_small_grid_from_training_to_table(
        self, ablate: ModuleType, load_script, tiny_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def in_process(command: list, log: Path) -> None:
            load_script(command[0]).main([str(word) for word in command[1:]])

        def run(values: str, out: Path, *options: str) -> None:
            fixed = ['--seeds', '3', '--cfg-options', 'train_cfg.max_iters=2', 'train_cfg.val_interval=9', *options]
            ablate.main([str(tiny_config), '--vary', f'model.neck.use_weight={values}', '--out', str(out), *fixed])

        first, second = tmp_path / 'first', tmp_path / 'second'
        monkeypatch.setitem(ablate.run_all.__globals__, '_tool', in_process)
        run('True,False', first)
        results = sorted((first / 'results').iterdir())
        assert [path.name for path in results] == ['use_weight-False_seed3.json', 'use_weight-True_seed3.json']
        without = json.loads(results[0].read_text())
        assert without['iterations'] == 2 and without['options']['model.neck.use_weight'] is False
        assert 'vis/AP' in without['metrics'] and without['machine']['packages']['torch']
        lines = (first / 'table.md').read_text().splitlines()
        assert [line.split(' | ')[0] for line in lines[2:]] == ['| use_weight-True', '| use_weight-False']

        # The same command changes nothing; a run of other settings does not take the place of these.
        times = [path.stat().st_mtime_ns for path in results]
        run('True,False', first)
        with pytest.raises(SystemExit):
            run('True,False', first, 'model.neck.grid_size=1')
        assert [path.stat().st_mtime_ns for path in results] == times

        # An interrupted run continues from what is there: here a finished training without its test.
        results[0].unlink()
        run('True,False', first)
        assert json.loads(results[0].read_text())['metrics'] == without['metrics']

        run('False', second)
        (again,) = (json.loads(path.read_text()) for path in (second / 'results').iterdir())
        assert again['metrics'] == without['metrics'] and again['config_digest'] == without['config_digest']

    @pytest.mark.parametrize(('loop', 'length'), [('Epoch', {'epochs': 5}), ('Iter', {'iterations': 5})])
    def test_a_training_may_be_as_long_as_a_number_of_epochs(
        self, ablate: ModuleType, trained: list, tiny_config: Path, tmp_path: Path, loop: str, length: dict
    ) -> None:
        config, unit = tmp_path / 'config.py', loop.lower()
        config.write_text(
            f"_base_ = '{tiny_config}'\n"
            f"train_cfg = dict(_delete_=True, type='{loop}BasedTrainLoop', max_{unit}s=5, val_interval=5)\n"
        )
        command = [str(config), '--vary', 'model.score_thr=0.3', '--out', str(tmp_path / 'out'), '--seeds', '0']
        ablate.main(command)
        (result,) = (tmp_path / 'out/results').iterdir()
        written = json.loads(result.read_text())
        assert {key: written[key] for key in ('iterations', 'epochs') if key in written} == length
        assert len(trained) == 1
        with pytest.raises(SystemExit):
            ablate.main([*command, '--cfg-options', f'train_cfg.max_{unit}s=0'])
        assert len(trained) == 1

    def test_a_stage_that_runs_share_is_trained_once_before_them(
        self, ablate: ModuleType, trained: list, tiny_config: Path, tmp_path: Path
    ) -> None:
        """One that ``same_fields`` changes is of its own run. A pretrained part may be what one of them writes."""
        first, second, third, last = (tmp_path / f'{name}.py' for name in ('first', 'second', 'third', 'last'))
        first.write_text(f"_base_ = '{tiny_config}'\n")
        for config, before, fields in (
            (second, first, []),
            (third, second, []),
            (last, third, ['model.head.num_queries']),
        ):
            stage = dict(config=str(before), same_fields=fields)
            config.write_text(f"_base_ = '{tiny_config}'\nprevious_stage = {stage}\n")
        for config in (first, second, third):
            with config.open('a') as file:
                file.write(f'work_dir = {str(tmp_path / config.stem)!r}\n')
        with last.open('a') as file:
            start = dict(type='Pretrained', checkpoint=str(tmp_path / 'second/iter_4.pth'), prefix='backbone.')
            file.write(f'model = dict(backbone=dict(init_cfg={start}))\n')
        out = tmp_path / 'out'
        vary = ['model.head.num_queries=5,4', '--seeds', '0,1', '--jobs', '2']  # 5 is the value of all stages
        ablate.main([str(last), '--vary', *vary, '--out', str(out)])
        assert trained[:3] == [tmp_path / 'first', tmp_path / 'second', tmp_path / 'third']
        runs = {out / f'work/num_queries-{value}_seed{seed}' for value in (5, 4) for seed in (0, 1)}
        own = {folder / 'third' for folder in runs if '-4_' in folder.name}
        assert set(trained[3:]) == runs | own and len(trained) == 3 + len(runs) + len(own)

    def test_force_replaces_what_is_of_other_settings(
        self, ablate: ModuleType, trained: list, tiny_config: Path, tmp_path: Path, capsys: pytest.CaptureFixture
    ) -> None:
        out = tmp_path / 'out'
        command = [str(tiny_config), '--vary', 'model.score_thr=0.3', '--out', str(out), '--seeds', '0']
        shorter = [*command, '--cfg-options', 'train_cfg.max_iters=2']
        result, folder = (out / part for part in ('results/score_thr-0.3_seed0.json', 'work/score_thr-0.3_seed0'))

        def refused() -> str:
            with pytest.raises(SystemExit):
                ablate.main(shorter)
            return capsys.readouterr().err

        ablate.main(command)
        assert '--force' in refused() and len(trained) == 1
        ablate.main([*shorter, '--force'])
        assert json.loads(result.read_text())['iterations'] == 2 and len(trained) == 2
        assert [path.name for path in folder.glob('*.pth')] == ['iter_2.pth']

        # A run of the same settings is repeated where that is asked for.
        result.write_text(result.read_text().replace('7.5', '0'))
        ablate.main([*shorter, '--force'])
        assert len(trained) == 2
        ablate.main([*shorter, '--again'])
        assert json.loads(result.read_text())['metrics']['vis/AP'] == 7.5

        # An interrupted training of other settings; without its folder there is none.
        result.unlink()
        ablate.main([*command, '--force'])
        result.unlink()
        assert 'training of other settings; --force deletes it' in refused()
        shutil.rmtree(folder)
        ablate.main(shorter)
        assert json.loads(result.read_text())['iterations'] == 2

    def test_a_tool_is_a_process_with_a_log(self, ablate: ModuleType, tmp_path: Path) -> None:
        tool, log = ablate.run_all.__globals__['_tool'], tmp_path / 'log.txt'
        tool(['tools/misc/link_lines.py', '--help'], log)
        assert log.read_text().startswith('usage: link_lines.py')
        with pytest.raises(InputError, match=r'link_lines\.py ended with 2; see .*log\.txt'):
            tool(['tools/misc/link_lines.py'], log)
        assert log.read_text().count('usage: link_lines.py') == 2


class TestTables:
    def test_every_row_has_a_config_with_its_options(self, table_runs: ModuleType) -> None:
        init_default_scope('mmrcf')
        runs = [
            run for of_folder in table_runs.planned(list(table_runs.TABLES), (0,), {}).values() for run in of_folder
        ]
        digests = {}
        for run in runs:
            config = run.resolved()
            delta = config.model.neck.get('num_references', 0)
            assert delta == config.train_dataloader.dataset.num_references, run.name
            assert config.train_cfg.max_iters == 1500 and not config.get('load_from')
            digests[run.name] = table_runs.run_all.__globals__['digest'](config)
            MODELS.build(config.model)
        assert len(set(digests.values())) == len(digests) == 21

    def test_a_setting_of_several_tables_runs_once(self, table_runs: ModuleType) -> None:
        runs = table_runs.planned(['III', 'V'], (0, 1), {})['shapes']
        assert [run.title for run in runs].count('reference_seed0') == 1
        assert len(runs) == 2 * 7

    def test_the_command_runs_what_has_no_result(
        self, table_runs: ModuleType, trained: list[Path], tmp_path: Path, monkeypatch, capsys
    ) -> None:
        shutil.copytree(REPOSITORY / 'docs/experiments', tmp_path / 'results')
        monkeypatch.setattr(table_runs, 'RESULTS', tmp_path / 'results')
        monkeypatch.setattr(table_runs, 'WORK', tmp_path / 'work')
        (tmp_path / 'configs').symlink_to(REPOSITORY / 'configs')
        monkeypatch.setitem(table_runs.run_all.__globals__, 'ROOT', tmp_path)
        monkeypatch.chdir(tmp_path)  # as the trainings, whose shared stage is then there
        missing = tmp_path / 'results/shapes/token16_seed0.json'
        missing.unlink()
        table_runs.main(['V', 'X', '--seeds', '0', '--jobs', '2'])
        assert '3 runs, 2 of them have a result\n' in capsys.readouterr().out
        assert trained == [tmp_path / 'work_dirs/r18_crops_shapes', tmp_path / 'work/shapes/token16_seed0']
        assert json.loads(missing.read_text())['metrics'] == {'vis/AP': 7.5}


class TestReport:
    def test_a_paired_difference_by_hand(self, report: ModuleType) -> None:
        difference = report.paired_difference({0: 12.0, 1: 13.0, 2: 11.0, 9: 50.0}, {0: 10.0, 1: 10.0, 2: 10.0})
        # Differences 2, 3, 1: mean 2, deviation 1, t(0.975; 2) = 4.3027.
        half = 4.3027 / math.sqrt(3)
        assert difference.seeds == 3 and difference.mean == 2
        assert (difference.low, difference.high) == (
            pytest.approx(2 - half, abs=1e-4),
            pytest.approx(2 + half, abs=1e-4),
        )
        assert difference.verdict(-3.5) == 'undecided' and str(difference) == '+2.0 [-0.5, +4.5]'

    @pytest.mark.parametrize(
        ('values', 'paper', 'verdict'),
        [
            ({0: 1.0, 1: 1.1}, 2.0, 'reversed'),
            ({0: 9.0, 1: 9.1}, 2.0, 'holds'),
            ({0: 9.0}, 2.0, 'undecided'),
            ({0: 1.0, 1: 9.0}, 2.0, 'undecided'),
        ],
    )
    def test_verdicts(self, report: ModuleType, values: dict, paper: float, verdict: str) -> None:
        assert report.paired_difference(values, {0: 5.0, 1: 5.0}).verdict(paper) == verdict

    def test_nothing_in_common_is_no_difference(self, report: ModuleType) -> None:
        assert report.paired_difference({0: 1.0}, {1: 1.0}) is None

    def test_a_table_has_both_figures_and_says_what_follows(self, report: ModuleType) -> None:
        folders = {
            'shapes': {
                'reference': {0: record(0, 30.0), 1: record(1, 32.0)},
                'no-weight': {0: record(0, 20.0), 1: record(1, 22.5)},
            }
        }
        lines = report.table_of(report.TABLES['VIII'], folders).splitlines()
        assert lines[2].startswith('| with | 31.0 ± 1.4 (2) | 62.0 ± 2.8 (2) |')
        assert lines[3].endswith('| -9.8 [-12.9, -6.6] | 40.1 (-0.7) | holds |')
        assert lines[5] == 'Holds: without.'

    @pytest.mark.parametrize(('minutes', 'length'), [([8.0, None, 9.0], '8.5 minutes a run'), ([None], '')])
    def test_the_budget_counts_runs_in_one_part_only(self, report: ModuleType, minutes: list, length: str) -> None:
        machine = dict(processor='CPU', packages=dict(torch='2.11.0'))
        records = {
            seed: dict(minutes=value, date='2026-01-02', iterations=1500, batch_size=3, machine=machine)
            for seed, value in enumerate(minutes)
        }
        text = report.budget({'shapes': {'reference': records}})
        # Eleven rows on shapes and ten with audio, three seeds each.
        assert text.startswith(f'{len(minutes)} of 63 runs (3 seeds a row); iterations: 1,500 of 3 clips; ')
        assert length in text and ('minutes' in text) == bool(length)

    def test_the_page_is_what_its_files_say(self, report: ModuleType, tmp_path: Path) -> None:
        page = tmp_path / 'experiments.md'
        page.write_text((REPOSITORY / 'docs/experiments.md').read_text())
        report.write_page(page, REPOSITORY / 'docs/experiments')
        assert page.read_text() == report.PAGE.read_text(), 'run python tools/experiments/report.py'

    def test_results_of_other_settings_are_not_compared(self, report: ModuleType, tmp_path: Path) -> None:
        page, folder = tmp_path / 'experiments.md', tmp_path / 'results/shapes'
        page.write_text('')
        folder.mkdir(parents=True)
        content = json.loads((REPOSITORY / 'docs/experiments/shapes/token1_seed0.json').read_text())
        (folder / 'token1_seed0.json').write_text(json.dumps(content | dict(config_digest='0' * 12)))
        with pytest.raises(InputError, match=r'shapes/token1_seed0\.json: .*run\.py V --seeds 0 --force'):
            report.write_page(page, tmp_path / 'results')
        assert page.read_text() == ''
