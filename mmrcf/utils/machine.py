"""The machine that figures are from, and the memory of this process."""

import ctypes
import os
import platform
import resource
import sys
from importlib import metadata
from pathlib import Path

import torch

PACKAGES = ('torch', 'onedl-mmcv', 'onedl-mmdetection', 'onedl-mmengine', 'numpy', 'onnxruntime', 'openvino')

# Of glibc's malloc.h, with the largest values that it takes.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST_TRIM, LARGEST_MMAP = 2**31 - 1, 32 * 2**20

STATM = Path('/proc/self/statm')


def describe_machine(device: torch.device) -> dict[str, object]:
    """Processor, device, threads and versions, for a file of figures.

    Args:
        device: Where the figures were measured.
    """
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return dict(
        processor=_processor(),
        device=torch.cuda.get_device_name(device) if device.type == 'cuda' else device.type,
        threads=torch.get_num_threads(),
        python=platform.python_version(),
        packages=packages,
    )


def _processor() -> str:
    info = Path('/proc/cpuinfo')
    if info.exists():
        for line in info.read_text(encoding='utf-8', errors='replace').splitlines():
            if line.startswith('model name'):
                return line.split(':', 1)[1].strip()
    return platform.processor() or platform.machine()


def resident_mib() -> float:
    """Resident memory of this process in MiB; where the system does not have it, the largest so far."""
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20
    return peak_mib()


def peak_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return largest / (2**20 if sys.platform == 'darwin' else 2**10)


def keep_freed_memory() -> bool:
    """Have this process keep the memory that tensors free, where its C library is glibc.

    Otherwise it may go back to the system after every frame, and come again page by page, zeroed: on a CPU up to a
    tenth of a step. For programs, which own their process; a library should leave this to them.

    Returns:
        Whether the C library supports it.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    return bool(mallopt(M_TRIM_THRESHOLD, LARGEST_TRIM) and mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP))
