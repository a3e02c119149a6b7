"""The one reader of checkpoint files, which it reads as data. MMEngine reads all weights that a config names with it.

Only tensors, plain values and MMEngine's log history are accepted. MMEngine's own loader would unpickle any object
where that fails, and its runner would run the text of a config from a checkpoint.
"""

import hashlib
import http.client
import mmap
import pickle
import re
import urllib.error
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import torch
from mmengine.dist import barrier, is_main_process
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader, get_torchvision_models
from torch import Tensor

from mmrcf.errors import InputError, InputFileError, one_line
from mmrcf.utils import atomic_output, require_file

STATISTICS = ('min', 'max', 'mean', 'current')
URL_SCHEMES = ('http://', 'https://')
TORCHVISION_SCHEMES = ('torchvision://', 'modelzoo://')
HASHED_NAME = re.compile(r'-([0-9a-f]{8,64})\.pth$')
MAX_LOG_LENGTH = 10**6
MAX_PICKLE_BYTES = 2**28
"""Largest ``data.pkl`` that is read: names and values beside the content of the tensors."""
BYTEARRAY = re.compile(rb'c(?:builtins|__builtin__)\nbytearray\n')
ELEMENT_TYPES = ('f4', 'f8', 'i4', 'i8', 'u4', 'u1', 'b1')


class LogHistory:
    """Replaces MMEngine's ``HistoryBuffer`` while a checkpoint is read.

    The true class would take any attribute from the file, its own methods included, for itself and for all others.
    """

    def __setstate__(self, state: object) -> None:
        """Keep what is of the expected type."""
        fields = state if isinstance(state, dict) else {}
        arrays = [fields.get(name) for name in ('_log_history', '_count_history')]
        sound = all(isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype.kind in 'fiu' for array in arrays)
        self.arrays = arrays if sound and len(arrays[0]) == len(arrays[1]) else [np.zeros(0), np.zeros(0)]
        length = fields.get('max_length')
        self.max_length = length if type(length) is int and 0 < length <= MAX_LOG_LENGTH else MAX_LOG_LENGTH

    def to_buffer(self) -> HistoryBuffer:
        """The log history that a resumed run continues."""
        values, counts = getattr(self, 'arrays', ([], []))
        return HistoryBuffer(list(values), list(counts), getattr(self, 'max_length', MAX_LOG_LENGTH))


def _statistic(owner: object, name: object) -> str:
    """Replaces ``getattr``, with which a pickle names a method of ``HistoryBuffer``; it never returns a function."""
    if owner is not LogHistory or name not in STATISTICS:
        raise pickle.UnpicklingError('GLOBAL getattr of something else than a statistic of HistoryBuffer')
    return name


class _ElementType:
    """Replaces ``numpy.dtype`` while a checkpoint is read: a plain type of numbers, by its name.

    The true one would take its inner flags and sizes from the file, with which NumPy reads and frees any memory, and
    for a type that all of the process shares.
    """

    def __init__(self, name: object, *_: object) -> None:
        if name not in ELEMENT_TYPES:
            raise pickle.UnpicklingError(f'GLOBAL numpy.dtype of something else than {", ".join(ELEMENT_TYPES)}')
        self.dtype = np.dtype(name)

    def __setstate__(self, state: object) -> None:
        """Keep the order of the bytes, which is all that the state of such a type says."""
        if isinstance(state, tuple) and state[1:2] == ('>',):
            self.dtype = self.dtype.newbyteorder('>')


class _Array(np.ndarray):
    """Replaces ``numpy.ndarray`` while a checkpoint is read: an array of numbers, saved again as an ordinary one."""

    def __new__(cls, *_: object) -> '_Array':
        return super().__new__(cls, (0,), 'u1')

    def __setstate__(self, state: object) -> None:
        """Take shape, type of the elements, and content."""
        version, shape, kind, in_columns, content = state
        if not isinstance(kind, _ElementType) or not isinstance(content, bytes):
            raise pickle.UnpicklingError('the state of an array is damaged')
        super().__setstate__((version, shape, kind.dtype, in_columns, content))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.view(np.ndarray).__reduce_ex__(protocol)


def _scalar(kind: object, content: object) -> np.generic:
    """Replaces the function by which NumPy makes a number of its bytes."""
    if not isinstance(kind, _ElementType) or not isinstance(content, bytes) or len(content) != kind.dtype.itemsize:
        raise pickle.UnpicklingError('a number is damaged')
    return np.frombuffer(content, kind.dtype)[0]


# What MMEngine puts into a training checkpoint beside tensors: its log history, made of arrays and named statistics.
# The true ``getattr`` would reach every function of Python from any other name in this list.
SAFE_GLOBALS = [
    (LogHistory, 'mmengine.logging.history_buffer.HistoryBuffer'),
    (_statistic, 'builtins.getattr'),
    (_Array, 'numpy.ndarray'),
    (_ElementType, 'numpy.dtype'),
    (_Array, 'numpy._core.multiarray._reconstruct'),
    (_scalar, 'numpy._core.multiarray.scalar'),
]


def local_checkpoint(path: str | Path) -> Path:
    """The file of a checkpoint: one of an address (http, https) is downloaded once.

    It goes to the folder in which PyTorch keeps downloads (``TORCH_HOME``, by default ``~/.cache/torch``). If its name
    ends in a hash, as in ``model-41b088b6.pth``, the file must have that hash (the beginning of its SHA-256).

    Raises:
        InputFileError: It is missing, empty or unreadable, or cannot be downloaded; then the message says where to put
            it.
        InputError: It has another hash.
    """
    if not str(path).startswith(URL_SCHEMES):
        return require_file(path, 'checkpoint')
    address = str(path)
    target = Path(torch.hub.get_dir()) / 'checkpoints' / Path(urlsplit(address).path).name
    if is_main_process() and not target.is_file():
        _download(address, target)
    barrier()
    expected = HASHED_NAME.search(target.name)
    if expected and not sha256(target).startswith(expected[1]):
        raise InputError(
            f'checkpoint {target}: its SHA-256 does not begin with {expected[1]}, as its name says; remove it, and '
            f'download {address} again'
        )
    return require_file(target, 'checkpoint')


def _download(address: str, target: Path) -> None:
    """Download a file with a progress bar; it appears under its name when it is complete."""
    try:
        with atomic_output(target) as temporary:
            torch.hub.download_url_to_file(address, str(temporary))
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputFileError(
            f'checkpoint {address}: cannot be downloaded ({one_line(error)}); fetch it elsewhere and put it at {target}'
        ) from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file as hexadecimal digits."""
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def read_content(path: str | Path, map_location: Any = 'cpu') -> dict:
    """All that a checkpoint holds, as tensors and plain values.

    Args:
        path: The file, or its address.
        map_location: As of ``torch.load``.

    Raises:
        InputFileError: The file is missing, empty or unreadable.
        InputError: It is not a checkpoint, is damaged, or holds Python objects.
    """
    path = local_checkpoint(path)
    try:
        _refuse_bytearray(path)
        with torch.serialization.safe_globals(SAFE_GLOBALS), warnings.catch_warnings():
            warnings.simplefilter('ignore', FutureWarning)
            content = torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        if 'GLOBAL' in str(error):
            raise InputError(
                f'checkpoint {path}: holds Python objects, and loading those can run code; '
                'save it again as dict(state_dict=..., meta=...) with tensors and plain values only'
            ) from error
        raise InputError(
            f'checkpoint {path}: not a PyTorch checkpoint, or damaged; download or save it again'
        ) from error
    except Exception as error:  # PyTorch's reader raises almost anything for a damaged file
        raise InputError(f'checkpoint {path}: truncated or damaged; download or save it again') from error
    if any(not _is_plain(tensor) for tensor in _tensors(content)):
        raise InputError(
            f'checkpoint {path}: holds a tensor that is sparse, nested, quantized, on no device, or larger than its '
            'content; save it again with contiguous() tensors'
        )
    if not isinstance(content, dict):
        raise InputError(
            f'checkpoint {path}: holds a {type(content).__name__}, expected a dict with the field state_dict'
        )
    return content


def _refuse_bytearray(path: Path) -> None:
    """PyTorch's reader would call ``bytearray`` with any size that a pickle names, and fill the memory."""
    if not zipfile.is_zipfile(path):
        with path.open('rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            pickles = [BYTEARRAY.search(content)]
    else:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith('data.pkl')]
            if any(member.file_size > MAX_PICKLE_BYTES for member in members):
                raise pickle.UnpicklingError(f'data.pkl is larger than {MAX_PICKLE_BYTES} bytes')
            pickles = [BYTEARRAY.search(archive.read(member)) for member in members]
    if any(pickles):
        raise pickle.UnpicklingError('GLOBAL bytearray')


def _tensors(content: Any) -> Iterator[Tensor]:
    """All tensors in dicts, lists and tuples, which may be nested deeply and hold themselves."""
    waiting, seen = [content], set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, Tensor):
            yield node
        elif isinstance(node, dict | list | tuple) and id(node) not in seen:
            seen.add(id(node))
            waiting.extend(node.values() if isinstance(node, dict) else node)


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor has all of its elements in memory: others may claim any size, and do not work everywhere."""
    if tensor.is_nested or tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_local(filename: str, map_location: Any = None) -> dict:
    """The content of a local file for MMEngine, for initial weights and to resume a run.

    The text of the config that a release holds is left out: MMEngine would run it.
    """
    content = read_content(Path(filename).expanduser(), map_location)
    if isinstance(content.get('meta'), dict):
        content['meta'].pop('config', None)
    logs = content.get('message_hub')
    scalars = logs.get('log_scalars') if isinstance(logs, dict) else None
    if isinstance(scalars, dict):
        logs['log_scalars'] = {
            name: value.to_buffer() if isinstance(value, LogHistory) else value for name, value in scalars.items()
        }
    return content


@CheckpointLoader.register_scheme(prefixes=URL_SCHEMES, force=True)
def load_url(filename: str, map_location: Any = None) -> dict:
    """As :func:`load_local`, of an address; see :func:`local_checkpoint`."""
    return load_local(str(local_checkpoint(filename)), map_location)


@CheckpointLoader.register_scheme(prefixes=TORCHVISION_SCHEMES, force=True)
def load_torchvision(filename: str, map_location: Any = None) -> dict:
    """As :func:`load_url`, of a model that torchvision names."""
    try:
        name, urls = filename.partition('://')[2], get_torchvision_models()
    except ImportError as error:
        raise InputError(f'checkpoint {filename}: needs torchvision; install it or give the path of a file') from error
    if name not in urls:
        raise InputError(f'checkpoint {filename}: torchvision has no model {name!r}; check the name')
    return load_url(urls[name], map_location)


@CheckpointLoader.register_scheme(
    prefixes=[name for name in CheckpointLoader._schemes if name not in ('', *URL_SCHEMES, *TORCHVISION_SCHEMES)],
    force=True,
)
def refuse_scheme(filename: str, map_location: Any = None) -> dict:
    """Refuse what MMEngine reads by other means."""
    raise InputError(
        f'checkpoint {filename}: expected a path, http(s):// or torchvision://; download it and give its path'
    )
