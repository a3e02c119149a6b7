"""How programs have their threads wait, and how many they start."""

import itertools
import math
import os
import threading
from pathlib import Path

import pytest

from mmrcf import threads
from mmrcf.threads import (
    ADAPT_SECONDS,
    BUSY,
    QUIET,
    THREADS_OF_QUOTA,
    WAIT_VARIABLES,
    ThreadAdapter,
    busy_share,
    cpu_quota,
    free_cores,
    set_thread_policy,
    usable_cores,
    user_chose_threads,
)

NAMES = ('OMP_NUM_THREADS', THREADS_OF_QUOTA, *WAIT_VARIABLES)


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
    assert not user_chose_threads()
    os.environ['OMP_NUM_THREADS'] = '3'
    set_thread_policy()
    assert os.environ['OMP_NUM_THREADS'] == '3' and user_chose_threads()


def test_cores_of_this_process() -> None:
    assert 1 <= free_cores() <= len(usable_cores()) <= os.cpu_count()


class Machine:
    """Cores whose time, in ticks of 10 ms, is taken by this process and by others as a test says.

    Args:
        path: Its table of the time that cores spent.
        cores: How many.
    """

    def __init__(self, path: Path, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.cores, self.now, self.own, self.busy = path, cores, 0.0, 0.0, 0.0
        monkeypatch.setattr(threads, 'usable_cores', lambda: list(range(cores)))
        monkeypatch.setattr(threads.time, 'monotonic', lambda: self.now)
        monkeypatch.setattr(threads.time, 'process_time', lambda: self.own)
        self.run(own=0.0, others=0.0, seconds=0.0)

    def run(self, own: float, others: float, seconds: float) -> None:
        """Time passes in which so many cores are taken."""
        self.now += seconds
        self.own += own * seconds
        self.busy += (own + others) * seconds
        busy, idle = (round(100 * time / self.cores) for time in (self.busy, self.cores * self.now - self.busy))
        self.path.write_text(''.join(f'cpu{core} {busy} 0 0 {idle} 0 0 0 0 0 0\n' for core in range(self.cores)))


@pytest.mark.parametrize(
    ('cores', 'own', 'others', 'expected'),
    [
        (2, 1.9, 0.0, 2),
        (2, 0.3, 0.0, 2),  # a camera: mostly waiting
        (2, 1.6, 0.3, 2),  # no more than a fifth is taken
        (2, 1.5, 0.5, 1),
        (2, 1.0, 1.0, 1),
        (16, 12.0, 4.0, 12),
        (16, 4.0, 12.0, 8),  # at least half of them
    ],
)
def test_a_program_takes_the_cores_that_are_free(
    cores: int, own: float, others: float, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path / 'stat', cores, monkeypatch)
    numbers = [cores]
    with ThreadAdapter(numbers.append, cores, machine.path) as adapter:
        machine.run(own, others, ADAPT_SECONDS / 2)
        adapter.update()
        assert set(numbers) == {cores}  # not observed for long enough
        machine.run(own, others, ADAPT_SECONDS / 2)
        adapter.update()
        assert numbers[-1] == expected
        machine.run(own, 0.0, ADAPT_SECONDS)
        adapter.update()
        assert numbers[-1] == cores
        machine.run(own, others, ADAPT_SECONDS)
        adapter.update()
    changes = [number for number, _ in itertools.groupby(numbers)]
    assert changes == ([cores] if expected == cores else [cores, expected, cores, expected, cores])


def test_restarted_the_load_before_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path / 'stat', 2, monkeypatch)
    numbers: list[int] = []
    with ThreadAdapter(numbers.append, 2, machine.path) as adapter:
        machine.run(0.0, 2.0, 10.0)
        adapter.restart()
        machine.run(1.9, 0.0, ADAPT_SECONDS)
        adapter.update()
    assert set(numbers) == {2}


def test_every_thread_that_computes_a_frame_has_the_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path / 'stat', 2, monkeypatch)
    numbers: dict[int, int] = {}
    with ThreadAdapter(lambda number: numbers.update({threading.get_ident(): number}), 2, machine.path) as adapter:
        machine.run(1.0, 1.0, ADAPT_SECONDS)
        adapter.update()
        other = threading.Thread(target=adapter.update)
        other.start()
        other.join()
        assert list(numbers.values()) == [1, 1]


@pytest.mark.parametrize('kept', ['by the user', 'one thread', 'no table'])
def test_a_number_that_cannot_or_must_not_change(kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path / 'stat', 2, monkeypatch)
    if kept == 'by the user':
        os.environ['OMP_NUM_THREADS'] = '2'
    if kept == 'no table':
        machine.path.unlink()
    numbers: list[int] = []
    with ThreadAdapter(numbers.append, 1 if kept == 'one thread' else 2, machine.path) as adapter:
        if kept != 'no table':
            machine.run(0.0, 2.0, 2 * ADAPT_SECONDS)
        adapter.update()
    assert numbers == []
