"""The machine that figures are from."""

import platform
from importlib import metadata
from pathlib import Path

import torch

PACKAGES = ('torch', 'onedl-mmcv', 'onedl-mmdetection', 'onedl-mmengine', 'numpy', 'onnxruntime', 'openvino')


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
