"""Whatever a checkpoint holds, reading it runs nothing: each object below would leave a file behind."""

import functools
import io
import logging
import operator
import os
import pickle
import re
import runpy
import shutil
import subprocess
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from mmrcf.engine.checkpoint import read_checkpoint
from mmrcf.errors import InputError
from mmrcf.models.checkpoint_file import read_content

MARKER = 'marker'
TOUCH = f'open({MARKER!r}, "w").close()'
SCRIPT = 'script.py'


class Call:
    """Is pickled as a call; what it calls may be one itself."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.parts = function, arguments

    def __call__(self) -> None:
        """What a pickle calls has to be callable before it is written."""

    def __reduce__(self) -> tuple:
        return self.parts


class WithState:
    """Is pickled as an object of a class with a state."""

    def __init__(self, made_by: Callable, arguments: tuple, state: Any) -> None:
        self.parts = made_by, arguments, state

    def __reduce__(self) -> tuple:
        return self.parts


def legacy_bytes(content: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


OBJECTS = {
    'system': Call(os.system, f'touch {MARKER}'),
    'process': Call(subprocess.call, ['touch', MARKER]),
    'eval': Call(eval, TOUCH),
    'exec': Call(exec, TOUCH),
    'open': Call(open, MARKER, 'w'),
    'attribute of a module': Call(Call(getattr, Call(__import__, 'os'), 'system'), f'touch {MARKER}'),
    'attribute of an allowed class': Call(getattr, Call(getattr, HistoryBuffer, 'mean'), '__globals__'),
    'bound method': Call(Path(MARKER).touch),
    'partial': Call(functools.partial(eval, TOUCH)),
    'method by its name': Call(operator.methodcaller('touch'), Path(MARKER)),
    'lazy map': Call(list, Call(map, eval, [TOUCH])),
    'reduction': Call(functools.reduce, eval, [TOUCH, {}]),
    'script': Call(runpy.run_path, SCRIPT),
    'config': Call(Config.fromstring, TOUCH, '.py'),
    'pickle in a pickle': Call(pickle.loads, pickle.dumps(Call(eval, TOUCH))),
    'storage': Call(torch.storage._load_from_bytes, legacy_bytes(Call(eval, TOUCH))),
    'log file': Call(logging.FileHandler, MARKER),
    'copy': Call(shutil.copyfile, SCRIPT, MARKER),
    'archive': Call(zipfile.ZipFile, MARKER, 'w'),
    'saved tensor': Call(torch.save, 0, MARKER),
    'mapped tensor': Call(torch.from_file, MARKER, True, 4),
    'mapped array': Call(np.memmap, MARKER, 'u1', 'w+', 0, (4,)),
    'text of an array': Call(np.savetxt, MARKER, [0]),
    'array of objects': np.array([Call(eval, TOUCH)], dtype=object),
    'entry of a dict': OrderedDict(x=Call(eval, TOUCH)),
    'key of a dict': {Call(hash, Call(eval, TOUCH)): 0},
    'state': WithState(HistoryBuffer, (), {'_log_history': Call(eval, TOUCH)}),
    'attribute of a tensor': WithState(torch.Tensor, (), Call(eval, TOUCH)),
}
DECOYS = OBJECTS.keys() - {'attribute of an allowed class', 'attribute of a tensor', 'state'}
"""Those of which it is shown that they would run."""


def zipped(content: Any, path: Path) -> None:
    torch.save(content, path)


def legacy(content: Any, path: Path) -> None:
    path.write_bytes(legacy_bytes(content))


def plain(content: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=0))


def linked(content: Any, path: Path) -> None:
    zipped(content, path.with_name('other.pth'))
    path.symlink_to('other.pth')


def in_two_zips(content: Any, path: Path) -> None:
    inner = path.with_name('inner.pth')
    zipped(content, inner)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.write(inner, 'archive/data.pkl')
        archive.writestr('archive/version', '3')


def in_a_tar(content: Any, path: Path) -> None:
    """As PyTorch wrote before version 0.1."""
    with tarfile.open(path, 'w') as archive:
        for name in ('sys_info', 'pickle', 'tensors', 'storages'):
            data = pickle.dumps(content, protocol=2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def as_script(content: Any, path: Path) -> None:
    """As a TorchScript archive."""
    with zipfile.ZipFile(path, 'w') as archive:
        for name in ('data.pkl', 'constants.pkl'):
            archive.writestr(f'archive/{name}', pickle.dumps(content, protocol=2))
        archive.writestr('archive/version', '3')


def as_arrays(content: Any, path: Path) -> None:
    np.savez(path.open('wb'), state_dict=np.array([content], dtype=object))


FORMS = [zipped, legacy, plain, linked, in_two_zips, in_a_tar, as_script, as_arrays]


@pytest.fixture(autouse=True)
def place(in_tmp_path: Path) -> None:
    Path(SCRIPT).write_text(TOUCH)


def read_all(path: Path) -> None:
    """Read a checkpoint in each way; it is refused, or what comes is data."""
    for read in (read_checkpoint, read_content, lambda path: CheckpointLoader.load_checkpoint(str(path), 'cpu')):
        try:
            content = read(path)
        except InputError as error:
            assert '\n' not in str(error) and str(path) in str(error)
        else:
            assert isinstance(content, dict)
        assert not Path(MARKER).exists()


@pytest.mark.parametrize('name', OBJECTS)
def test_no_object_runs_code(name: str) -> None:
    for form in FORMS:
        path = Path(f'{form.__name__}.pth')
        form(dict(state_dict=dict(weight=torch.ones(1)), meta=dict(x=OBJECTS[name])), path)
        read_all(path)


@pytest.mark.parametrize('name', sorted(DECOYS))
def test_the_objects_would_run(name: str) -> None:
    pickle.loads(pickle.dumps(OBJECTS[name]))
    assert Path(MARKER).exists()


@pytest.mark.parametrize(
    'opcodes',
    [
        b'cos\nsystem\n(S"touch marker"\ntR.',  # GLOBAL, REDUCE
        b'(S"touch marker"\nios\nsystem\n.',  # INST
        b'(cos\nsystem\nS"touch marker"\no.',  # OBJ
        b'\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch marker\x85R.',  # STACK_GLOBAL
        b'\x80\x02cbuiltins\nopen\nX\x06\x00\x00\x00markerX\x01\x00\x00\x00w\x86\x81.',  # NEWOBJ
        b'\x80\x04\x82\x01.',  # EXT1
        b'\x80\x04\x8e' + (2**40).to_bytes(8, 'little') + b'x.',  # BINBYTES8 of a terabyte
        b'\x80\x05\x96' + (2**40).to_bytes(8, 'little') + b'x.',  # BYTEARRAY8
        b'\x80\x04\x95' + (2**60).to_bytes(8, 'little') + b'}.',  # FRAME
        b'\x80\x02\x8b\xff\xff\xff\x7f\x01.',  # LONG4
        b'\x80\x02' + b'(' * 100_000 + b't' * 100_000 + b'.',
        b'\x80\x02' + b']' * 100_000 + b'a' * 99_999 + b'.',
        b'\x80\x02r\xff\xff\xff\x7f}.',  # LONG_BINPUT
        b'\x80\x02(X\x07\x00\x00\x00storageX\x01\x00\x00\x00xX\x01\x00\x00\x00yX\x01\x00\x00\x00zK\x05tQ.',  # BINPERSID
        b'\x80\x02X\x01\x00\x00\x00xQ.',
        b'R.',
        b'.',
    ],
)
def test_no_opcode_runs_code_or_takes_much_memory(opcodes: bytes) -> None:
    path = Path('a.pth')
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', opcodes)
        archive.writestr('archive/version', '3')
    read_all(path)
    path.write_bytes(opcodes)
    read_all(path)


def element_type(name: str, state: Any) -> WithState:
    return WithState(np.dtype, (name, False, True), state)


def made_of(kind: Any, content: Any) -> WithState:
    return WithState(np._core.multiarray._reconstruct, (np.ndarray, (0,), b'b'), (1, (1,), kind, False, content))


FLAGS = [(3, '<', None, None, None, -1, -1, 63), (3, '<', None, ('a',), {'a': 1}, -1, -1, 63)]


@pytest.mark.parametrize('state', [*FLAGS, (3, '<', (np.dtype('f8'), (10**6,)), None, None, -1, -1, 0)])
def test_an_array_takes_no_flags_of_its_type_from_a_file(state: tuple) -> None:
    kind = element_type('f8', state)
    parts = dict(array=made_of(kind, bytes(8)), number=Call(np._core.multiarray.scalar, kind, bytes(8)))
    torch.save(dict(x=parts), 'a.pth')
    read = read_content('a.pth')['x']
    assert read['array'].tolist() == [0.0] and read['number'] == 0.0
    for value in (read['array'], read['number'], np.zeros(1)):  # the last has the type that all share
        assert value.dtype.flags == 0 and value.dtype.names is None


@pytest.mark.parametrize(
    'part',
    [
        element_type('O', None),
        element_type('f8,O', None),
        element_type('S1000000000', None),
        made_of(element_type('f8', FLAGS[0]), [1]),
        made_of(element_type('f8', FLAGS[0]), bytes(7)),
        made_of('f8', bytes(8)),
        Call(np._core.multiarray.scalar, element_type('f8', None), bytes(7)),
    ],
)
def test_arrays_of_other_than_numbers_are_refused(part: Any) -> None:
    torch.save(dict(x=part), 'a.pth')
    with pytest.raises(InputError, match=r'checkpoint a\.pth'):
        read_content('a.pth')


def test_arrays_are_saved_again_as_ordinary_ones() -> None:
    arrays = dict(a=np.arange(6.0).reshape(2, 3), b=np.asfortranarray([[1, 2], [3, 4]]), c=np.arange(3, dtype='>i4'))
    torch.save(dict(x=arrays, y=np.float32(0.5)), 'a.pth')
    torch.save(read_content('a.pth'), 'b.pth')
    plain = torch.load('b.pth', weights_only=False)
    assert plain['y'] == 0.5
    for name, array in arrays.items():
        assert type(plain['x'][name]) is np.ndarray
        np.testing.assert_array_equal(plain['x'][name], array)


@pytest.mark.parametrize(
    'tensor',
    [
        torch.zeros(1).expand(10**10),
        torch.sparse_coo_tensor([[0]], [1.0], (10**10,)),
        torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
        torch.zeros(10**10, device='meta'),
        torch.quantize_per_tensor(torch.zeros(3), 1.0, 0, torch.quint8),
    ],
    ids=['repeated', 'sparse', 'nested', 'meta', 'quantized'],
)
def test_weights_are_tensors_that_the_file_holds(tensor: torch.Tensor) -> None:
    torch.save(dict(state_dict=dict(x=tensor)), 'a.pth')
    for read in (read_checkpoint, CheckpointLoader.load_checkpoint):
        with pytest.raises(InputError, match=r'checkpoint a\.pth: holds a tensor that is'):
            read('a.pth')


def test_a_legacy_file_with_another_storage_is_damaged() -> None:
    content = legacy_bytes(dict(state_dict=dict(x=torch.ones(2))))
    key = re.findall(rb'X.\0\0\0(\d+)', content)[-1]
    before, _, after = content.rpartition(key)
    Path('a.pth').write_bytes(before + b'1' * len(key) + after)
    with pytest.raises(InputError, match=r'a\.pth: truncated or damaged'):
        read_checkpoint('a.pth')


@pytest.mark.parametrize('in_zip', [True, False])
def test_a_bytearray_of_any_size_is_not_made(tmp_path: Path, in_zip: bool) -> None:
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict={}, meta=bytearray(8)), path, _use_new_zipfile_serialization=in_zip)
    with pytest.raises(InputError, match='holds Python objects'):
        read_content(path)
