"""Checkpoints: read without running code from them, checked against the model, loaded, written whole or not at all."""

import math
import os
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Set
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.fileio.backends import LocalBackend, register_backend
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmrcf.errors import InputError, InputFileError
from mmrcf.model_index import listed_model
from mmrcf.models.backbones import is_timm
from mmrcf.models.checkpoint_file import local_checkpoint, read_content
from mmrcf.utils import atomic_output

from .config_fields import config_parts
from .hooks.complete_checkpoint_hook import POINTER

_NUMBERED = re.compile(r'(?:iter|epoch)_(\d+)\.pth')


def find_checkpoint(name: str | Path) -> Path:
    """The file of a checkpoint.

    Args:
        name: A path, an address (http, https), or the name of a model of the metafiles, which stands for its weights.

    Raises:
        InputFileError: It is missing, empty or unreadable, or cannot be downloaded.
        InputError: The model has no weights, or a downloaded file has another hash than its name says.
    """
    model = listed_model(name)
    return local_checkpoint(model.checkpoint() if model else name)


def read_checkpoint(path: str | Path) -> dict:
    """Read a checkpoint onto the CPU. Nothing but tensors, plain values and MMEngine's log history is accepted.

    Args:
        path: A file of weights only, or a training checkpoint of MMEngine; see :func:`find_checkpoint`.

    Returns:
        ``state_dict``: tensors by name; ``meta``: a dict, empty where the file has none.

    Raises:
        InputFileError: The file is missing, empty or unreadable.
        InputError: It is not a checkpoint, is damaged, or holds Python objects.
    """
    content = read_content(find_checkpoint(path))
    weights = content.get('state_dict', content)
    if (
        not isinstance(weights, dict)
        or not weights
        or not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in weights.items())
    ):
        raise InputError(
            f"checkpoint {path}: has no field state_dict with tensors by name; save a model's state_dict()"
        )
    meta = content.get('meta') if weights is not content else None
    weights = {key.removeprefix('module.'): value for key, value in weights.items()}
    return {'state_dict': weights, 'meta': _checked_meta(meta, path) if isinstance(meta, dict) else {}}


def _checked_meta(meta: dict, path: str | Path) -> dict:
    """``meta`` where the fields that are read from it are of their types."""
    data = meta.get('dataset_meta') or {}
    classes = data.get('classes') if isinstance(data, dict) else data
    counts = [meta.get(name, 0) for name in ('iter', 'epoch')]
    if not (
        (classes is None or (isinstance(classes, list | tuple) and all(isinstance(name, str) for name in classes)))
        and all(type(count) is int and count >= 0 for count in counts)
    ):
        raise InputError(
            f'checkpoint {path}: meta has a dataset_meta.classes, iter or epoch of another type than MMEngine writes; '
            'save it again without'
        )
    return meta


def load_weights(model: nn.Module, weights: dict[str, Tensor], path: str | Path) -> None:
    """Put ``weights`` into ``model``, all of them or none; half precision is widened.

    Args:
        model: Any module.
        weights: Tensors by name.
        path: The file they are from, for the message.

    Raises:
        InputError: A name or a shape differs. The message gives the first difference, and how much fits.
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
    fitting = len(expected) - len(differences)
    differences += [f'the checkpoint has {key} and the model does not' for key in weights if key not in expected]
    if differences:
        more = f" (the first of {len(differences)} differences; {fitting} of the model's {len(expected)} tensors fit)"
        more = more if len(differences) > 1 else ''
        raise InputError(
            f'checkpoint {path}: does not fit the config: {differences[0]}{more}; '
            'use the config it was trained with, with the same number of classes'
        )
    model.load_state_dict(weights)


def unwrapped(model: nn.Module) -> nn.Module:
    """The model itself, without the wrapper that several processes put around it."""
    return model.module if is_model_wrapper(model) else model


def require_start_weights(config: Config, written: Collection[str] = ()) -> None:
    """Check that the local files are there that ``config`` starts from: ``load_from`` and every pretrained part.

    MMEngine opens them when everything else is built and the data sets are read.

    Args:
        config: The config.
        written: Paths of files that are not there yet, because an earlier training writes them.

    Raises:
        InputFileError: One is missing. The message names the training that writes it, where that can be told.
    """
    for field, path, off_switch in _start_files(config):
        if '://' not in path and path not in written and not os.path.exists(path):
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
        elif is_timm(part) and part.get('checkpoint'):
            yield f'{field}.checkpoint', str(part['checkpoint']), f'{field}.checkpoint'


def _origin(path: str, config: Config) -> str:
    """The remedy for a missing file: a run writes to a folder with its config's name."""
    name = f'{Path(path).parent.name}.py'
    for candidate in (Path(config.filename).parent / name, *sorted(Path('configs').rglob(name))):
        if candidate.is_file():
            return f'run `python tools/train.py {candidate}` first'
    return 'check the path'


def latest_checkpoint(folder: str | Path) -> Path | None:
    """The newest complete training checkpoint in a folder, wherever the folder is now; None: there is none.

    It is the one that ``last_checkpoint`` names, unless a run was killed between writing a newer one and naming it. A
    file that was cut short, by a copy for instance, is passed over.
    """
    folder = Path(folder)
    numbers = {path: int(match[1]) for path in folder.glob('*.pth') if (match := _NUMBERED.fullmatch(path.name))}
    complete = {path: number for path, number in numbers.items() if zipfile.is_zipfile(path)}
    named = _named_checkpoint(folder)
    if named is None or not zipfile.is_zipfile(named):
        return max(complete, key=complete.get, default=None)
    last, written = complete.get(named, math.inf), named.stat().st_mtime_ns
    newer = [path for path, number in complete.items() if number > last and path.stat().st_mtime_ns >= written]
    return max(newer, key=complete.get, default=named)


def _named_checkpoint(folder: Path) -> Path | None:
    """The file that ``last_checkpoint`` names: one of the folder if it exists, else one elsewhere."""
    pointer = folder / POINTER
    text = pointer.read_text(encoding='utf-8', errors='replace').strip() if pointer.is_file() else ''
    if not text or '\0' in text:
        return None
    candidates = (folder / Path(text).name, folder / text)
    return next((path for path in candidates if os.path.isfile(path)), None)


def continue_seed(config: Config) -> None:
    """Give a config that resumes a training and has no seed the one which that training drew.

    MMEngine restores it when the sampler has a seed of its own already, so the data would come in another order.
    """
    randomness = config.get('randomness') or {}
    if config.get('resume') and randomness.get('seed') is None:
        seed = read_checkpoint(config.load_from)['meta'].get('seed')
        if type(seed) is int:
            config.randomness = {**randomness, 'seed': seed}


def check_start_weights(runner: Runner, config: Config) -> None:
    """Check the checkpoint that ``config`` resumes or loads; the runner reads it when it starts.

    A resumed run needs a training checkpoint that fits exactly. ``load_from`` may fit in part (another number of
    classes, another neck): one line of the log names what is left out.

    Raises:
        InputFileError: The checkpoint is missing.
        InputError: It is damaged or does not fit.
    """
    path = config.get('load_from')
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
    if not any_weight_fits(expected, {name: value.shape for name, value in weights.items()}):
        raise InputError(f'checkpoint {path}: none of its weights fits the model of {config.filename}; check load_from')
    if difference := weight_difference(expected, weights):
        runner.logger.warning('load_from=%s fits in part: %s', path, difference)


def watch_initial_weights(runner: Runner) -> None:
    """Have the files that parts of the model begin with (``init_cfg``) checked, when MMEngine loads them.

    By then each part has brought the names of its file into its own form. MMEngine leaves out what does not fit, and
    would train a part of which nothing fits from random values. Then an :class:`InputError` ends the training before
    its first iteration. Layers that stay random, because the file lacks them, are a line of the log.
    """

    def check(module: nn.Module, weights: dict[str, Tensor], prefix: str, *_: Any, entry: dict, field: str) -> None:
        if prefix or getattr(module, 'is_init', False):
            return  # what is loaded here is a checkpoint of the whole model
        expected = {name: value for name, value in module.state_dict().items() if value.ndim}
        name = f'{field}={entry["checkpoint"]}'
        if not any_weight_fits(expected, {key: value.shape for key, value in weights.items()}):
            raise InputError(
                f'config {runner.cfg.filename}: {name}: none of its weights fits; {_prefix(expected, weights)}'
            )
        if difference := weight_difference(expected, {key: weights[key] for key in weights if key in expected}):
            runner.logger.warning('%s fits in part: %s', name, difference)

    for path, module in unwrapped(runner.model).named_modules():
        entries = getattr(module, 'init_cfg', None) or []
        for entry in [entries] if isinstance(entries, dict) else entries:
            if entry.get('type') == 'Pretrained':
                field = '.'.join(filter(None, ('model', path, 'init_cfg.checkpoint')))
                module.register_load_state_dict_pre_hook(partial(check, entry=entry, field=field))


def _prefix(expected: Iterable[str], weights: Iterable[str]) -> str:
    """The remedy where a file fits nowhere: maybe it is that of a larger model."""
    end = f'.{next(iter(expected), "")}'
    found = next((name.removesuffix(end) for name in weights if name.endswith(end)), None)
    return f"set prefix='{found}.' beside checkpoint" if found else 'check the path'


def any_weight_fits(model: dict[str, Tensor], shapes: dict[str, torch.Size]) -> bool:
    """Whether a model can take over any of the weights with these shapes; a single number, as a counter, is none.

    Args:
        model: Tensors of the model by name.
        shapes: Shapes of the weights by name.
    """
    return any(value.ndim > 0 and shapes.get(name) == value.shape for name, value in model.items())


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
    content = read_checkpoint(checkpoint)
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
