"""What the tools of this folder share: a run is one training and one test, and leaves one JSON file of figures."""

import contextlib
import copy
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config

from mmrcf.engine.checkpoint import latest_checkpoint, require_start_weights
from mmrcf.engine.config import load_config, require_training
from mmrcf.engine.stages import plan_stages, result_of, training_length
from mmrcf.errors import InputError
from mmrcf.utils import counted, describe_machine, read_json, write_json

ROOT = Path(__file__).resolve().parents[2]
# The columns of a table of runs: name in tools/test.py, heading.
METRICS = {'vis/AP': 'AP', 'vis/AP50': 'AP50', 'vis/AP75': 'AP75', 'vis/AR1': 'AR1', 'vis/AR10': 'AR10'}


@dataclass(frozen=True)
class Run:
    """One training and test.

    Attributes:
        name: Of the setting, as a file name.
        config: Path of the config.
        seed: Random seed of weights and data.
        options: Fields of the config to override, by dotted path.
    """

    name: str
    config: str
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What identifies the run within its folder."""
        return f'{self.name}_seed{self.seed}'

    def resolved(self) -> Config:
        """The config with the overrides and the seed. Data are loaded in the training process: runs share the cores.

        Raises:
            InputError: An option does not fit the config, or the config has no training of some length or no test.
        """
        config = load_config(ROOT / self.config, dict(self.options))
        require_training(config)
        training_length(config)
        if not config.get('test_dataloader') or not config.get('test_evaluator'):
            raise InputError(f'config {self.config}: has no test_dataloader and test_evaluator; add them')
        config.merge_from_dict({'randomness.seed': self.seed})
        for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            if config.get(loader):
                config[loader].update(num_workers=0, persistent_workers=False)
        return config


def run_all(
    runs: Sequence[Run], results: Path, work: Path, jobs: int = 1, again: bool = False, force: bool = False
) -> None:
    """Train and test what has no result yet. An interrupted run continues at its last checkpoint.

    A stage before that several runs start from is trained first, once, for two trainings cannot share its folder.

    Args:
        runs: In the order in which they start.
        results: Folder of the results, ``<title>.json``.
        work: Folder of checkpoints and logs, a subfolder for each run.
        jobs: Runs at the same time.
        again: Whether runs that have a result run again. A training in ``work`` is not repeated, only its test.
        force: Whether a result of other settings is replaced, and a training of other settings deleted.

    Raises:
        InputError: A config is wrong, a result is of other settings, a stage before failed, or a run failed; the other
            runs are finished first.
    """
    due = []
    for run in runs:
        config = run.resolved()
        path = results / f'{run.title}.json'
        if path.exists():
            is_current = read_json(path, 'result')['config_digest'] == digest(config)
            if is_current and not again:
                continue
            if not (is_current or force):
                raise InputError(
                    f'result {path}: is of other settings than this run has now; --force runs it again and replaces it'
                )
        with contextlib.chdir(ROOT):
            before = _missing_stages(config, work / run.title)
            require_start_weights(config, [result_of(stage) for stage in before])
        due.append((run, config))
    print(f'{counted(len(runs), "run")}, {len(runs) - len(due)} of them have a result', flush=True)
    for run, config in due:
        _train_shared_stage(config, work, work / run.title)
    if jobs == 1:
        errors = [_attempt(*item, results, work, force) for item in due]
    else:
        with ThreadPoolExecutor(jobs) as pool:
            errors = list(pool.map(lambda item: _attempt(*item, results, work, force), due))
    failed = [error for error in errors if error]
    if failed:
        raise InputError('; '.join(failed))


def _missing_stages(config: Config, folder: Path) -> list[Config]:
    """The stages before ``config`` that its training in ``folder``, which starts in ``ROOT``, would train first."""
    config = copy.deepcopy(config)
    config.work_dir = str(folder)
    return plan_stages(config, resume=True)[:-1]


def _train_shared_stage(config: Config, work: Path, folder: Path) -> None:
    """Train the stages before ``config`` that are missing and that its training in ``folder`` would write elsewhere.

    Raises:
        InputError: The training failed.
    """
    with contextlib.chdir(ROOT):
        before = [(stage.filename, Path(stage.work_dir).resolve()) for stage in _missing_stages(config, folder)]
    shared = [(path, place) for path, place in before if not place.is_relative_to(folder)]
    if shared:
        path, place = shared[-1]
        work.mkdir(parents=True, exist_ok=True)
        print(f'{path}: started, in {place}', flush=True)
        _tool(['tools/train.py', path, '--work-dir', place, '--resume'], work / f'{Path(path).stem}.txt')


def _attempt(run: Run, config: Config, results: Path, work: Path, force: bool) -> str | None:
    """Run, and return what went wrong."""
    started = time.time()
    folder = work / run.title
    settings = work / f'{run.title}.py'  # not in the folder, where MMEngine puts a copy with fields of its own
    # A result must not continue a training of other settings.
    if folder.exists() and settings.exists() and digest(Config.fromfile(settings)) != digest(config):
        if not force:
            return f'{run.title}: {folder} has a training of other settings; --force deletes it and starts again'
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    resumed = latest_checkpoint(folder) is not None
    length, unit = training_length(config)
    config.dump(str(settings))
    print(f'{run.title}: started', flush=True)
    try:
        _tool(['tools/train.py', settings, '--work-dir', folder, '--resume'], folder / 'train.txt')
        checkpoint = latest_checkpoint(folder)
        figures = folder / 'metrics.json'
        _tool(
            ['tools/test.py', settings, checkpoint, '--work-dir', folder / 'test', '--json', figures],
            folder / 'test.txt',
        )
    except InputError as error:
        return f'{run.title}: {error}'
    metrics = {name: value for name, value in read_json(figures, 'metrics').items() if '/' in name}
    record = dict(
        name=run.name,
        config=run.config,
        options=dict(run.options),
        seed=run.seed,
        **{dict(iter='iterations', epoch='epochs')[unit]: length},
        batch_size=config.train_dataloader.batch_size,
        config_digest=digest(config),
        metrics=metrics,
        minutes=None if resumed else round((time.time() - started) / 60, 1),
        date=time.strftime('%Y-%m-%d'),
        machine=describe_machine(torch.device('cuda' if torch.cuda.is_available() else 'cpu')),
    )
    write_json(results / f'{run.title}.json', record, updates=True)  # its settings may have been compared
    print(f'{run.title}: AP {metrics.get("vis/AP", float("nan")):.1f}', flush=True)
    return None


def _tool(command: Sequence[object], log: Path) -> None:
    words = [sys.executable, *map(str, command)]
    paths = [str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])]
    environment = os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': os.pathsep.join(paths)}
    with open(log, 'a', encoding='utf-8') as file:
        code = subprocess.run(words, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, env=environment).returncode
    if code:
        raise InputError(f'{command[0]} ended with {code}; see {log}')


def digest(config: Config) -> str:
    """The first 12 digits of the SHA-256 of the settings, whatever file they are from."""
    return hashlib.sha256(repr(sorted(_flat(config.to_dict()))).encode()).hexdigest()[:12]


def _flat(node: Any, name: str = '') -> list[tuple[str, str]]:
    if isinstance(node, Mapping):
        return [item for key, value in node.items() for item in _flat(value, f'{name}.{key}')]
    if isinstance(node, list | tuple):
        return [item for index, value in enumerate(node) for item in _flat(value, f'{name}.{index}')]
    return [(name, repr(node))]


def load_results(folder: Path) -> dict[str, dict[int, dict]]:
    """The results of a folder by setting and seed."""
    found: dict[str, dict[int, dict]] = {}
    for path in sorted(folder.glob('*.json')):
        record = read_json(path, 'result')
        found.setdefault(record['name'], {})[record['seed']] = record
    return found


def mean_and_deviation(values: Sequence[float]) -> str:
    """``40.8 ± 0.3 (3)``: mean, sample standard deviation, count."""
    if not values:
        return '-'
    spread = f' ± {np.std(values, ddof=1):.1f}' if len(values) > 1 else ''
    return f'{np.mean(values):.1f}{spread} ({len(values)})'
