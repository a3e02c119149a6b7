"""How programs have their threads wait, and how many they start."""

import math
import os
from pathlib import Path

import pytest

from mmrcf import threads
from mmrcf.threads import (
    BUSY,
    QUIET,
    WAIT_VARIABLES,
    busy_share,
    cpu_quota,
    free_cores,
    set_thread_policy,
    usable_cores,
)

NAMES = ('OMP_NUM_THREADS', *WAIT_VARIABLES)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, '')  # so that it is put back, whatever a test does
        del os.environ[name]


def variables() -> dict[str, str]:
    return {name: os.environ[name] for name in NAMES if name in os.environ}


@pytest.mark.parametrize(('share', 'expected'), [(0.0, QUIET), (0.1, QUIET), (0.5, BUSY), (1.0, BUSY)])
def test_threads_sleep_on_a_busy_machine(share: float, expected: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, 'busy_share', lambda: share)
    set_thread_policy()
    assert variables() == expected


@pytest.mark.parametrize('name', WAIT_VARIABLES)
def test_what_the_user_has_set_stays(name: str) -> None:
    os.environ[name] = 'mine'
    set_thread_policy()
    assert variables() == {name: 'mine'}


def test_the_share_is_that_of_the_usable_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # user, nice, system, idle, waiting for a disk, interrupts, stolen by the host; guests are counted as users.
    table = 'cpu  0\ncpu0 {0} 0 0 {1} 0 0 0 0 9 9\ncpu1 5 0 5 {1} 5 0 0 {0} 9 9\ncpu2 {0} 0 0 0 0 0 0 0 0 0\nintr 1 2\n'
    path = tmp_path / 'stat'
    path.write_text(table.format(100, 100))
    monkeypatch.setattr(threads, 'usable_cores', lambda: [0, 1])
    monkeypatch.setattr(threads.time, 'sleep', lambda _seconds: path.write_text(table.format(103, 107)))
    assert busy_share(statistics=path) == pytest.approx(0.3)
    monkeypatch.setattr(threads.time, 'sleep', lambda _seconds: None)
    assert busy_share(statistics=path) == 0.0 == busy_share(statistics=tmp_path / 'none')


def test_the_load_of_this_machine_is_a_share() -> None:
    assert 0.0 <= busy_share(0.02) <= 1.0


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
    monkeypatch.setattr(threads, 'usable_cores', lambda: [0, 1, 2, 3])
    monkeypatch.setattr(threads, 'busy_share', lambda: 0.0)
    monkeypatch.setattr(threads, 'cpu_quota', lambda: quota)
    assert free_cores() == cores
    set_thread_policy()
    assert os.environ.get('OMP_NUM_THREADS') == (None if cores == 4 else str(cores))
    os.environ['OMP_NUM_THREADS'] = '3'
    set_thread_policy()
    assert os.environ['OMP_NUM_THREADS'] == '3'


def test_cores_of_this_process() -> None:
    assert 1 <= free_cores() <= len(usable_cores()) <= os.cpu_count()
