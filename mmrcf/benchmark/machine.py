"""What the figures were measured on."""

import platform
import time
from importlib import metadata
from pathlib import Path

import torch

PACKAGES = ('torch', 'onedl-mmcv', 'onedl-mmdetection', 'onedl-mmengine', 'numpy', 'onnxruntime')


def describe_machine(device: torch.device) -> dict[str, object]:
    """Processor, device, threads and versions."""
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


@torch.no_grad()
def matrix_product_rate(device: torch.device, dtype: torch.dtype = torch.float32, size: int = 1536) -> float:
    """What the device can do at best: GFLOP/s of a product of two square matrices, median of 7."""
    left = torch.randn(size, size, device=device, dtype=dtype)
    right = torch.randn(size, size, device=device, dtype=dtype)
    times = []
    for index in range(9):
        started = time.perf_counter()
        left @ right
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        if index >= 2:
            times.append(time.perf_counter() - started)
    return 2 * size**3 / sorted(times)[len(times) // 2] / 1e9
