"""Memory of this process."""

import os
import resource
import sys
from pathlib import Path

STATM = Path('/proc/self/statm')


def resident_mib() -> float:
    """Resident memory of this process in MiB; where the system does not tell, the largest so far."""
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20
    return peak_mib()


def peak_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return largest / (2**20 if sys.platform == 'darwin' else 2**10)
