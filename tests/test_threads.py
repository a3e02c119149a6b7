"""How programs have their threads wait, and how many they start."""

import math
import os
from pathlib import Path

import pytest

from mmrcf import threads
from mmrcf.threads import WAIT_POLICY, cpu_quota, free_cores, set_thread_policy, usable_cores

NAMES = ('OMP_NUM_THREADS', 'OMP_WAIT_POLICY', *WAIT_POLICY)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, '')  # so that it is put back, whatever a test does
        del os.environ[name]


def variables() -> dict[str, str]:
    return {name: os.environ[name] for name in NAMES if name in os.environ}


def test_a_program_bounds_how_long_its_threads_spin() -> None:
    set_thread_policy()
    assert variables() == WAIT_POLICY


@pytest.mark.parametrize('name', ['OMP_WAIT_POLICY', *WAIT_POLICY])
def test_what_the_user_has_set_stays(name: str) -> None:
    os.environ[name] = 'mine'
    set_thread_policy()
    assert variables() == {name: 'mine'}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ('files', 'quota'),
    [
        ({}, math.inf),
        ({'cpu.max': 'max 100000\n'}, math.inf),
        ({'cpu.max': '150000 100000\n'}, 1.5),
        ({'cpu/cpu.cfs_quota_us': '-1\n', 'cpu/cpu.cfs_period_us': '100000\n'}, math.inf),
        ({'cpu/cpu.cfs_quota_us': '250000\n', 'cpu/cpu.cfs_period_us': '100000\n'}, 2.5),
    ],
)
def test_quota_of_a_container(files: dict[str, str], quota: float, tmp_path: Path) -> None:
    assert cpu_quota(write(tmp_path, files)) == quota


@pytest.mark.parametrize(('quota', 'cores'), [(math.inf, 4), (9.0, 4), (2.9, 2), (0.5, 1)])
def test_no_more_threads_than_the_quota_feeds(quota: float, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, 'usable_cores', lambda: 4)
    monkeypatch.setattr(threads, 'cpu_quota', lambda: quota)
    assert free_cores() == cores
    set_thread_policy()
    assert os.environ.get('OMP_NUM_THREADS') == (None if cores == 4 else str(cores))
    os.environ['OMP_NUM_THREADS'] = '3'
    set_thread_policy()
    assert os.environ['OMP_NUM_THREADS'] == '3'


def test_cores_of_this_process() -> None:
    assert 1 <= free_cores() <= usable_cores() <= os.cpu_count()
