"""From a config file to a runner."""

import math
import os
import time
import uuid
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmrcf.errors import InputError, InputFileError, one_line
from mmrcf.inputs import note_input
from mmrcf.model_index import listed_model
from mmrcf.models.backbones import is_timm
from mmrcf.threads import user_chose_threads
from mmrcf.utils import require_file

from .config_errors import explained_config_errors
from .config_fields import config_parts
from .config_options import check_spelling, override
from .config_values import check_values, training_length


def load_config(path: str | Path, cfg_options: dict[str, Any] | None = None) -> Config:
    """Read a config file and override some of its fields.

    Args:
        path: The config file (``.py``), or the name of a model of the metafiles.
        cfg_options: New values by dotted path, for example ``{'model.score_thr': 0.3}``.

    Raises:
        InputFileError: The file or one of its bases is missing.
        InputError: The file is not a valid config, or it or an option has a top-level field that nothing reads.
    """
    model = listed_model(path)
    path = require_file(model.config_path if model else path, 'config')
    if path.suffix not in ('.py', '.json', '.yaml', '.yml'):
        raise InputError(f'config {path}: expected a .py file, got {path.suffix or "no suffix"}')
    try:
        config = Config.fromfile(path)
        _note_bases(path)
    except FileNotFoundError as error:
        raise InputFileError(f'config {path}: {one_line(error)}; check the names in its _base_') from error
    except Exception as error:  # the file is the user's program: whatever it raises is theirs to fix
        raise InputError(f'config {path}: cannot be read ({type(error).__name__}: {one_line(error)})') from error
    check_spelling(config)
    _list_metrics(config)
    if not isinstance(config.get('model'), dict):
        raise InputError(f'config {path}: has no field model=dict(type=...); give the config of a model')
    if cfg_options:
        override(config, cfg_options)
    return config


def _list_metrics(config: Config) -> None:
    """Put metrics that are in a tuple into a list: MMEngine takes no tuple, and ``--cfg-options`` changes none."""
    test_sets = config.get('test_sets')
    holders = [config, *(test_sets.values() if isinstance(test_sets, dict) else ())]
    for holder in holders:
        for field in ('val_evaluator', 'test_evaluator', 'evaluator'):
            if isinstance(holder, dict | Config) and isinstance(holder.get(field), tuple):
                holder[field] = list(holder[field])


def metric_configs(config: Config, split: str) -> list[dict]:
    """The configs of the metrics of a split, ``val`` or ``test``: one or several in ``<split>_evaluator``."""
    given = config[f'{split}_evaluator']
    return given if isinstance(given, list) else [given]


def _note_bases(path: Path) -> None:
    """Count the files that a config is made of as inputs, so that none of them becomes an output."""
    note_input(path)
    for base in Config._get_base_files(str(path)):
        if '::' not in base:  # of an installed package
            _note_bases(path.parent / base)


def require_training(config: Config) -> None:
    """Raise :class:`InputError` if ``config`` has no training: it lacks the data, the loop or the optimizer."""
    missing = [field for field in ('train_dataloader', 'train_cfg', 'optim_wrapper') if not config.get(field)]
    if missing:
        raise InputError(f'config {config.filename}: has no {" and no ".join(missing)}; add what training needs')


def require_gpu_for_amp(config: Config) -> None:
    """Raise :class:`InputError` if ``config`` trains in mixed precision and there is no GPU."""
    if config.optim_wrapper.get('type') == 'AmpOptimWrapper' and not torch.cuda.is_available():
        raise InputError(
            f'config {config.filename}: optim_wrapper.type=AmpOptimWrapper (--amp) needs a GPU, and none is there; '
            'train without --amp'
        )


def drop_initial_weights(config: Config) -> None:
    """Let the model of ``config`` begin with random weights, where it names those of a file or an address."""
    for field, part in list(config_parts(config)):
        if field.split('.')[0] != 'model':
            continue
        if (part.get('init_cfg') or {}).get('type') == 'Pretrained':
            config.merge_from_dict({f'{field}.init_cfg': None})  # the parts are copies
        if is_timm(part):
            config.merge_from_dict({f'{field}.pretrained': False, f'{field}.checkpoint': None})


def set_threads(config: Config) -> None:
    """Use ``num_threads`` CPU threads if the config has that field; the variable ``OMP_NUM_THREADS`` comes first."""
    if config.get('num_threads') and not user_chose_threads():
        torch.set_num_threads(config.num_threads)


def set_up_process(config: Config) -> None:
    """Do what a config says about the process: CPU threads, and the scope in which its bare type names are found."""
    set_threads(config)
    init_default_scope(config.get('default_scope', 'mmrcf'))


def set_work_dir(config: Config, work_dir: str | None) -> None:
    """Choose the folder for logs and checkpoints: the argument, else the config's, else ``work_dirs/<config name>``.

    Raises:
        InputFileError: It cannot be created or written to.
    """
    config.work_dir = work_dir or config.get('work_dir') or str(Path('work_dirs') / Path(config.filename).stem)
    try:
        os.makedirs(config.work_dir, exist_ok=True)
    except OSError as error:
        raise InputFileError(
            f'work_dir {config.work_dir}: cannot be created ({error.strerror}); choose another with --work-dir'
        ) from error
    if not os.access(config.work_dir, os.W_OK):
        raise InputFileError(f'work_dir {config.work_dir}: not writable; choose another with --work-dir')


def pin_memory(config: Config) -> None:
    """Let batches go to the GPU from pinned memory while it computes, where a loader does not choose."""
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if config.get(loader):
            config[loader].setdefault('pin_memory', True)


def build_runner(config: Config) -> Runner:
    """Build the runner of ``config``; see :func:`explained_config_errors` and :func:`check_values` for errors."""
    check_values(config)
    if torch.cuda.is_available():  # without a GPU, PyTorch warns of it
        pin_memory(config)
    config.randomness = {'seed': None, **(config.get('randomness') or {})}  # MMEngine insists on the key
    if not config.get('experiment_name'):
        # MMEngine names a run by its config and the second it starts in, and keeps one log for each name.
        stem = Path(config.filename).stem if config.filename else 'run'
        config.experiment_name = f'{stem}_{time.strftime("%Y%m%d_%H%M%S")}_{uuid.uuid4().hex[:8]}'
    with explained_config_errors(config):
        return Runner.from_cfg(config)


def check_batch_size(runner: Runner) -> None:
    """Compare the batch of a training with the one that its learning rate is for: ``auto_scale_lr.base_batch_size``.

    A batch is the clips of all processes and accumulated steps. If it is another, a line of the log says so. With
    ``auto_scale_lr.enable``, MMEngine scales the rate when the training starts. Another line says how many updates and
    clips there are where steps are accumulated: MMEngine counts each step as an iteration.

    Raises:
        InputError: The rate has to be scaled, and the config does not say what it is for.
    """
    config, scale = runner.cfg, runner.auto_scale_lr or {}
    steps = config.optim_wrapper.get('accumulative_counts', 1)
    clips = config.train_dataloader.batch_size * runner.world_size
    count, unit = training_length(config)
    if steps > 1 and unit == 'iter':
        runner.logger.warning(
            'accumulative_counts=%d: iterations %s, updates of the weights %s, clips %s; for as many updates as the '
            'recipe has, multiply max_iters, and begin and end of param_scheduler, by %d',
            *(steps, f'{count:,}', f'{math.ceil(count / steps):,}', f'{count * clips:,}', steps),
        )
    if 'base_batch_size' not in scale:
        if scale.get('enable'):
            raise InputError(
                f'config {config.filename}: has no auto_scale_lr.base_batch_size, the batch that its learning rate is '
                'for; add it, or train without --auto-scale-lr'
            )
        return
    batch, recipe = clips * steps, scale['base_batch_size']
    if scale.get('enable'):
        scale['base_batch_size'] = recipe / steps  # MMEngine's scaling takes no account of accumulated steps
    elif batch != recipe:
        runner.logger.warning(
            'batch: %d clips x %d processes x %d accumulated steps = %d, but the learning rate is for a batch of %d; '
            '--auto-scale-lr multiplies the rate by %g',
            config.train_dataloader.batch_size,
            runner.world_size,
            steps,
            batch,
            recipe,
            batch / recipe,
        )
