"""The tables of configs/real/README.md, from the files that tools/benchmarks/real.py wrote."""

from collections.abc import Mapping, Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

from mmrcf.utils import read_json
from mmrcf.utils.markdown import markdown_table, write_between_markers
from page_tools import NOT_MEASURED

Rows = Mapping[str, dict[str, Any]]
"""What was measured, by the name of the row and in the order of the table."""

HEADER = (
    'row',
    'seed',
    'iterations',
    'images AP',
    'images AP50',
    'images AP50 person',
    'videos AP',
    'J of best track',
    'ID switches',
    'FPS',
    'note',
)
# The column of each figure: the test set it is of, its name there, its decimals.
FIGURES = (
    ('images', 'vis/AP', 1),
    ('images', 'vis/AP50', 1),
    ('images', 'vis/AP50_person', 1),
    ('videos', 'vis/AP', 1),
    ('videos', 'region/J', 3),
    ('videos', 'order/id_switches', 0),
)
SEQUENCE = 'region/J/'
# What AP50 of the images loses, and what is found there.
LOSSES = ('classification', 'localisation', 'both', 'duplicate', 'background', 'missed')
SIZES = ('small', 'medium', 'large')
ERRORS = 'errors/AP50'
PLACE = 'configs/real'


def write_real_page(page: Path, folder: Path, names: Sequence[str]) -> None:
    """Fill the tables of ``page`` from the files ``<name>.json`` in ``folder``.

    Args:
        page: A Markdown file with the markers ``real-rows``, ``real-sequences`` and ``real-errors``.
        folder: Of the files; it may be missing.
        names: Of the rows, in the order of the table; one without its file is listed below it.

    Raises:
        InputFileError: The page is missing, or a file cannot be read.
        InputError: The page lacks a marker, or a file is not JSON.
    """
    files = {name: folder / f'{name}.json' for name in names}
    rows = {name: read_json(path, 'result') for name, path in files.items() if path.exists()}
    missing = [name for name in names if name not in rows]
    write_between_markers(page, 'real-rows', rows_table(rows, missing) if rows else NOT_MEASURED)
    write_between_markers(page, 'real-sequences', sequences_table(rows))
    write_between_markers(page, 'real-errors', errors_table(rows))


def rows_table(rows: Rows, missing: Sequence[str]) -> str:
    """A line a row: where it comes from, and its figures; below it what they were timed on, and what is missing."""
    lines = []
    for name, row in rows.items():
        lines.append(
            [
                f'[{name}]({relpath(row["config"], PLACE)})',
                '' if row['seed'] is None else str(row['seed']),
                '' if row['iterations'] is None else f'{row["iterations"]:,}',
                *(_figure(row[data], metric, decimals) for data, metric, decimals in FIGURES),
                f'{row["latency"]["fps"]:.1f}' if row['latency'] else '',
                row['note'],
            ]
        )
    parts = [markdown_table(HEADER, lines), *_how_fast(rows)]
    if missing:
        parts.append(f'Not measured, since their checkpoints are not in the repository: {", ".join(missing)}.')
    return '\n\n'.join(parts)


def sequences_table(rows: Rows) -> str:
    """A line a sequence: the J of its objects in each row that has it; a note where no row has."""
    columns = [name for name, row in rows.items() if any(key.startswith(SEQUENCE) for key in row['videos'])]
    keys = sorted({key for name in columns for key in rows[name]['videos'] if key.startswith(SEQUENCE)})
    lines = [[key.removeprefix(SEQUENCE), *(_figure(rows[name]['videos'], key, 3) for name in columns)] for key in keys]
    return markdown_table(['sequence', *columns], lines) if lines else NOT_MEASURED


def errors_table(rows: Rows) -> str:
    """A line for each row that has it: AP50 of the images, what each type of error costs it, and recall by size."""
    header = ['row', 'AP50', *LOSSES, *(f'recall, {size}' for size in SIZES)]
    keys = [ERRORS, *(f'errors/dAP_{name}' for name in LOSSES), *(f'errors/recall_{size}' for size in SIZES)]
    lines = [
        [name, *(_figure(row['images'], key, 1) for key in keys)]
        for name, row in rows.items()
        if ERRORS in row['images']
    ]
    return markdown_table(header, lines) if lines else NOT_MEASURED


def _figure(metrics: Mapping[str, float], name: str, decimals: int) -> str:
    """Empty for what was not measured, a dash for what has no value because there was nothing to measure it on."""
    value = metrics.get(name)
    if value is None:
        return ''
    return '-' if value < 0 else f'{value:.{decimals}f}'


def _how_fast(rows: Rows) -> list[str]:
    """What FPS were measured on, a line for each machine and size."""
    found = {}
    for name, row in rows.items():
        if row['latency']:
            (width, height), threads = row['latency']['size'], row['latency']['threads']
            setting = f'{width}x{height}, {threads} threads, {row["latency"]["processor"]}'
            found.setdefault(setting, []).append(name)
    return [f'FPS of {", ".join(names)}: from an encoded frame to its masks, {how}.' for how, names in found.items()]
