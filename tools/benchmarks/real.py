"""Measure and write all tables of configs/real/README.md: one command.

``python tools/benchmarks/real.py`` evaluates the checkpoint of each row on the validation videos and on the validation
images, as videos of one frame, and leaves a JSON file for each row in docs/real. A row with a file is not measured
again, so the command can be interrupted. A row without a checkpoint is left out.
"""

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input
from page_tools import parse_page_args, run_tool


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table.

    Attributes:
        config: Its test set is the validation videos; ``test_sets`` has the validation images.
        checkpoint: Relative to the repository.
        note: What tells the row from the others.
        latency: Whether it is timed as well.
    """

    config: str
    checkpoint: str
    note: str
    latency: bool = False


ROWS = {
    'shipped': Row(
        config='configs/real/rcf_r18_people-animals-vehicles.py',
        checkpoint='demo/checkpoints/rcf_r18_people-animals-vehicles.pth',
        note='the shipped weights, after three rounds, half precision',
        latency=True,
    ),
    'rcf_r18_people-animals-vehicles': Row(
        config='configs/real/rcf_r18_people-animals-vehicles.py',
        checkpoint='work_dirs/rcf_r18_people-animals-vehicles/iter_400.pth',
        note='stage 6, clips, delta 1',
    ),
    'rcf_r18_stills_448_round2': Row(
        config='configs/real/rcf_r18_stills_448_round2.py',
        checkpoint='work_dirs/rcf_r18_stills_448_round2/iter_4000.pth',
        note='stage 5, stills, no context',
    ),
    'rcf_r18_stills_448': Row(
        config='configs/real/rcf_r18_stills_448.py',
        checkpoint='work_dirs/rcf_r18_stills_448/iter_1400.pth',
        note='stage 3, stills, no context',
    ),
    'rcf_r18_stills_320': Row(
        config='configs/real/rcf_r18_stills_320.py',
        checkpoint='work_dirs/rcf_r18_stills_320/iter_700.pth',
        note='stage 2, frames of 320x240',
    ),
    'rcf_r18_stills_192': Row(
        config='configs/real/rcf_r18_stills_192.py',
        checkpoint='work_dirs/rcf_r18_stills_192/iter_1500.pth',
        note='stage 1, frames of 192x144',
    ),
}


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    return parse_page_args('Measure the figures of configs/real/README.md, and write them', tuple(ROWS), arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch
from torch import Tensor

from mmrcf.engine.checkpoint import read_checkpoint
from mmrcf.utils import describe_machine, read_json, write_json
from real_page import write_real_page

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / 'docs/real'
PAGE = ROOT / 'configs/real/README.md'
RUNS = Path('work_dirs/real_table')


def due(force: Sequence[str]) -> list[str]:
    """The rows that have no result yet and can have one, and those that are asked for again."""
    names = []
    for name, row in ROWS.items():
        checkpoint, result = ROOT / row.checkpoint, RESULTS / f'{name}.json'
        if name not in force and not checkpoint.exists():
            print(f'{name}: {row.checkpoint} is not there; left out')
        elif name in force or 'all' in force or not result.exists():
            names.append(name)
        elif read_json(result, 'result')['sha256'] != checkpoint_facts(checkpoint)['sha256']:
            print(f'{name}: {row.checkpoint} is another one by now; --force {name} measures it')
    return names


def commands(name: str, row: Row) -> dict[str, list[str]]:
    """What is run for a row, each with where it writes its figures: ``<RUNS>/<name>/<key>.json``."""
    folder = RUNS / name
    result = {
        key: ['tools/test.py', row.config, row.checkpoint, *options, '--work-dir', str(folder / key)]
        for key, options in (('videos', ()), ('images', ('--test-set', 'images')))
    }
    if row.latency:
        options = ['--checkpoint', row.checkpoint, '--size', '640x360', '--threads', '2']
        result['latency'] = ['tools/benchmarks/latency.py', row.config, *options]
    return {key: [*command, '--json', str(folder / f'{key}.json')] for key, command in result.items()}


def measure(name: str, row: Row) -> dict[str, Any]:
    """Everything about a row, as its file has it.

    Raises:
        InputError: The checkpoint is missing or cannot be used, a tool failed, or a training wrote the checkpoint again
            in the meantime.
    """
    checkpoint = ROOT / row.checkpoint
    facts = checkpoint_facts(checkpoint)
    figures = {}
    for key, command in commands(name, row).items():
        run_tool(ROOT, command)
        figures[key] = read_json(ROOT / RUNS / name / f'{key}.json', 'result')
    if checkpoint_facts(checkpoint) != facts:
        raise InputError(
            f'checkpoint {row.checkpoint}: changed while {name} was measured; start again when nothing writes to it'
        )
    return dict(
        config=row.config,
        checkpoint=row.checkpoint,
        **facts,
        note=row.note,
        videos=metrics_only(figures['videos']),
        images=metrics_only(figures['images']),
        latency=speed(figures['latency']) if row.latency else None,
        torch=str(torch.__version__),
        machine=describe_machine(torch.device('cuda' if torch.cuda.is_available() else 'cpu')),
    )


def checkpoint_facts(path: str | Path) -> dict[str, Any]:
    """What identifies a checkpoint.

    Args:
        path: A training checkpoint, a release, or a file of weights only.

    Returns:
        ``sha256``: the digest of its weights, see :func:`weights_digest`; ``seed``, ``iterations``: of its training,
        None where the file has none.

    Raises:
        InputFileError: The file is missing, empty or unreadable.
        InputError: It is not a checkpoint, is damaged, or holds Python objects.
    """
    content = read_checkpoint(path)
    meta = content['meta']
    # A training checkpoint has MMEngine's name for it, a release ours.
    iterations = meta.get('iterations', meta.get('iter'))
    return dict(sha256=weights_digest(content['state_dict']), seed=meta.get('seed'), iterations=iterations)


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """The first 8 digits of the SHA-256 of names and values; the meta of a release holds figures, so it is left out."""
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(value.detach().contiguous().cpu().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:8]


def metrics_only(figures: dict[str, float]) -> dict[str, float]:
    """The metrics of ``tools/test.py --json``, without the times that MMEngine puts beside them."""
    return {name: value for name, value in figures.items() if '/' in name}


def speed(figures: dict[str, Any]) -> dict[str, Any]:
    """The part of ``latency.py --json`` that the table and its caption show. Times are in milliseconds."""
    (subject,) = figures['subjects']
    return dict(
        fps=subject['fps'],
        end_to_end=subject['end_to_end'],
        size=figures['size'],
        threads=figures['machine']['threads'],
        processor=figures['machine']['processor'],
    )


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write with the options of the command line."""
    args = parse_args(arguments)
    for name in [] if args.page_only else due(args.force):
        write_json(RESULTS / f'{name}.json', measure(name, ROWS[name]), updates=True)  # the page reads all of them
        write_real_page(PAGE, RESULTS, list(ROWS))  # after each row: an interrupt leaves page and files in step
    write_real_page(PAGE, RESULTS, list(ROWS))


if __name__ == '__main__':
    main()
