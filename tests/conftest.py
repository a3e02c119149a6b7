"""What all tests share: seeds, few threads, no network, scripts as modules; fixtures by subject are in fixtures/."""

import ctypes
import gc
import importlib.util
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import settings

import mmrcf  # noqa: F401  (makes mmdet importable with light mmcv)

pytest_plugins = ['fixtures.tiny', 'fixtures.training', 'fixtures.videos']

# The same examples in every run; a slow machine is no failure.
settings.register_profile('suite', deadline=None, derandomize=True)
settings.load_profile('suite')

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that with several processes none has a long file left at the end."""
    slow = {item.path for item in items if item.get_closest_marker('slow')}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    freeze()


def freeze() -> None:
    """Leave what is alive, mostly imported modules, out of later collections of garbage: MMEngine collects often."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope='module', autouse=True)
def freed_memory_goes_back() -> Iterator[None]:
    """Programs have the process keep freed memory: over a thousand tests it would come to gigabytes."""
    yield
    freeze()
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
    if trim is not None:  # glibc
        trim(0)


@pytest.fixture(scope='session', autouse=True)
def few_threads() -> None:
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 2)))


@pytest.fixture(autouse=True)
def same_precision_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """'auto' is float32 in tests, whatever the processor: they compare exact values."""
    monkeypatch.setattr(torch.cpu, '_is_avx512_bf16_supported', lambda: False)
    monkeypatch.setattr(torch.cpu, '_is_amx_tile_supported', lambda: False)


@pytest.fixture(scope='session', autouse=True)
def plain_config_dumps() -> Iterator[None]:
    """Runs dump their config several times; laying it out takes most of the time of a run as short as a test's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, False))
        yield


@pytest.fixture(autouse=True)
def seeded() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to another machine fails at once; processes of this one may talk to each other."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ('127.0.0.1', '::1', 'localhost'):
            raise RuntimeError(f'a test tried to reach {address}')
        connect(self, address)

    monkeypatch.setattr(socket.socket, 'connect', local_only)


@pytest.fixture(scope='session')
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope='session')
def load_script():
    """``load_script('tools/train.py')``: a script as a module, without running it; it finds the modules beside it."""
    modules: dict[str, ModuleType] = {}

    def load(path: str) -> ModuleType:
        if path not in modules:
            name = 'script_' + path.removesuffix('.py').replace('/', '_')
            spec = importlib.util.spec_from_file_location(name, REPOSITORY / path)
            modules[path] = importlib.util.module_from_spec(spec)
            with pytest.MonkeyPatch.context() as patch:
                patch.syspath_prepend(str((REPOSITORY / path).parent))
                spec.loader.exec_module(modules[path])
        return modules[path]

    return load


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run the test in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
