"""How the CPU threads of a program wait for each other, and how many there are. Set before torch is imported.

PyTorch's threads spin at the end of every parallel operator until the last one is there. Beside another busy process
the last one may have lost its core, and the others burn theirs meanwhile: a frame then takes several times as long. A
program therefore bounds the spinning; what the user has set stays. docs/performance.md has the figures.
"""

import math
import os
from pathlib import Path

WAIT_POLICY = {'GOMP_SPINCOUNT': '10000', 'KMP_BLOCKTIME': '0'}
"""Turns of the waiting loop of libgomp, with which PyTorch is built; milliseconds of Intel's OpenMP."""
THREADS = 'OMP_NUM_THREADS'
CGROUPS = Path('/sys/fs/cgroup')


def set_thread_policy() -> None:
    """Bound how long threads spin, and start no more than a container's quota of CPU time feeds.

    It has no effect once torch is imported. Child processes inherit it.
    """
    if not any(name in os.environ for name in ('OMP_WAIT_POLICY', *WAIT_POLICY)):
        os.environ.update(WAIT_POLICY)
    if THREADS not in os.environ and free_cores() < usable_cores():
        os.environ[THREADS] = str(free_cores())


def usable_cores() -> int:
    """Cores that this process may be scheduled on."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_cores() -> int:
    """Cores that this process may keep busy: :func:`usable_cores`, or fewer by the quota of its container."""
    return max(1, int(min(usable_cores(), cpu_quota())))


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
            return math.inf
    try:
        share = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):  # 'max'
        return math.inf
    return share if share > 0 else math.inf
