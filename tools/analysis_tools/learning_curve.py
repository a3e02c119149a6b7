"""Draw metrics over the iterations of one training, or of several stages one after the other.

``python tools/analysis_tools/learning_curve.py work_dirs/a work_dirs/b --metric vis/AP --out outputs/curve.png``

Reads what MMEngine logs: ``<work dir>/<run>/vis_data/scalars.json``, a JSON object a line.
"""

import argparse
import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figure_options import add_drawing

from mmrcf.command_line import add_json, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Draw metrics over the iterations of a training')
    parser.add_argument(
        'work_dirs', nargs='+', metavar='WORK_DIR', help='work dir of a training, or those of its stages in order'
    )
    parser.add_argument(
        '--metric',
        action='append',
        required=True,
        metavar='NAME',
        help='a logged value, for example vis/AP50 or loss; may be given several times',
    )
    add_drawing(parser)
    add_json(parser, 'stages and points')
    args = parser.parse_args(arguments)
    if not args.out and not args.json:
        parser.error('expected --out FILE.png, --json FILE, or both')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import matplotlib

from mmrcf.utils import atomic_output, read_text, require_folder, write_json

matplotlib.use('Agg')

from matplotlib import pyplot

Record = tuple[int, dict[str, Any]]
"""Iteration and what was logged there."""


@dataclass(frozen=True)
class Stage:
    """One work dir on the common axis of iterations.

    Attributes:
        name: The folder's name.
        start: Iterations of all stages before it.
        length: Last iteration that it logged.
        records: Its records by iteration, counted from its own start.
    """

    name: str
    start: int
    length: int
    records: list[Record]


def read_log(path: Path) -> list[Record]:
    """The records of a log file, iterations in ascending order.

    A validation has the iteration of the training record before it where MMEngine numbers it by epoch. A last line that
    is cut short, by a run that continues or was stopped, is left out.

    Raises:
        InputError: The file is missing or empty, or a line is no JSON object or has no whole number ``step``.
    """
    lines = read_text(path, 'log').splitlines(keepends=True)
    records, iteration = [], 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines) and not line.endswith('\n'):
                break
            raise InputError(f'log {path}: line {number} is not valid JSON ({error.msg}); remove the line') from error
        step = record.get('step') if isinstance(record, dict) else None
        if not isinstance(step, int) or isinstance(step, bool) or step < 0:
            raise InputError(
                f"log {path}: line {number}: expected a JSON object with 'step', a whole number; give a log of MMEngine"
            )
        iteration = max(iteration, step)
        records.append((iteration, record))
    return records


def log_files(work_dir: Path) -> list[Path]:
    """The log of each run in a work dir, oldest first: ``scalars.json`` or, without it, the other files beside it.

    Raises:
        InputError: The folder is missing or has no log.
    """
    require_folder(work_dir, 'work dir')
    folders = [path for path in (work_dir / 'vis_data', *sorted(work_dir.glob('*/vis_data'))) if path.is_dir()]
    files = []
    for folder in folders:
        scalars = folder / 'scalars.json'
        files += [scalars] if scalars.exists() else sorted(folder.glob('*.json'))
    if not files:
        raise InputError(
            f'work dir {work_dir}: has no vis_data/scalars.json and no */vis_data/*.json; give the folder of a training'
        )
    return files


def read_stage(work_dir: Path, start: int) -> Stage:
    """The runs of a work dir as one: where a later one begins, what earlier ones logged from there on is left out.

    Raises:
        InputError: There is no log, or one of them cannot be used.
    """
    merged: list[Record] = []
    for records in map(read_log, log_files(work_dir)):
        if records:
            first = records[0][0]
            merged = [record for record in merged if record[0] < first] + records
    if not merged:
        raise InputError(f'work dir {work_dir}: its logs have no record; wait for the first or give another folder')
    return Stage(work_dir.resolve().name, start, max(iteration for iteration, _ in merged), merged)


def read_stages(work_dirs: Sequence[str]) -> list[Stage]:
    """The stages in their order, each beginning where the one before it ends."""
    stages: list[Stage] = []
    for work_dir in work_dirs:
        start = stages[-1].start + stages[-1].length if stages else 0
        stages.append(read_stage(Path(work_dir), start))
    return stages


def curve(stages: Sequence[Stage], metric: str) -> dict[str, list]:
    """``iterations`` on the common axis and ``values`` of a metric; None for a value that is not finite.

    Raises:
        InputError: No stage logged it, or a value is no number.
    """
    iterations, values = [], []
    for stage in stages:
        for iteration, record in stage.records:
            if metric in record:
                value = record[metric]
                if not isinstance(value, (int, float)) or isinstance(value, bool):
                    raise InputError(f'--metric {metric}: {stage.name} logged {value!r}, expected a number')
                iterations.append(stage.start + iteration)
                values.append(float(value) if math.isfinite(value) else None)
    if not values:
        known = sorted({key for stage in stages for _, record in stage.records for key in record} - {'step', 'iter'})
        near = difflib.get_close_matches(metric, known, n=3) or known
        raise InputError(f'--metric {metric}: not in the logs; they have {", ".join(near)}')
    return dict(iterations=iterations, values=values)


def draw(stages: Sequence[Stage], curves: Mapping[str, dict[str, list]], path: str | Path) -> None:
    """One panel a metric, one below the other; dashed lines where a stage begins."""
    figure, panels = pyplot.subplots(
        len(curves), 1, sharex=True, squeeze=False, figsize=(9, 1 + 2.5 * len(curves)), layout='constrained'
    )
    for panel, (metric, points) in zip(panels[:, 0], curves.items(), strict=True):
        values = [math.nan if value is None else value for value in points['values']]
        panel.plot(points['iterations'], values, marker='.' if len(values) < 100 else None)
        panel.set_ylabel(metric)
        panel.grid(alpha=0.3)
        for stage in stages[1:]:
            panel.axvline(stage.start, color='grey', linestyle='--', linewidth=0.8)
    for stage in stages:
        panels[0, 0].annotate(
            stage.name, (stage.start, 1), xycoords=('data', 'axes fraction'), xytext=(3, 3), textcoords='offset points',
            fontsize='small', rotation=15 if len(stages) > 1 else 0,
        )  # fmt: skip
    panels[-1, 0].set(xlabel='iteration', xlim=(0, None))
    with atomic_output(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix.lstrip('.'))
    pyplot.close(figure)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Read and draw with the options of the command line."""
    args = parse_args(arguments)
    stages = read_stages(args.work_dirs)
    curves = {metric: curve(stages, metric) for metric in args.metric}
    if args.json:
        described = [dict(name=stage.name, start=stage.start, iterations=stage.length) for stage in stages]
        write_json(args.json, dict(stages=described, metrics=curves))
    if args.out:
        draw(stages, curves, args.out)


if __name__ == '__main__':
    main()
