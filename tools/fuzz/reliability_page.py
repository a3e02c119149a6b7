"""Write the figures of docs/reliability.md from the files that the other tools of this folder wrote."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmrcf.command_line import start_program
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    return argparse.ArgumentParser(description=__doc__).parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.utils import read_json
from mmrcf.utils.markdown import markdown_table, write_between_markers
from sandbox import OUTCOMES

ROOT = Path(__file__).resolve().parents[2]
PAGE, RESULTS = ROOT / 'docs/reliability.md', ROOT / 'docs/reliability'
NOT_MEASURED = 'Not yet measured.'


def fuzz_table(result: dict[str, Any]) -> str:
    """A line for each target, a last one for all, and below them where and when."""
    rows = [
        [name.replace('_', ' '), row['reads'], *(f'{row[kind]:,}' for kind in OUTCOMES), *_extremes([row])]
        for name, row in result['targets'].items()
    ]
    all_rows = list(result['targets'].values())
    sums = [sum(row[kind] for row in all_rows) for kind in OUTCOMES]
    rows.append(['**all**', f'{sum(sums):,} inputs', *(f'{count:,}' for count in sums), *_extremes(all_rows)])
    header = ['target', 'reads', *OUTCOMES, 'slowest', 'growth']
    minutes = result['seconds'] / 60
    return f'{markdown_table(header, rows)}\n\nSeed {result["seed"]}, {minutes:.0f} minutes, {_machine(result)}.'


def _extremes(rows: Sequence[dict[str, Any]]) -> list[str]:
    seconds, memory = (max(row[key] for row in rows) for key in ('slowest_seconds', 'peak_mib'))
    return [f'{seconds:.1f} s', f'{memory:,.0f} MiB']


def kills_table(result: dict[str, Any]) -> str:
    """What was done, and what was found."""
    rows = [
        ('kills', f'{result["kills"]}, of them {result["in_writes"]} while a checkpoint was written'),
        ('trainings', f'{result["runs"]}; folder moved {result["moved"]} times'),
        ('equal to the training without a kill', f'{result["equal"]} of {result["runs"]}'),
        ('resumes that failed', str(result['failed'])),
        *((name, str(result[name])) for name in ('empty pointers', 'stale pointers')),
        *((name, str(result[name])) for name in ('lost checkpoints', 'torn checkpoints')),
        ('files left over at the end', str(result['left_over'])),
    ]
    minutes = result['seconds'] / 60
    return f'{markdown_table(["", ""], rows)}\n\nSeed {result["seed"]}, {minutes:.0f} minutes, {_machine(result)}.'


def _machine(result: dict[str, Any]) -> str:
    machine = result['machine']
    return machine if isinstance(machine, str) else machine['processor']


def write_page(page: Path, folder: Path) -> None:
    """Fill the tables of ``page`` from ``fuzz.json`` and ``kills.json`` in ``folder``.

    Raises:
        InputFileError: The page is missing.
        InputError: It lacks a marker, or a file is not JSON.
    """
    for name, table in (('fuzz', fuzz_table), ('kills', kills_table)):
        path = folder / f'{name}.json'
        content = table(read_json(path, 'result')) if path.exists() else NOT_MEASURED
        write_between_markers(page, f'reliability-{name}', content)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page."""
    parse_args(arguments)
    write_page(PAGE, RESULTS)


if __name__ == '__main__':
    main()
