"""The stages of a training: a config names the one before it, and the stages that are missing are trained first.

In a config, ``previous_stage`` is a dict with these keys:

- ``config``: The config of the stage before. Its last checkpoint is what this config starts from.
- ``same_fields``: Fields, by dotted path, in which the stage before takes the values of this config, so that an
  ablation has a first stage of its own, with the layers of its row. Default: none.
- ``checkpoint``: A file that stands for the result of the stage before, if it is there. Default: none.

``load_from`` comes first where a config has both. ``data_commands`` of a config gives, for annotation files that are
not published, the commands that write them.
"""

import contextlib
import copy
import errno
import re
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner
from torch.distributed import DistBackendError

from mmrcf.errors import InputError, InputFileError, one_line
from mmrcf.model_index import listed_model

from .checkpoint import latest_checkpoint
from .config import load_config
from .config_fields import config_parts
from .config_values import training_length

_KEYS = ('config', 'same_fields', 'checkpoint')


def plan_stages(config: Config, resume: bool = False) -> list[Config]:
    """The stages that must still be trained, in order.

    Args:
        config: The config that was named, with its ``work_dir``.
        resume: Whether stages that were interrupted continue.

    Returns:
        Configs, the last one ``config`` itself, with ``work_dir``, ``resume`` and ``load_from`` set. What ``load_from``
        names is there, or is written by the stage before it. All trainings share a stage before, in its own
        ``work_dir`` or in ``work_dirs/<name>``; one that ``same_fields`` changes is written into ``config.work_dir``.

    Raises:
        InputFileError: The config of a stage before is missing.
        InputError: A ``previous_stage`` is not as the module describes it, or the stages form a circle.
    """
    stages = [config]
    while True:
        stage = stages[0]
        if resume and latest_checkpoint(stage.work_dir):
            stage.resume, stage.load_from = True, None  # with load_from, MMEngine would resume that file
            return stages
        entry = _previous_stage(stage)
        if entry is None or stage.get('load_from'):
            return stages
        if not Path(entry['config']).exists() and listed_model(entry['config']) is None:
            raise InputFileError(
                f'config {stage.filename}: previous_stage.config={entry["config"]}: no such file; correct it, or start '
                'in the folder that it is relative to'
            )
        before = load_config(entry['config'])
        if Path(before.filename).resolve() in (Path(known.filename).resolve() for known in stages):
            raise InputError(
                f'config {stage.filename}: previous_stage.config={entry["config"]}: the stages form a circle; '
                'name a stage that comes before'
            )
        changed = _copy_fields(stage, before, entry.get('same_fields', ()))
        if changed:
            before.work_dir = str(Path(config.work_dir) / _name(before))
        elif not before.get('work_dir'):
            before.work_dir = str(Path('work_dirs') / _name(before))
        given = entry.get('checkpoint')
        stage.load_from = str(given) if given and not changed and Path(given).exists() else result_of(before)
        if Path(stage.load_from).exists():
            return stages
        stages.insert(0, before)


def result_of(config: Config) -> str:
    """The checkpoint that a training of ``config`` ends with."""
    count, unit = training_length(config)
    return str(Path(config.work_dir) / f'{unit}_{count}.pth')


def describe(config: Config, number: int, total: int) -> str:
    """One line about a stage that is about to start.

    Args:
        config: Of the stage.
        number: Which of the stages it is, from 1.
        total: How many there are.
    """
    count, unit = training_length(config)
    line = f'Stage {number} of {total}: {config.filename}, {count:,} {dict(iter="iterations", epoch="epochs")[unit]}'
    line += f', in {config.work_dir}'
    latest = latest_checkpoint(config.work_dir)
    if config.get('resume'):
        return f'{line}, continues from {Path(config.get("load_from") or latest).name}'
    if config.get('load_from'):
        line += f', starts from {config.load_from}'
    return f'{line}; {Path(latest).name} of an earlier run is there, --resume continues it' if latest else line


TRAINING_LOADERS = ('train_dataloader', 'val_dataloader')


def missing_data(config: Config, loaders: Sequence[str] = TRAINING_LOADERS) -> list[tuple[str, str, str | None]]:
    """The annotation files that are not there.

    Args:
        config: The config.
        loaders: Fields of the config whose data sets are looked at.

    Returns:
        The field, the path, and the command of ``data_commands`` that writes the file, or None; each file once.
    """
    commands, found = config.get('data_commands') or {}, {}
    for loader in loaders:
        for field, part in config_parts(config.get(loader) or {}):
            name = part.get('ann_file')
            if not isinstance(name, str) or not name or '://' in name:
                continue
            path = Path(part.get('data_root') or '') / name
            if not path.exists():
                found.setdefault(str(path), (f'{loader}.{field}.ann_file', str(path), commands.get(str(path))))
    return list(found.values())


def require_data(stages: Sequence[Config], loaders: Sequence[str] = TRAINING_LOADERS) -> None:
    """Check the annotation files of the first of ``stages``, and those of the others that no command writes.

    Raises:
        InputFileError: One is missing. The message has the command that writes it, if the config names one.
    """
    for number, config in enumerate(stages):
        for field, path, command in missing_data(config, loaders):
            if command is None:
                raise InputFileError(f'config {config.filename}: {field}={path}: no such file; check the path')
            if number == 0:
                raise InputFileError(
                    f'config {config.filename}: {field}={path}: no such file; write it with `{command}`, and '
                    f'start again{" with --resume" if loaders == TRAINING_LOADERS else ""}'
                )


def pauses(stages: Sequence[Config]) -> Iterator[str]:
    """One line for each command that has to be run before a later one of ``stages``."""
    for config in stages[1:]:
        for _, path, command in missing_data(config):
            yield f'Before {config.filename}: {path} has to be written, with `{command}`'


def _previous_stage(config: Config) -> dict | None:
    """The checked ``previous_stage`` of ``config``; None where it has none."""
    entry = config.get('previous_stage')
    if entry is None:
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get('config'), str) or set(entry) - set(_KEYS):
        raise InputError(
            f'config {config.filename}: previous_stage={entry!r}, expected dict(config=FILE) and of '
            f'{", ".join(_KEYS[1:])} what is needed'
        )
    return entry


def _copy_fields(source: Config, target: Config, fields: Sequence[str]) -> bool:
    """Give ``target`` the values that ``source`` has in ``fields``; whether any was another before."""
    changed = False
    for field in fields:
        value, (*parents, key) = source, field.split('.')
        node = target
        try:
            for name in (*parents, key):
                value = value[name]
            for name in parents:
                node = node[name]
        except (KeyError, TypeError) as error:
            raise InputError(
                f'config {source.filename}: previous_stage.same_fields: {field} is not in both stages; remove it there'
            ) from error
        if key not in node or node[key] != value:
            node[key] = copy.deepcopy(value)
            changed = True
    return changed


def _name(config: Config) -> str:
    return Path(config.filename).stem


@contextlib.contextmanager
def explained_training_errors(runner: Runner) -> Iterator[None]:
    """Turn what ends a training without a fault of its code into an :class:`InputError` with the remedy.

    These are a loss or a matching cost that is not a number, parts of the model whose channels differ, a full disk, and
    another process of the run that ended.
    """
    try:
        yield
    except FloatingPointError as error:
        rate = runner.cfg.optim_wrapper.optimizer.lr
        raise InputError(
            f'training diverged at iteration {runner.iter + 1}: {error}; lower the rate, for example --cfg-options '
            f'optim_wrapper.optimizer.lr={rate / 2:g}, and start again'
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(
            f'{_stopped(runner)}: no space left on the disk; free some, and continue from the last checkpoint with '
            '--resume'
        ) from error
    except RuntimeError as error:
        if mismatch := _mismatched_part(runner, error):
            raise InputError(f'config {runner.cfg.filename}: {mismatch}') from error
        ended = _ended_process(error)
        if ended is None:
            raise
        raise InputError(f'{_stopped(runner)}: {ended}, and continue from the last checkpoint with --resume') from error


def _stopped(runner: Runner) -> str:
    return f'{runner.work_dir}: the training stopped at iteration {runner.iter + 1}'


def _mismatched_part(runner: Runner, error: RuntimeError) -> str | None:
    """Which part of the model got features of another width than its layers have; None where that is not the error."""
    if not re.search(r'to have \d+ channels|mat1 and mat2 shapes cannot be multiplied', str(error)):
        return None
    names = {id(module): name for name, module in runner.model.named_modules()}
    owners = [id(frame.f_locals.get('self')) for frame, _ in traceback.walk_tb(error.__traceback__)]
    found = [names[owner] for owner in owners if names.get(owner)]
    if not found:
        return None
    return (
        f'model.{found[-1].removeprefix("module.")}: {one_line(error)}; make the channels of neighbouring parts equal'
    )


def _ended_process(error: RuntimeError) -> str | None:
    """Which other process ended, and what to do about it; None where ``error`` is about something else."""
    if re.search(r'DataLoader worker \(pid\S* [\d, ]+\)', str(error)):
        return (
            'a process that loads data ended, often for lack of memory; lower train_dataloader.num_workers, or free '
            'memory'
        )
    is_lost = isinstance(error, DistBackendError) or re.search(
        r'gloo.*(Connection|Broken pipe|Timed out)|Connection (closed|reset) by peer', str(error), re.DOTALL
    )
    return 'another process of the run ended; see its output above' if is_lost else None
