"""Reads checkpoints without running code from them, and checks that they fit the model."""

import pickle
import struct
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mmrcf.errors import InputError
from mmrcf.utils import require_file

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
                'save it anew as dict(state_dict=..., meta=...) with tensors and plain values only'
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
