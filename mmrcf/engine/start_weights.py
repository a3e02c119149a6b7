"""Checks the weights that a run starts from before it starts; MMEngine itself skips what does not fit."""

from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner, find_latest_checkpoint
from torch import nn

from mmrcf.apis.checkpoint import load_weights, read_checkpoint
from mmrcf.errors import InputError, InputFileError
from mmrcf.utils import require_file

from .run_config import config_parts


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
    classes, another neck): the runner logs what it leaves out.

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
