"""Checkpoints: read without running code from them, checked against the model, loaded, written whole or not at all."""

import pickle
import struct
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.fileio.backends import LocalBackend, register_backend
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner, find_latest_checkpoint
from torch import Tensor, nn

from mmrcf.errors import InputError, InputFileError
from mmrcf.utils import atomic_output, require_file

from .config import config_parts

STATISTICS = ('min', 'max', 'mean', 'current')


class LogHistory:
    """Stands in for MMEngine's ``HistoryBuffer`` while a checkpoint is read, and keeps nothing of it.

    The true class would take any attribute from the file, its own methods included, for itself and for all others.
    """

    def __setstate__(self, state: object) -> None:
        """Forget ``state``: nobody asks a checkpoint for its log."""


def _statistic(owner: object, name: object) -> str:
    """Stands in for ``getattr``, by which a pickle names a method of ``HistoryBuffer``; no function comes out of it."""
    if owner is not LogHistory or name not in STATISTICS:
        raise pickle.UnpicklingError('GLOBAL getattr of something else than a statistic of HistoryBuffer')
    return name


# What MMEngine puts into a training checkpoint beside tensors: its log history, made of arrays and named statistics.
# The true ``getattr`` would reach every function of Python from any other name in this list.
SAFE_GLOBALS = [
    (LogHistory, 'mmengine.logging.history_buffer.HistoryBuffer'),
    (_statistic, 'builtins.getattr'),
    np.ndarray,
    np.dtype,
    np._core.multiarray._reconstruct,
    np._core.multiarray.scalar,
    *(type(np.dtype(kind)) for kind in (np.float32, np.float64, np.int32, np.int64, np.uint32, np.uint8, np.bool_)),
]


def read_checkpoint(path: str | Path) -> dict:
    """Read a checkpoint onto the CPU. Nothing but tensors, plain values and MMEngine's log history is accepted.

    Args:
        path: A file of weights only, or a training checkpoint of MMEngine.

    Returns:
        ``state_dict``: tensors by name; ``meta``: a dict, empty where the file has none.

    Raises:
        InputFileError: The file is missing, empty or unreadable.
        InputError: It is not a checkpoint, is damaged, or holds Python objects.
    """
    path = require_file(path, 'checkpoint')
    try:
        with torch.serialization.safe_globals(SAFE_GLOBALS), warnings.catch_warnings():
            warnings.simplefilter('ignore', FutureWarning)
            content = torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        if 'GLOBAL' in str(error):
            raise InputError(
                f'checkpoint {path}: holds Python objects, and loading those can run code; '
                'save it again as dict(state_dict=..., meta=...) with tensors and plain values only'
            ) from error
        raise InputError(
            f'checkpoint {path}: not a PyTorch checkpoint, or damaged; download or save it again'
        ) from error
    except (RuntimeError, EOFError, OSError, LookupError, ValueError, TypeError, AttributeError, struct.error) as error:
        raise InputError(f'checkpoint {path}: truncated or damaged; download or save it again') from error
    if not isinstance(content, dict):
        raise InputError(
            f'checkpoint {path}: holds a {type(content).__name__}, expected a dict with the field state_dict'
        )
    weights = content.get('state_dict', content)
    if not isinstance(weights, dict) or not weights or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InputError(
            f"checkpoint {path}: has no field state_dict with tensors by name; save a model's state_dict()"
        )
    meta = content.get('meta') if weights is not content else None
    weights = {key.removeprefix('module.'): value for key, value in weights.items()}
    return {'state_dict': weights, 'meta': meta if isinstance(meta, dict) else {}}


def load_weights(model: nn.Module, weights: dict[str, Tensor], path: str | Path) -> None:
    """Put ``weights`` into ``model``, all of them or none; half precision is widened.

    Args:
        model: Any module.
        weights: Tensors by name.
        path: The file they are from, for the message.

    Raises:
        InputError: A name or a shape differs. The message gives the first difference.
    """
    expected = model.state_dict()
    differences = []
    for key, value in expected.items():
        if key not in weights:
            differences.append(f'the model has {key} and the checkpoint does not')
        elif weights[key].shape != value.shape:
            differences.append(
                f'{key} is {list(weights[key].shape)} in the checkpoint and {list(value.shape)} in the model'
            )
    differences += [f'the checkpoint has {key} and the model does not' for key in weights if key not in expected]
    if differences:
        more = f' (the first of {len(differences)} differences)' if len(differences) > 1 else ''
        raise InputError(
            f'checkpoint {path}: does not fit the config: {differences[0]}{more}; '
            'use the config it was trained with, with the same number of classes'
        )
    model.load_state_dict(weights)


def unwrapped(model: nn.Module) -> nn.Module:
    """The model itself, without the wrapper that several processes put around it."""
    return model.module if is_model_wrapper(model) else model


def require_start_weights(config: Config) -> None:
    """Check that the local files are there that ``config`` starts from: ``load_from`` and every pretrained part.

    MMEngine opens them when everything else is built and the data sets are read.

    Raises:
        InputFileError: One is missing. The message names the training that writes it, where that can be told.
    """
    for field, path, off_switch in _start_files(config):
        if '://' not in path and not Path(path).exists():
            raise InputFileError(
                f'config {config.filename}: {field}={path}: no such file; {_origin(path, config)}, '
                f'or start from random weights with --cfg-options {off_switch}=None'
            )


def _start_files(config: Config) -> Iterator[tuple[str, str, str]]:
    """Each file as its field in the config, its path, and the field that turns it off."""
    if config.get('load_from') and not config.get('resume'):
        yield 'load_from', str(config.load_from), 'load_from'
    for field, part in config_parts(config):
        if field.endswith('.init_cfg') and part.get('type') == 'Pretrained' and part.get('checkpoint'):
            yield f'{field}.checkpoint', str(part['checkpoint']), field


def _origin(path: str, config: Config) -> str:
    """What to do for a missing file: a run writes to a folder with its config's name."""
    name = f'{Path(path).parent.name}.py'
    for candidate in (Path(config.filename).parent / name, *sorted(Path('configs').rglob(name))):
        if candidate.is_file():
            return f'run `python tools/train.py {candidate}` first'
    return 'check the path'


def check_start_weights(runner: Runner, config: Config) -> None:
    """Check the checkpoint that ``config`` resumes or loads; the runner reads it when it starts.

    A resumed run needs a training checkpoint that fits exactly. ``load_from`` may fit in part (another number of
    classes, another neck): one line of the log names what is left out.

    Raises:
        InputFileError: The checkpoint is missing.
        InputError: It is damaged or does not fit.
    """
    path = config.get('load_from')
    if config.get('resume') and path is None:
        path = find_latest_checkpoint(config.work_dir)
    if path is None or '://' in str(path):
        return
    content = read_checkpoint(path)
    if config.get('resume'):
        if 'iter' not in content['meta']:
            raise InputError(
                f'checkpoint {path}: has weights but no training state to resume; '
                'start from it with --cfg-options load_from=<it> instead of --resume'
            )
        load_weights(unwrapped(runner.model), content['state_dict'], path)
        return
    expected = unwrapped(runner.model).state_dict()
    weights = content['state_dict']
    if not any(name in weights and weights[name].shape == value.shape for name, value in expected.items()):
        raise InputError(f'checkpoint {path}: none of its weights fits the model of {config.filename}; check load_from')
    if difference := weight_difference(expected, weights):
        runner.logger.warning('load_from=%s fits in part: %s', path, difference)


def weight_difference(expected: dict[str, Tensor], weights: dict[str, Tensor]) -> str:
    """In which layers a model and the weights that it starts from differ, in one line; empty where they are the same.

    Args:
        expected: Tensors of the model by name.
        weights: Tensors of the checkpoint by name.

    Returns:
        Names of layers, each with the number of its tensors where it has several. A module is named in place of its
        layers if all of them are concerned.
    """
    shared = expected.keys() & weights.keys()
    parts = {
        'initialised at random, because the checkpoint lacks them': (expected.keys() - shared, expected),
        'initialised at random, because they have another shape there': (
            {name for name in shared if expected[name].shape != weights[name].shape},
            expected,
        ),
        'not used, because the model lacks them': (weights.keys() - shared, weights),
    }
    return '; '.join(f'{reason}: {_layers(names, all_names)}' for reason, (names, all_names) in parts.items() if names)


def _layers(names: Set[str], all_names: Iterable[str]) -> str:
    """Names of the outermost modules all of whose tensors are in ``names``."""
    sizes = Counter(prefix for name in all_names for prefix in _prefixes(name))
    found = Counter(prefix for name in names for prefix in _prefixes(name))
    outermost = Counter(
        next(prefix for prefix in _prefixes(name) if sizes[prefix] == found[prefix]) for name in sorted(names)
    )
    return ', '.join(name if count == 1 else f'{name} ({count})' for name, count in outermost.items())


def _prefixes(name: str) -> list[str]:
    """``a.b.c``: ``a``, ``a.b`` and ``a.b.c``."""
    return list(accumulate(name.split('.'), '{}.{}'.format))


def load_tested_weights(runner: Runner, checkpoint: str | Path) -> None:
    """Load the weights to evaluate into the runner's model, all of them or none.

    Raises:
        InputFileError: The checkpoint is missing.
        InputError: It is damaged, does not fit the model, or was trained on other classes than the test set's.
    """
    content = read_checkpoint(require_file(checkpoint, 'checkpoint'))
    load_weights(unwrapped(runner.model), content['state_dict'], checkpoint)
    trained = (content['meta'].get('dataset_meta') or {}).get('classes')
    tested = (getattr(runner.test_loop.dataloader.dataset, 'metainfo', None) or {}).get('classes')
    if trained and tested and tuple(trained) != tuple(tested):
        raise InputError(
            f'checkpoint {checkpoint}: its classes {_shortened(trained)} are not those of the test dataset, '
            f'{_shortened(tested)}; use the config it was trained with'
        )


def _shortened(names: list[str] | tuple[str, ...]) -> str:
    return ', '.join(names[:4]) + (f' ... ({len(names)} in all)' if len(names) > 4 else '')


@register_backend('complete')
class CompleteFileBackend(LocalBackend):
    """Local files that appear when they are complete; ``backend_args=dict(backend='complete')`` of a hook."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes."""
        with atomic_output(filepath) as temporary:
            temporary.write_bytes(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text."""
        with atomic_output(filepath) as temporary:
            temporary.write_text(obj, encoding=encoding)
