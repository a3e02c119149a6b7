"""Values of a run that MMEngine takes as they are and fails on later, maybe hours later: checked at the start."""

import difflib
import inspect
import logging
import math
import multiprocessing
from collections.abc import Callable
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.registry import OPTIMIZERS
from mmengine.runner import Runner

from mmrcf.errors import InputError
from mmrcf.utils import counted, did_you_mean


class _Rule(NamedTuple):
    expected: str
    fits: Callable[[Any], bool]


def _whole(least: int) -> _Rule:
    return _Rule(f'a whole number, at least {least}', lambda value: type(value) is int and value >= least)


def _one_of(*values: str) -> _Rule:
    return _Rule(f'one of {", ".join(values)}', lambda value: value in values)


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) and 'type' in value


def _is_list_of_parts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_part, value))


_FLAG = _Rule('True or False', lambda value: isinstance(value, bool))
_TEXT = _Rule('a path', lambda value: isinstance(value, str))
_PART = _Rule('dict(type=...)', _is_part)
_DICT = _Rule('a dict', lambda value: isinstance(value, dict))
_ANY_PART = _Rule('dict(type=...) or None', lambda value: value is None or _is_part(value))
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')

# By dotted path; a last part * is each key of a dict. None is left out, except for fields in _NEEDED.
_RULES = {
    **{f'{loader}.batch_size': _whole(1) for loader in _LOADERS},
    **{f'{loader}.num_workers': _whole(0) for loader in _LOADERS},
    **{f'{loader}.dataset': _PART for loader in _LOADERS},
    **{field: _DICT for field in ('train_cfg', 'val_cfg', 'test_cfg', 'optim_wrapper', 'env_cfg', 'randomness')},
    **{field: _DICT for field in (*_LOADERS, 'auto_scale_lr', 'default_hooks', 'visualizer', 'log_processor')},
    'train_cfg.max_iters': _whole(1),
    'train_cfg.max_epochs': _whole(1),
    'train_cfg.val_interval': _whole(1),
    'train_cfg.val_begin': _whole(0),
    'optim_wrapper.accumulative_counts': _whole(1),
    'optim_wrapper.optimizer': _PART,
    'param_scheduler': _Rule(
        'dict(type=...), or a list of such', lambda value: isinstance(value, dict) or _is_list_of_parts(value)
    ),
    'auto_scale_lr.base_batch_size': _whole(1),
    'auto_scale_lr.enable': _FLAG,
    'default_hooks.*': _ANY_PART,
    'default_hooks.checkpoint.interval': _Rule(
        'a whole number, at least 1, or -1 for a checkpoint at the end only',
        lambda value: type(value) is int and (value >= 1 or value == -1),
    ),
    'custom_hooks': _Rule('a list of dict(type=...)', _is_list_of_parts),
    'randomness.seed': _whole(0),
    'env_cfg.mp_cfg.mp_start_method': _one_of(*multiprocessing.get_all_start_methods()),
    'log_level': _one_of(*logging.getLevelNamesMapping()),
    'num_threads': _whole(1),
    'find_unused_parameters': _FLAG,
    'resume': _FLAG,
    'load_from': _TEXT,
    'work_dir': _TEXT,
}
_NEEDED = frozenset((*(f'{loader}.dataset' for loader in _LOADERS), 'optim_wrapper.optimizer'))

_PARAMWISE_KEYS = frozenset(
    (
        'bias_decay_mult',
        'bias_lr_mult',
        'bypass_duplicate',
        'custom_keys',
        'dcn_offset_lr_mult',
        'dwconv_decay_mult',
        'flat_decay_mult',
        'norm_decay_mult',
    )
)

_UNITS = dict(iter='iteration', epoch='epoch')
# What a schedule ends with: the field, and its default.
_LAST_VALUES = {'PolyLR': ('eta_min', 0.0), 'CosineAnnealingLR': ('eta_min', 0.0), 'LinearLR': ('end_factor', 1.0)}


def check_values(config: Config) -> None:
    """Check fields of a run that no constructor checks when it is built.

    Raises:
        InputError: A value is of another kind than is expected, the optimizer is not known or lacks a setting, the
            learning rate is 0 before the training ends, or one of the three fields of a validation or a test is
            missing. The message names the field.
    """
    for path, rule in _RULES.items():
        for field, value in _values(config, path):
            if not rule.fits(value) and (value is not None or path in _NEEDED):
                raise InputError(f'config {config.filename}: {field}={value!r:.60}, expected {rule.expected}')
    for loader in _LOADERS:
        options = config.get(loader) or {}
        if options.get('persistent_workers') and not options.get('num_workers'):
            raise InputError(
                f'config {config.filename}: {loader}.persistent_workers=True, but num_workers is 0; set '
                'persistent_workers=False, or num_workers to 1 or more'
            )
    optimizer = config.get('optim_wrapper') and config.optim_wrapper.get('optimizer')
    if isinstance(optimizer, dict) and OPTIMIZERS.get(optimizer['type']) is None:
        name = optimizer['type']
        raise InputError(
            f'config {config.filename}: optim_wrapper.optimizer.type={name!r} is no optimizer'
            f'{did_you_mean(name, OPTIMIZERS.module_dict)}'
        )
    unknown = set((config.get('optim_wrapper') or {}).get('paramwise_cfg') or ()) - _PARAMWISE_KEYS
    if unknown and 'constructor' not in config.optim_wrapper:
        raise InputError(
            f'config {config.filename}: nothing reads {", ".join(sorted(unknown))} of optim_wrapper.paramwise_cfg; '
            f'expected of {", ".join(sorted(_PARAMWISE_KEYS))}'
        )
    _check_custom_keys(config)
    if config.get('train_cfg'):
        _check_schedule(config)
    for stage in ('val', 'test'):
        fields = [f'{stage}_{part}' for part in ('dataloader', 'cfg', 'evaluator')]
        missing = [field for field in fields if config.get(field) is None]
        if 0 < len(missing) < len(fields):
            given = ' and '.join(field for field in fields if field not in missing)
            raise InputError(
                f'config {config.filename}: has {given} but no {" and no ".join(missing)}; give all three, or set all '
                f'to None'
            )


def _check_custom_keys(config: Config) -> None:
    """Refuse a setting of a group of parameters that the optimizer does not have: it would just lie there."""
    for key, settings in _custom_keys(config).items():
        field = f'optim_wrapper.paramwise_cfg.custom_keys[{key!r}]'
        if not isinstance(settings, dict):
            raise InputError(f'config {config.filename}: {field}={settings!r:.60}, expected a dict')
        accepted = inspect.signature(OPTIMIZERS.get(config.optim_wrapper.optimizer.type)).parameters
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values()):
            return
        known = {'lr_mult', 'decay_mult', *accepted} - {'params'}
        for name in settings.keys() - known:
            raise InputError(
                f'config {config.filename}: nothing reads {name} of {field}{did_you_mean(name, known)}; expected of '
                f'lr_mult, decay_mult and the settings of {config.optim_wrapper.optimizer.type}'
            )


def check_parameter_names(runner: Runner) -> None:
    """Compare the keys of ``optim_wrapper.paramwise_cfg.custom_keys`` with the names of the model's parameters.

    A key that is in no name has no effect, and a line of the log says so. For a part that the model can have but has
    not now, as the audio encoder of a recipe for models with and without audio, this is nothing to say.

    Raises:
        InputError: A key is in no name, and close to one.
    """
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    names = [name for name, _ in model.named_parameters()]
    parts = {part for name in names for part in name.split('.')}
    for key in _custom_keys(runner.cfg):
        first, *_ = own = key.split('.')
        if any(key in name for name in names) or getattr(model, first, key) is None:
            continue
        line = f'optim_wrapper.paramwise_cfg.custom_keys[{key!r}]: no parameter of the model has this in its name'
        for part in own:
            if part not in parts and (close := difflib.get_close_matches(part, sorted(parts), 1, 0.75)):
                raise InputError(f'config {runner.cfg.filename}: {line}; did you mean {close[0]!r}?')
        runner.logger.warning('%s, so it has no effect', line)


def _custom_keys(config: Config) -> dict[str, Any]:
    """``custom_keys``, where MMEngine's own constructor of optimizers reads them."""
    wrapper = config.get('optim_wrapper') or {}
    return {} if 'constructor' in wrapper else (wrapper.get('paramwise_cfg') or {}).get('custom_keys') or {}


def _check_schedule(config: Config) -> None:
    """Refuse a schedule that stops changing the learning rate, or has brought it to 0, before the training ends."""
    schedules = config.get('param_scheduler') or []
    unit = _training_unit(config)
    count = config.train_cfg.get(f'max_{unit}s')
    for index, schedule in enumerate([schedules] if isinstance(schedules, dict) else schedules):
        field = 'param_scheduler' if isinstance(schedules, dict) else f'param_scheduler.{index}'
        by_epoch = schedule.get('by_epoch', True)
        if by_epoch and unit == 'iter' and not schedule.get('convert_to_iter_based'):
            raise InputError(
                f'config {config.filename}: {field}: counts epochs, and this training has none, so the rate would '
                f'stay as it begins; set {field}.by_epoch=False, with begin and end in iterations'
            )
        end = schedule.get('end', count)
        if by_epoch == (unit == 'epoch') and count and end < count and _ends_at_zero(schedule):
            raise InputError(
                f'config {config.filename}: {field}: the learning rate is 0 after {counted(end, _UNITS[unit])}, and '
                f'train_cfg.max_{unit}s={count}; set {field}.end={count} too'
            )


def _ends_at_zero(schedule: dict) -> bool:
    """Whether a schedule with an ``end`` leaves a learning rate of 0 behind."""
    field, default = _LAST_VALUES.get(schedule['type'].rpartition('.')[2], (None, 1.0))
    length = schedule.get('end', math.inf) - schedule.get('begin', 0)
    is_whole = schedule.get('T_max', length) == length  # a cosine of another period ends somewhere else
    return is_whole and not schedule.get(field, default) and not schedule.get('eta_min_ratio')


def training_length(config: Config) -> tuple[int, str]:
    """How long a training is, and in what: ``'iter'`` or ``'epoch'``, as in the names of checkpoints.

    Raises:
        InputError: ``train_cfg`` has no such number.
    """
    unit = _training_unit(config)
    count = config.train_cfg.get(f'max_{unit}s')
    if type(count) is not int or count < 1:
        raise InputError(
            f'config {config.filename}: train_cfg.max_{unit}s={count!r}, expected a whole number, at least 1; '
            'correct it'
        )
    return count, unit


def _training_unit(config: Config) -> str:
    loop = config.train_cfg
    return 'epoch' if loop.get('by_epoch') or loop.get('type') == 'EpochBasedTrainLoop' else 'iter'


def _values(config: Config, path: str) -> list[tuple[str, Any]]:
    """The fields of a dotted path with their values; none where the config has no such field."""
    node: Any = config
    *parents, key = path.split('.')
    for parent in parents:
        node = node.get(parent) if isinstance(node, dict | Config) else None
    if not isinstance(node, dict | Config):
        return []
    if key == '*':
        return [(f'{".".join(parents)}.{name}', value) for name, value in node.items()]
    return [(path, node.get(key))] if key in node else []
