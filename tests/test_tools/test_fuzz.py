"""The fuzzing sees what it is for, makes the same inputs again, and finds nothing in some hundred of them."""

import os
import random
import shutil
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mmrcf.errors import InputError
from mmrcf.utils import read_json


@pytest.fixture(scope='module')
def fuzz(load_script) -> ModuleType:
    return load_script('tools/fuzz/fuzz.py')


@pytest.fixture(scope='module')
def targets(fuzz: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict:
    return fuzz.prepare(fuzz.TARGETS, tmp_path_factory.mktemp('targets'))


def accept(path: Path) -> None:
    path.read_bytes()


def refuse(path: Path) -> None:
    raise InputError('expected something else')


def fail(path: Path) -> None:
    raise KeyError('id')


def crash(path: Path) -> None:
    os.abort()


def hang(path: Path) -> None:
    time.sleep(60)


def fill(path: Path) -> None:
    np.ones(2**29, np.uint8)  # more than a long run of tests may have left free


def exhaust(path: Path) -> None:
    try:
        np.ones(2**45, np.uint8)
    except MemoryError as error:
        raise InputError('too large') from error


def test_every_outcome_is_told_apart_and_the_next_input_runs(fuzz: ModuleType) -> None:
    runs = [accept, refuse, fail, crash, hang, fill, exhaust]
    held = np.ones(2**28, np.uint8)  # what this process has counts for no input
    with fuzz.Sandbox({run.__name__: run for run in runs}, seconds=5.0, mebibytes=128) as sandbox:
        outcomes = {run.__name__: sandbox.run(run.__name__, b'x') for run in [*runs, accept]}
    assert held[-1] == 1
    assert {name: outcome.kind for name, outcome in outcomes.items()} == dict(
        accept='accepted',
        refuse='clean error',
        fail='traceback',
        crash='crash',
        hang='hang',
        fill='memory',
        exhaust='memory',
    )
    assert outcomes['refuse'].message == 'expected something else'
    assert "KeyError: 'id'" in outcomes['fail'].message
    assert outcomes['crash'].message.startswith('SIGABRT') and 'in crash' in outcomes['crash'].message
    assert 'in hang' in outcomes['hang'].message


def test_a_failing_input_is_saved_and_can_be_run_again(
    fuzz: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def prepare(folder: Path) -> object:
        return fuzz.Target(lambda rng: rng.randbytes(8), fail, '.bin', 'nothing', [])

    monkeypatch.setattr(fuzz, 'NAMES', ('failing', 'accepting'))
    monkeypatch.setattr(fuzz, 'TARGETS', dict(failing=prepare, accepting=lambda folder: prepare(folder)))
    with pytest.raises(SystemExit, match='True'):
        fuzz.main(['failing', '--inputs', '2', '--failures', str(tmp_path), '--json', str(tmp_path / 'a.json')])
    saved = sorted(path.name for path in tmp_path.iterdir())
    assert saved == ['a.json', *(f'failing-0-{index}.{kind}' for index in (0, 1) for kind in ('bin', 'txt'))]
    assert (tmp_path / 'failing-0-1.bin').read_bytes() == random.Random('failing 0 1').randbytes(8)
    with pytest.raises(SystemExit, match='True'):
        fuzz.main(['--replay', str(tmp_path / 'failing-0-1.bin')])
    assert "KeyError: 'id'" in capsys.readouterr().out


def test_what_the_inputs_are_made_of_is_accepted(fuzz: ModuleType, targets: dict) -> None:
    with fuzz.Sandbox({name: target.run for name, target in targets.items()}) as sandbox:
        for name, target in targets.items():
            for content in target.valid:
                outcome = sandbox.run(name, content, target.suffix)
                assert outcome.kind == 'accepted', (name, content[:60], outcome)


@pytest.mark.slow
def test_a_short_run_finds_nothing(fuzz: ModuleType, targets: dict, tmp_path: Path) -> None:
    found = fuzz.fuzz(targets, 450, seed=1, failures=tmp_path)
    assert not list(tmp_path.iterdir())
    assert all(sum(row[kind] for kind in fuzz.OUTCOMES) == 50 for row in found.values())


@pytest.fixture(scope='module')
def page(load_script) -> ModuleType:
    return load_script('tools/fuzz/reliability_page.py')


def test_the_page_is_what_its_files_say(page: ModuleType, tmp_path: Path) -> None:
    copy = shutil.copy(page.PAGE, tmp_path / 'page.md')
    page.write_page(copy, page.RESULTS)
    assert copy.read_text() == page.PAGE.read_text()
    page.write_page(copy, tmp_path)
    assert copy.read_text().count(page.NOT_MEASURED) == 2


def test_every_target_is_on_the_page(page: ModuleType, fuzz: ModuleType) -> None:
    result = read_json(page.RESULTS / 'fuzz.json', 'result')
    assert list(result['targets']) == list(fuzz.TARGETS) == list(fuzz.NAMES)
