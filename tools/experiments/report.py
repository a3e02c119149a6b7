"""Write the tables of docs/experiments.md from the results of ``tools/experiments/run.py``."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input
from tables import TABLES, Row, Table


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line: there are no options."""
    parser = argparse.ArgumentParser(description='Write docs/experiments.md from the results in docs/experiments')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import numpy as np
from scipy import stats

from mmrcf.utils.markdown import markdown_table, write_between_markers
from runs import METRICS, ROOT, Run, digest, load_results, mean_and_deviation

RESULTS = ROOT / 'docs/experiments'
PAGE = ROOT / 'docs/experiments.md'
CONFIDENCE = 0.95
SEEDS = 3
"""Of a complete table."""


@dataclass(frozen=True)
class Difference:
    """A row against the row that it is compared with, seed by seed.

    Attributes:
        mean: Mean difference of AP.
        low, high: Limits of its 95 % confidence interval (Student's t); None with a single seed.
        seeds: Number of seeds that both rows have.
    """

    mean: float
    low: float | None
    high: float | None
    seeds: int

    def verdict(self, paper: float) -> str:
        """``holds`` if the whole interval has the sign of the paper, ``reversed`` for the other, else ``undecided``."""
        if self.low is None or self.low <= 0 <= self.high or paper == 0:
            return 'undecided'
        return 'holds' if (self.mean > 0) == (paper > 0) else 'reversed'

    def __str__(self) -> str:
        interval = '' if self.low is None else f' [{self.low:+.1f}, {self.high:+.1f}]'
        return f'{self.mean:+.1f}{interval}'


def paired_difference(values: Mapping[int, float], others: Mapping[int, float]) -> Difference | None:
    """``values - others`` over the seeds that both have; None where there is none."""
    seeds = sorted(values.keys() & others.keys())
    if not seeds:
        return None
    differences = np.array([values[seed] - others[seed] for seed in seeds])
    mean = float(differences.mean())
    if len(seeds) < 2:
        return Difference(mean, None, None, 1)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(seeds) - 1) * differences.std(ddof=1) / np.sqrt(len(seeds))
    return Difference(mean, mean - float(half), mean + float(half), len(seeds))


def table_of(table: Table, folders: Mapping[str, Mapping[str, Mapping[int, dict]]]) -> str:
    """The rows of one table, with figures where there are results, and in words what follows from them."""
    by_label = {row.label: row for row in table.rows}

    def records(row: Row) -> Mapping[int, dict]:
        return folders.get(row.folder, {}).get(row.name, {})

    rows, verdicts = [], {}
    for row in table.rows:
        figures = [
            mean_and_deviation([record['metrics'][metric] for record in records(row).values()]) for metric in METRICS
        ]
        other = by_label.get(row.against or '')
        difference = paired_difference(_ap(records(row)), _ap(records(other))) if other else None
        paper = row.paper_ap - other.paper_ap if other else 0.0
        verdict = difference.verdict(paper) if difference else ''
        if difference:
            verdicts.setdefault(verdict, []).append(row.label)
        rows.append(
            [
                row.label,
                *figures,
                str(difference) if difference else '-',
                f'{row.paper_ap:.1f}' + (f' ({paper:+.1f})' if other else ''),
                verdict or '-',
            ]
        )
    header = ['row', *METRICS.values(), 'difference of AP [95 %]', "paper's AP (difference)", 'trend of the paper']
    words = '; '.join(f'{verdict}: {", ".join(labels)}' for verdict, labels in sorted(verdicts.items()))
    words = f'{words[:1].upper()}{words[1:].rstrip(".")}.'
    return f'{markdown_table(header, rows)}\n\n{words}' if verdicts else markdown_table(header, rows)


def _ap(records: Mapping[int, dict]) -> dict[int, float]:
    return {seed: record['metrics']['vis/AP'] for seed, record in records.items()}


def budget(folders: Mapping[str, Mapping[str, Mapping[int, dict]]]) -> str:
    """How the runs were made: number of all that the page is for, iterations, minutes, machines, dates."""
    rows = {(row.folder, row.name) for table in TABLES.values() for row in table.rows}
    records = [record for folder, name in rows for record in folders.get(folder, {}).get(name, {}).values()]
    if not records:
        return 'No run yet.'
    minutes = [record['minutes'] for record in records if record['minutes'] is not None]  # None: in several parts
    dates = sorted({record['date'] for record in records})
    iterations = sorted({f'{record["iterations"]:,} of {record["batch_size"]} clips' for record in records})
    processors = sorted({f'{record["machine"]["processor"]}' for record in records})
    torches = sorted({record['machine']['packages']['torch'] for record in records})
    length = f'{np.median(minutes):.1f} minutes a run with its test (median; one CPU thread each); ' if minutes else ''
    days = ' to '.join(dates[:: max(1, len(dates) - 1)])
    return (
        f'{len(records)} of {SEEDS * len(rows)} runs ({SEEDS} seeds a row); iterations: {", ".join(iterations)}; '
        f'{length}{", ".join(processors)}; PyTorch {", ".join(torches)}; {days}.'
    )


def require_settings(folders: Mapping[str, Mapping[str, Mapping[int, dict]]]) -> None:
    """Check that all results are of the settings that their rows have now: others must not be compared with them.

    Raises:
        InputError: One is not; the message has the command that replaces it.
    """
    rows = {(row.folder, row.name): (table, row) for table, entry in TABLES.items() for row in entry.rows}
    for (folder, name), (table, row) in rows.items():
        records = folders.get(folder, {}).get(name, {})
        config = Run(name, row.config, 0, row.options).resolved() if records else None
        for seed, record in records.items():
            config.merge_from_dict({'randomness.seed': seed})
            if record['config_digest'] != digest(config):
                raise InputError(
                    f'result {folder}/{name}_seed{seed}.json: is of other settings than its row has now; run '
                    f'`python tools/experiments/run.py {table} --seeds {seed} --force`'
                )


def write_page(page: Path, results: Path) -> None:
    """Fill the page's tables.

    Raises:
        InputError: The page lacks a marker, a result is not JSON, or it is of other settings than its row.
    """
    folders = {folder.name: load_results(folder) for folder in sorted(results.glob('*')) if folder.is_dir()}
    require_settings(folders)
    write_between_markers(page, 'experiments-budget', budget(folders))
    for name, table in TABLES.items():
        write_between_markers(page, f'experiments-{name}', table_of(table, folders))


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page."""
    parse_args(arguments)
    write_page(PAGE, RESULTS)


if __name__ == '__main__':
    main()
