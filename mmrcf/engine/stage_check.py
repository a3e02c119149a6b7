"""A training of several stages: all are built before the first one trains, so that no mistake waits for hours."""

import copy
import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmrcf.errors import InputError

from .checkpoint import any_weight_fits, require_start_weights, unwrapped
from .config import build_runner, check_batch_size
from .config_errors import explained_config_errors
from .config_values import check_parameter_names
from .hooks import DatasetCheckHook
from .stages import missing_data, result_of, training_length

# Where runs are logged on another machine or in a database, with the package that does it.
_REMOTE_LOGS = {
    'AimVisBackend': 'aim',
    'ClearMLVisBackend': 'clearml',
    'DVCLiveVisBackend': 'dvclive',
    'MLflowVisBackend': 'mlflow',
    'NeptuneVisBackend': 'neptune',
    'WandbVisBackend': 'wandb',
}


def check_stages(stages: Sequence[Config]) -> None:
    """Build each stage as its training will, and read one item of the data of all but the first.

    Nothing is trained and nothing stays: logs go to a temporary folder. Models are built one after the other. The data
    of a stage are left out where a command of ``data_commands`` still has to write some.

    Args:
        stages: At least one, as :func:`~mmrcf.engine.stages.plan_stages` gives them.

    Raises:
        InputFileError: A file of a stage is missing.
        InputError: A field of a stage is wrong, its data do not suit its model, or the stage before does not write what
            it starts from.
    """
    written, shapes = set(), {}
    for number, stage in enumerate(stages):
        require_start_weights(stage, written)
        with tempfile.TemporaryDirectory() as folder:
            runner = build_runner(_rehearsed(stage, folder))
            try:
                with explained_config_errors(stage):
                    _build_training(runner, with_data=number > 0 and not missing_data(stage))
                weights = unwrapped(runner.model).state_dict()
                if stage.get('load_from') in written and not any_weight_fits(weights, shapes):
                    raise InputError(
                        f'config {stage.filename}: previous_stage.config={stage.previous_stage.config}: none of its '
                        'weights fits the model of this config; give the stage before the same parts'
                    )
                if number + 1 < len(stages):
                    _require_last_checkpoint(runner, stage, stages[number + 1])
                    written.add(result_of(stage))
                shapes = {name: value.shape for name, value in weights.items()}
            finally:
                for handler in runner.logger.handlers:
                    handler.close()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _rehearsed(stage: Config, folder: str) -> Config:
    """``stage`` with its output in ``folder`` and no words on the terminal, under names that no later run has."""
    config = copy.deepcopy(stage)
    config.update(work_dir=folder, experiment_name=None, log_level='ERROR', load_from=None, resume=False)
    visualizer = config.get('visualizer')
    if isinstance(visualizer, dict):
        visualizer.pop('name', None)
        backends = visualizer.get('vis_backends')
        if isinstance(backends, list):
            visualizer.vis_backends = [item for item in backends if not _is_remote(item, stage)]
    return config


def _is_remote(backend: object, stage: Config) -> bool:
    """Whether building a log would begin a run elsewhere; its package has to be there."""
    package = _REMOTE_LOGS.get(backend.get('type')) if isinstance(backend, dict) else None
    if package is not None and importlib.util.find_spec(package) is None:
        raise InputError(
            f'config {stage.filename}: visualizer.vis_backends: {backend["type"]} needs the package {package}; '
            'install it, or leave the entry out'
        )
    return package is not None


def _build_training(runner: Runner, with_data: bool) -> None:
    """What MMEngine builds when the training starts: optimizer, and with the data loops, schedules and hooks."""
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    check_batch_size(runner)
    check_parameter_names(runner)
    if not with_data:
        return
    loader = runner.train_loop.dataloader
    runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
    if runner.param_schedulers is not None:
        runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    _ = runner.val_loop
    runner.call_hook('before_run')
    for hook in runner.hooks:
        if isinstance(hook, DatasetCheckHook):
            hook.before_train(runner)
    for dataset in getattr(loader.dataset, 'datasets', [loader.dataset]):
        _ = dataset[0]


def _require_last_checkpoint(runner: Runner, stage: Config, after: Config) -> None:
    """Raise :class:`InputError` if the training of ``stage`` does not write the checkpoint that ``after`` loads."""
    count, unit = training_length(stage)
    by_epoch, name = unit == 'epoch', Path(result_of(stage)).name
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            is_due = hook.save_last or (hook.interval > 0 and (count - hook.save_begin) % hook.interval == 0)
            is_named = hook.by_epoch == by_epoch and hook.filename_tmpl.format(count) == name
            if is_due and is_named and hook.out_dir is None:
                return
    raise InputError(
        f'config {stage.filename}: default_hooks.checkpoint does not write {name} at the end, from which '
        f'{after.filename} starts; give it by_epoch={by_epoch} and save_last=True, and no out_dir and filename_tmpl'
    )
