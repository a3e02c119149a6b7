"""Kill trainings and resume them: does each end in the weights of one that never stopped?

``python tools/fuzz/kill_training.py --kills 40 --json docs/reliability/kills.json``

A tiny model is trained on generated shapes by ``tools/train.py``, with a checkpoint every second iteration. Half of the
kills come at a random time, the others inside the writing of a checkpoint. Trainings are copies of this process (fork),
since importing PyTorch takes longer than they do.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmrcf.command_line import add_json, add_seed, start_program, whole_number
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kills', type=whole_number(1), default=40, metavar='N', help='how often (default: 40)')
    parser.add_argument('--minutes', type=float, metavar='M', help='start no training after this time')
    add_seed(parser, 'when and where the kills come')
    add_json(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch
from tqdm import tqdm

import mmrcf.utils.outputs
from mmrcf.engine.hooks.complete_checkpoint_hook import POINTER
from mmrcf.models.checkpoint_file import read_content
from mmrcf.synthetic.writer import write_split
from mmrcf.utils import describe_machine, write_json

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools'))
import train  # noqa: E402  (a script, found beside this folder)

CONFIG = ROOT / 'configs/shapes/r18_crops_shapes.py'
ITERATIONS, INTERVAL = 24, 2
LAST = f'iter_{ITERATIONS}.pth'
KILLS_PER_RUN = 4
# Of the writing of a checkpoint: a kill comes within the first six of a training.
STEPS_OF_A_WRITE = 10
MAX_ATTEMPTS = 50
FAULTS = ('failed', 'left_over', 'empty pointers', 'stale pointers', 'lost checkpoints', 'torn checkpoints')


def options(data: Path, max_keep: int) -> list[str]:
    """Overrides of the config: a model of 8 channels, a few iterations, one log line for each."""
    fields = {
        'model.backbone.base_channels': 8,
        'model.backbone.stem_channels': 8,
        'model.in_channels': 32,
        'train_dataloader.batch_size': 4,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'train_dataloader.dataset.data_root': f'{data}/',
        'train_cfg.max_iters': ITERATIONS,
        'param_scheduler.0.end': 4,
        'param_scheduler.1.begin': 4,
        'param_scheduler.1.end': ITERATIONS,
        'default_hooks.checkpoint.interval': INTERVAL,
        'default_hooks.checkpoint.max_keep_ckpts': max_keep,
        'default_hooks.logger.interval': 1,
    }
    return [f'{field}={value}' for field, value in fields.items()]


@contextlib.contextmanager
def killed_in_a_write(steps: int) -> Iterator[None]:
    """While the block runs, this process kills itself before one of the steps by which outputs are written."""
    left = [steps]
    module = mmrcf.utils.outputs

    def counted(step: Callable) -> Callable:
        def run(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*args, **kwargs)

        return run

    module._create_locked, module._flush = counted(module._create_locked), counted(module._flush)
    Path.replace, Path.unlink = counted(Path.replace), counted(Path.unlink)
    yield


def start(work_dir: Path, data: Path, max_keep: int, log: Path, steps: int | None = None) -> int:
    """Start a training that continues what is in ``work_dir``; returns the id of its process."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        with contextlib.nullcontext() if steps is None else killed_in_a_write(steps):
            train.main(
                [str(CONFIG), '--work-dir', str(work_dir), '--resume', '--cfg-options', *options(data, max_keep)]
            )
        code = 0
    except SystemExit as error:
        code = error.code or 0
    finally:
        os._exit(code)


def ended(process: int, after: float | None = None) -> int:
    """Wait for a process, which is killed ``after`` seconds; its exit code, negative for a signal."""
    if after is not None:
        end = time.monotonic() + after
        while time.monotonic() < end:
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def damage(work_dir: Path, had_checkpoint: bool) -> list[str]:
    """What is wrong in the folder of a killed training, by kind."""
    found = []
    pointer = work_dir / POINTER
    if pointer.exists():
        named = pointer.read_text().strip()
        if not named:
            found.append('empty pointers')
        elif not zipfile.is_zipfile(work_dir / named):
            found.append('stale pointers')
    checkpoints = list(work_dir.glob('[!.]*.pth'))  # without unfinished ones, which are hidden
    complete = [path for path in checkpoints if zipfile.is_zipfile(path)]
    if had_checkpoint and not complete:
        found.append('lost checkpoints')
    if len(complete) < len(checkpoints):
        found.append('torn checkpoints')
    return found


def left_over(work_dir: Path, max_keep: int) -> int:
    """Files in the folder of a training that came to its end that should not be there."""
    hidden = [path for path in work_dir.rglob('.*') if path.is_file()]
    checkpoints = {path.name for path in work_dir.glob('[!.]*.pth')}
    expected = {f'iter_{ITERATIONS - INTERVAL * age}.pth' for age in range(max_keep)}
    return len(hidden) + len(checkpoints ^ expected)


def same(checkpoint: Path, other: Path) -> bool:
    """Whether weights and optimizer of two checkpoints are equal to the last bit."""
    return all(
        _equal(*(read_content(path)[key] for path in (checkpoint, other))) for key in ('state_dict', 'optimizer')
    )


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other


def kill_and_resume(folder: Path, kills: int, seed: int, minutes: float | None = None) -> dict[str, Any]:
    """Kill trainings ``kills`` times in all, a few times each, and let each come to its end.

    Args:
        folder: An empty folder to work in.
        kills: How often.
        seed: Of times and places.
        minutes: No further training is started after this time.

    Returns:
        The number of ``kills``, of them ``in_writes``, ``runs``, ``moved`` folders; ``equal`` runs, ``failed`` resumes,
        ``left_over`` files, and what :func:`damage` found.
    """
    rng = random.Random(seed)
    data = folder / 'data'
    write_split(data, 'shapes', 'train', num_videos=2, num_frames=4, size=(64, 96))
    started = time.monotonic()
    reference = folder / 'reference'
    if code := ended(start(reference, data, 1, folder / 'reference.log')):
        raise InputError(f'the training without a kill ended with {code}:\n{(folder / "reference.log").read_text()}')
    seconds = time.monotonic() - started
    counts: Counter[str] = Counter()
    with tqdm(total=kills, unit='kill') as progress:
        while counts['kills'] < kills and (minutes is None or time.monotonic() - started < 60 * minutes):
            number = counts['runs']
            counts['runs'] += 1
            max_keep, moves = 1 + number % 2, number // 2 % 2 == 1
            work_dir, log = folder / f'run{number}', folder / f'run{number}.log'
            own, attempts = min(KILLS_PER_RUN, kills - counts['kills']), 0
            while own and attempts < MAX_ATTEMPTS:
                attempts += 1
                had_checkpoint = any(work_dir.glob('[!.]*.pth'))
                in_write = rng.random() < 0.5
                steps = rng.randrange(6 * STEPS_OF_A_WRITE) if in_write else None
                after = None if in_write else rng.uniform(0, seconds)
                code = ended(start(work_dir, data, max_keep, log, steps), after)
                if code == 0:  # at its end before it was killed: nothing can be resumed, so another one
                    work_dir = folder / f'run{number}_{attempts}'
                    continue
                if code != -signal.SIGKILL:
                    counts['failed'] += 1
                    tqdm.write(f'{log}: ended with {code}')
                    break
                own -= 1
                counts['kills'] += 1
                counts['in_writes'] += in_write
                counts.update(damage(work_dir, had_checkpoint))
                progress.update()
                if moves and work_dir.exists():
                    work_dir = work_dir.rename(folder / f'moved{number}_{attempts}')
                    counts['moved'] += 1
            if ended(start(work_dir, data, max_keep, log)) != 0:
                counts['failed'] += 1
                tqdm.write(f'{log}: {log.read_text()[-500:]}')
                continue
            counts['equal'] += same(reference / LAST, work_dir / LAST)
            counts['left_over'] += left_over(work_dir, max_keep)
    names = ('kills', 'in_writes', 'runs', 'moved', 'equal', *FAULTS)
    return {name: counts[name] for name in names} | dict(seconds=time.monotonic() - started)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Kill with the options of the command line; exit code 1 where something did not hold."""
    args = parse_args(arguments)
    torch.set_num_threads(1)  # a copy of a process has none of its threads
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    with tempfile.TemporaryDirectory() as folder:
        found = kill_and_resume(Path(folder), args.kills, args.seed, args.minutes)
    print(', '.join(f'{name} {value:g}' for name, value in found.items()))
    if args.json:
        write_json(args.json, dict(machine=describe_machine(torch.device('cpu')), seed=args.seed, **found))
    sys.exit(found['equal'] < found['runs'] or any(found[name] for name in FAULTS))


if __name__ == '__main__':
    main()
