"""How the CPU threads of a program wait for each other, and how many there are. Set before torch is imported.

At the end of every parallel operator PyTorch's threads wait for the last one, and they spin meanwhile. On a quiet
machine that is fastest. Beside other processes the last one may have lost its core while the others burn theirs, and a
frame takes several times as long; there they had better sleep. libgomp, which PyTorch is built with, reads this once,
when it is loaded, so a program decides by the load at its start. What it can change later is the number of threads
(:class:`ThreadAdapter`). docs/performance.md has the figures.
"""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path

QUIET = {'GOMP_SPINCOUNT': '10000', 'KMP_BLOCKTIME': '1'}
"""Spin for a bounded time, some 0.1 ms (libgomp) or 1 ms (Intel's OpenMP)."""
BUSY = {'OMP_WAIT_POLICY': 'passive', 'KMP_BLOCKTIME': '0'}
"""Sleep at once."""
WAIT_VARIABLES = ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT', 'KMP_BLOCKTIME')
THREADS = 'OMP_NUM_THREADS'
THREADS_OF_QUOTA = 'MMRCF_THREADS_OF_QUOTA'
"""Set where this module, and not the user, has set the number of threads."""
BUSY_SHARE = 0.2
"""Part of the usable cores that others take on a busy machine."""
OBSERVED = 0.1
"""Seconds for which the load is observed."""
ADAPT_SECONDS = 0.5
"""Time over which a running program observes the load before it changes the number of its threads."""
CGROUPS = Path('/sys/fs/cgroup')
STATISTICS = Path('/proc/stat')
IDLE = slice(3, 5)  # idle, and waiting for a disk


def set_thread_policy() -> None:
    """Choose how threads wait by the load of the machine; start no more than a container's quota of CPU time feeds.

    What the user has set stays. It has no effect once torch is imported. Child processes inherit it.
    """
    if not any(name in os.environ for name in WAIT_VARIABLES):
        os.environ.update(BUSY if busy_share() > BUSY_SHARE else QUIET)
    if THREADS not in os.environ and free_cores() < len(usable_cores()):
        os.environ[THREADS] = os.environ[THREADS_OF_QUOTA] = str(free_cores())


def user_chose_threads() -> bool:
    """Whether the number of threads is the user's, by the environment."""
    return THREADS in os.environ and os.environ[THREADS] != os.environ.get(THREADS_OF_QUOTA)


class ThreadAdapter:
    """Gives a running program fewer threads while other processes take its cores, and all of them afterwards.

    A parallel operator ends with its slowest thread, so beside other processes a core that is shared holds up the
    others. The program gets as many threads as cores are free, and at least half of its threads: its fair share beside
    one other process for each core. Where the user has set ``OMP_NUM_THREADS``, and on systems without ``/proc/stat``,
    the number stays. After its ``with`` block it is what it was.

    PyTorch keeps the number for each thread that calls it. A stream may go on in another one, so the number is set
    before each frame, where it is used.

    Args:
        set_threads: Sets their number, as ``torch.set_num_threads``.
        most: Their number on a quiet machine, as ``torch.get_num_threads()`` gives at the start.
        statistics: Linux's table of the time that cores spent.
    """

    def __init__(self, set_threads: Callable[[int], None], most: int, statistics: Path = STATISTICS) -> None:
        self._set_threads = set_threads
        self._most = self._threads = most
        self._statistics = statistics
        self._adapts = not user_chose_threads() and most > 1
        self.restart()

    def __enter__(self) -> 'ThreadAdapter':
        return self

    def __exit__(self, *_exc_info: object) -> None:
        if self._times:
            self._set_threads(self._most)

    def restart(self) -> None:
        """Forget the load so far."""
        self._since, self._own = time.monotonic(), time.process_time()
        self._times = _core_times(self._statistics) if self._adapts else ()

    def update(self) -> None:
        """Set the number of threads by the load. To be called before each frame, in the thread that computes it."""
        if not self._times:
            return
        if time.monotonic() >= self._since + ADAPT_SECONDS:
            self._threads = self._threads_for_load()
        self._set_threads(self._threads)

    def _threads_for_load(self) -> int:
        """The number of threads that suits the load since the last time."""
        start, seconds, own = self._times, time.monotonic() - self._since, time.process_time() - self._own
        self.restart()
        busy, idle = (after - before for after, before in zip(self._times, start, strict=True))
        cores = len(usable_cores())
        others = cores * busy / max(busy + idle, 1) - own / seconds
        if others <= BUSY_SHARE * cores:
            return self._most
        return min(self._most, max(math.ceil(self._most / 2), math.floor(cores - others)))


def usable_cores() -> list[int]:
    """Numbers of the cores that this process may be scheduled on."""
    if hasattr(os, 'sched_getaffinity'):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def free_cores() -> int:
    """How many cores this process may keep busy: :func:`usable_cores`, or fewer by the quota of its container."""
    return max(1, int(min(len(usable_cores()), cpu_quota())))


def busy_share(seconds: float = OBSERVED, statistics: Path = STATISTICS) -> float:
    """Part, from 0 to 1, of the time of the usable cores that is taken while this process sleeps.

    Args:
        seconds: How long.
        statistics: Linux's table of the time that cores spent; 0 is returned where there is none.
    """
    before = _core_times(statistics)
    if not before:
        return 0.0
    time.sleep(seconds)
    busy, idle = (after - start for after, start in zip(_core_times(statistics), before, strict=True))
    return busy / max(busy + idle, 1)


def _core_times(statistics: Path) -> tuple[int, int] | tuple[()]:
    """Ticks since the start that the usable cores were busy, and idle."""
    names = {f'cpu{number}' for number in usable_cores()}
    try:
        lines = [line.split() for line in statistics.read_text().splitlines()]
    except OSError:
        return ()
    # The last two columns, time of guests, are part of others.
    rows = [[int(ticks) for ticks in line[1:9]] for line in lines if line and line[0] in names]
    idle = sum(sum(row[IDLE]) for row in rows)
    return sum(map(sum, rows)) - idle, idle


def cpu_quota(root: Path = CGROUPS) -> float:
    """CPU seconds a second that the control group of this process may use; infinite without a limit.

    Args:
        root: Where control groups are mounted: version 2, or version 1 with a folder for each controller.
    """
    try:
        quota, period = (root / 'cpu.max').read_text().split()
    except (OSError, ValueError):
        try:
            quota, period = ((root / 'cpu' / f'cpu.cfs_{name}_us').read_text() for name in ('quota', 'period'))
        except OSError:
            return float('inf')
    try:
        share = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):  # 'max'
        return float('inf')
    return share if share > 0 else float('inf')
