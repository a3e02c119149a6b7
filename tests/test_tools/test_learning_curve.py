"""Metrics over iterations from made-up logs of MMEngine."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import pytest

from mmrcf.errors import InputError


@pytest.fixture
def tool(load_script) -> ModuleType:
    return load_script('tools/analysis_tools/learning_curve.py')


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    """``log('a/20260101_000000', [...])``: the log of a run; its work dir."""

    def write(run: str, records: list[dict], name: str = 'scalars.json') -> Path:
        path = tmp_path / run / 'vis_data' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(''.join(json.dumps(record) + '\n' for record in records))
        return tmp_path / Path(run).parts[0]

    return write


def train(step: int, loss: float) -> dict:
    return dict(lr=1e-3, loss=loss, iter=step, step=step)


def validated(step: int, ap: float) -> dict:
    return {'vis/AP': ap, 'time': 0.1, 'step': step}


def points(tool: ModuleType, work_dirs: list[Path], metric: str) -> list[tuple[int, float]]:
    found = tool.curve(tool.read_stages(work_dirs), metric)
    return list(zip(found['iterations'], found['values'], strict=True))


def test_a_run(tool: ModuleType, log) -> None:
    work_dir = log('a/1', [train(50, 2.0), train(100, 1.0), validated(100, 3.0), train(150, 0.5), validated(200, 4.5)])
    assert points(tool, [work_dir], 'vis/AP') == [(100, 3.0), (200, 4.5)]
    assert points(tool, [work_dir], 'loss') == [(50, 2.0), (100, 1.0), (150, 0.5)]


def test_stages_stand_one_after_the_other(tool: ModuleType, log) -> None:
    first = log('a/1', [train(50, 2.0), validated(100, 3.0)])
    second = log('b/1', [train(50, 1.5), validated(200, 5.0)])
    third = log('c/1', [validated(0, 6.0), validated(10, 7.0)])
    assert points(tool, [first, second, third], 'vis/AP') == [(100, 3.0), (300, 5.0), (300, 6.0), (310, 7.0)]
    assert points(tool, [second, first], 'vis/AP') == [(200, 5.0), (300, 3.0)]
    # The third logged no loss.
    assert points(tool, [first, second, third], 'loss') == [(50, 2.0), (150, 1.5)]


def test_a_resumed_run_continues_and_replaces_what_it_repeats(tool: ModuleType, log) -> None:
    log('a/20260101', [train(50, 4.0), validated(100, 1.0), train(150, 3.0), train(200, 2.5)])
    log('a/20260102', [train(150, 2.9), validated(200, 2.0)])
    work_dir = log('a/20260103', [train(250, 1.0)])
    assert points(tool, [work_dir], 'loss') == [(50, 4.0), (150, 2.9), (250, 1.0)]
    assert points(tool, [work_dir], 'vis/AP') == [(100, 1.0), (200, 2.0)]


def test_a_run_from_the_start_replaces_the_one_before(tool: ModuleType, log) -> None:
    log('a/20260101', [train(50, 4.0), train(100, 3.0)])
    work_dir = log('a/20260102', [train(50, 9.0)])
    assert points(tool, [work_dir], 'loss') == [(50, 9.0)]


def test_validations_that_are_numbered_by_epoch(tool: ModuleType, log) -> None:
    work_dir = log('a/1', [train(50, 2.0), validated(1, 3.0), train(100, 1.0), validated(2, 4.0)])
    assert points(tool, [work_dir], 'vis/AP') == [(50, 3.0), (100, 4.0)]


def test_where_logs_may_lie(tool: ModuleType, log) -> None:
    assert points(tool, [log('a', [train(50, 2.0)])], 'loss') == [(50, 2.0)]
    # A copy of it lies beside scalars.json, and counts only without it.
    log('b/1', [train(50, 2.0)], '1.json')
    assert points(tool, [log('b/1', [train(50, 1.0)])], 'loss') == [(50, 1.0)]
    assert points(tool, [log('c/1', [train(50, 2.0)], '1.json')], 'loss') == [(50, 2.0)]


def test_a_line_that_is_still_being_written_is_left_out(tool: ModuleType, log) -> None:
    work_dir = log('a/1', [train(50, 2.0)])
    with (work_dir / '1/vis_data/scalars.json').open('a') as file:
        file.write('{"loss": 1.0, "st')
    assert points(tool, [work_dir], 'loss') == [(50, 2.0)]


def test_a_value_that_is_not_finite_is_a_gap(tool: ModuleType, log) -> None:
    assert points(tool, [log('a/1', [train(50, float('nan')), train(100, 1.0)])], 'loss') == [(50, None), (100, 1.0)]


def test_command(tool: ModuleType, log, tmp_path: Path) -> None:
    first = log('a/1', [train(50, 2.0), train(80, float('inf')), validated(100, 3.0)])
    second = log('b/1', [train(50, 1.5), validated(200, 5.0)])
    metrics = ['--metric', 'vis/AP', '--metric', 'loss']
    out, file = tmp_path / 'curve.png', tmp_path / 'curve.json'
    tool.main([str(first), str(second), *metrics, '--out', str(out), '--json', str(file)])
    assert json.loads(file.read_text()) == {
        'stages': [dict(name='a', start=0, iterations=100), dict(name='b', start=100, iterations=200)],
        'metrics': {
            'vis/AP': dict(iterations=[100, 300], values=[3.0, 5.0]),
            'loss': dict(iterations=[50, 80, 150], values=[2.0, None, 1.5]),
        },
    }
    assert cv2.imread(str(out)).std() > 0


class TestBadInput:
    @pytest.mark.parametrize(
        ('text', 'message'),
        [
            ('', 'the file is empty'),
            ('{"loss": 1, "step": 50}\n{"loss": \n{"loss": 1, "step": 100}\n', 'line 2 is not valid JSON'),
            ('[1]\n', "line 1: expected a JSON object with 'step'"),
            ('{"loss": 1}\n', "line 1: expected a JSON object with 'step'"),
            ('{"loss": 1, "step": "50"}\n', "line 1: expected a JSON object with 'step'"),
            ('{"loss": "low", "step": 50}\n', "a logged 'low', expected a number"),
            ('{"los', 'its logs have no record'),
        ],
    )
    def test_log(self, tool: ModuleType, log, text: str, message: str) -> None:
        work_dir = log('a/1', [])
        (work_dir / '1/vis_data/scalars.json').write_text(text)
        with pytest.raises(InputError, match=message):
            points(tool, [work_dir], 'loss')

    def test_bytes(self, tool: ModuleType, log) -> None:
        work_dir = log('a/1', [])
        (work_dir / '1/vis_data/scalars.json').write_bytes(b'\xff\xfe\x00')
        with pytest.raises(InputError, match='not a text file in UTF-8'):
            tool.read_stages([work_dir])

    def test_folder(self, tool: ModuleType, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r'work dir .*nothing: no such folder'):
            tool.read_stages([tmp_path / 'nothing'])
        with pytest.raises(InputError, match=r'has no vis_data/scalars.json'):
            tool.read_stages([tmp_path])

    def test_metric(self, tool: ModuleType, log, tmp_path: Path, capsys) -> None:
        work_dir = log('a/1', [train(50, 2.0), validated(100, 3.0)])
        with pytest.raises(SystemExit) as stopped:
            tool.main([str(work_dir), '--metric', 'vis/APP', '--out', str(tmp_path / 'curve.png')])
        assert stopped.value.code == 2 and not (tmp_path / 'curve.png').exists()
        assert capsys.readouterr().err == 'error: --metric vis/APP: not in the logs; they have vis/AP\n'
        with pytest.raises(InputError, match='they have loss, lr, time, vis/AP'):
            points(tool, [work_dir], 'xyz')

    @pytest.mark.parametrize(
        ('arguments', 'message'),
        [
            ('', 'expected --out FILE.png, --json FILE, or both'),
            ('--out curve.txt', '--out: curve.txt: expected a name'),
        ],
    )
    def test_output(self, tool: ModuleType, arguments: str, message: str, capsys) -> None:
        with pytest.raises(SystemExit):
            tool.parse_args(['a', '--metric', 'loss', *arguments.split()])
        assert message in capsys.readouterr().err
