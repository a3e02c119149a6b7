"""Damage valid inputs at random and see what reads them: an error of one line, or a fault.

``python tools/fuzz/fuzz.py --inputs 20000 --json docs/reliability/fuzz.json --failures outputs/fuzz``

Input number n of a target is the same in every run with the same seed. A failing input is saved, and
``--replay FILE`` runs it again.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from mmrcf.command_line import add_json, add_seed, start_program, whole_number
from mmrcf.errors import InputError, exit_on_bad_input

NAMES = 'annotations', 'archives', 'images', 'videos', 'audio', 'lists', 'checkpoints', 'onnx', 'command_lines'


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('targets', nargs='*', metavar='TARGET', help=f'{", ".join(NAMES)} (default: all)')
    parser.add_argument(
        '--inputs', type=whole_number(1), default=900, metavar='N', help='of all targets together (default: 900)'
    )
    parser.add_argument('--minutes', type=float, metavar='M', help='stop after this time')
    add_seed(parser, 'what the inputs are')
    parser.add_argument('--seconds', type=float, default=30.0, help='limit for an input (default: 30)')
    parser.add_argument('--failures', type=Path, metavar='FOLDER', help='save failing inputs there')
    parser.add_argument('--replay', type=Path, metavar='FILE', help='run a saved input again, and nothing else')
    add_json(parser)
    args = parser.parse_args(arguments)
    unknown = sorted(set(args.targets) - set(NAMES))
    if unknown:
        parser.error(f'{unknown[0]}: expected targets among {", ".join(NAMES)}')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import torch
from tqdm import tqdm

import data_targets
import media_targets
import model_targets
from mmrcf.utils import describe_machine, require_file, write_json
from sandbox import FAILURES, OUTCOMES, Outcome, Sandbox
from target import Target

TARGETS: dict[str, Callable[[Path], Target]] = {
    'annotations': data_targets.annotations,
    'archives': data_targets.archives,
    'images': media_targets.images,
    'videos': media_targets.videos,
    'audio': media_targets.audio,
    'lists': media_targets.lists,
    'checkpoints': model_targets.checkpoints,
    'onnx': model_targets.onnx_files,
    'command_lines': model_targets.command_lines,
}
"""By name, what prepares a target in an empty folder."""


def prepare(names: Iterable[str], folder: Path) -> dict[str, Target]:
    """Targets by name; each gets a folder of its own."""
    targets = {}
    for name in names:
        (folder / name).mkdir()
        targets[name] = TARGETS[name](folder / name)
    return targets


def fuzz(
    targets: dict[str, Target],
    count: int,
    seed: int = 0,
    minutes: float | None = None,
    failures: Path | None = None,
    seconds: float = 30.0,
) -> dict[str, dict]:
    """Run ``count`` inputs, the targets in turn.

    Args:
        targets: By name.
        count: Number of inputs of all targets together.
        seed: The inputs follow from it.
        minutes: Stop after this time.
        failures: Folder that failing inputs are saved in, each with its outcome in a text file beside it.
        seconds: Limit for an input.

    Returns:
        For each target the number of inputs of each outcome, the longest time in seconds and the largest memory in MiB.
    """
    counts = {name: Counter() for name in targets}
    slowest, largest = (dict.fromkeys(targets, 0.0) for _ in range(2))
    end = time.monotonic() + 60 * minutes if minutes is not None else float('inf')
    names = list(targets)
    with Sandbox({name: target.run for name, target in targets.items()}, seconds) as sandbox:
        for number in tqdm(range(count), unit='input', mininterval=5):
            if time.monotonic() > end:
                break
            name = names[number % len(names)]
            target, index = targets[name], number // len(names)
            content = target.make(random.Random(f'{name} {seed} {index}'))
            outcome = sandbox.run(name, content, target.suffix)
            counts[name][outcome.kind] += 1
            slowest[name] = max(slowest[name], outcome.seconds)
            largest[name] = max(largest[name], outcome.peak_mib)
            if outcome.kind in FAILURES:
                _report(failures, f'{name}-{seed}-{index}', target, content, outcome)
    return {
        name: {kind: counts[name][kind] for kind in OUTCOMES}
        | dict(reads=target.reads, slowest_seconds=slowest[name], peak_mib=largest[name])
        for name, target in targets.items()
    }


def _report(folder: Path | None, stem: str, target: Target, content: bytes, outcome: Outcome) -> None:
    last = outcome.message.strip().splitlines()[-1:]
    tqdm.write(f'{outcome.kind}: {stem}: {"".join(last)[:200]}')
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f'{stem}{target.suffix}').write_bytes(content)
        (folder / f'{stem}.txt').write_text(f'{outcome.kind}\n{outcome.message}', errors='backslashreplace')


def replay(path: Path, target: str | None) -> Outcome:
    """Run a saved input again; the name of its file begins with its target, unless ``target`` is given."""
    name = target or path.name.split('-')[0]
    if name not in TARGETS:
        raise InputError(f'--replay {path}: expected a name that begins with a target, or the target before it')
    with tempfile.TemporaryDirectory() as folder:
        targets = prepare([name], Path(folder))
        with Sandbox({name: targets[name].run}) as sandbox:
            return sandbox.run(name, require_file(path, 'input').read_bytes(), targets[name].suffix)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz with the options of the command line; exit code 1 after a failure."""
    args = parse_args(arguments)
    torch.set_num_threads(1)  # a copy of a process has none of its threads
    if args.replay:
        outcome = replay(args.replay, args.targets[0] if args.targets else None)
        print(f'{outcome.kind}\n{outcome.message}')
        sys.exit(outcome.kind in FAILURES)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        targets = prepare(args.targets or TARGETS, Path(folder))
        found = fuzz(targets, args.inputs, args.seed, args.minutes, args.failures, args.seconds)
    for name, row in found.items():
        print(f'{name:>14}: ' + ', '.join(f'{row[kind]} {kind}' for kind in OUTCOMES if row[kind]))
    if args.json:
        machine = describe_machine(torch.device('cpu'))
        write_json(args.json, dict(machine=machine, seed=args.seed, seconds=time.monotonic() - started, targets=found))
    sys.exit(any(row[kind] for row in found.values() for kind in FAILURES))


if __name__ == '__main__':
    main()
