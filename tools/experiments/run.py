"""Run the rows of a table of the paper on the synthetic benchmark: ``python tools/experiments/run.py V --seeds 0,1,2``.

Every row is trained with the same budget from the same backbone; rows share nothing else. A run writes
``docs/experiments/<table>/<row>_seed<seed>.json``; finished runs are kept and interrupted ones continue.
``tools/experiments/report.py`` makes the page of them.
"""

import argparse
from collections.abc import Sequence

from mmrcf.command_line import start_program
from mmrcf.errors import exit_on_bad_input
from run_options import add_run_options
from tables import TABLES


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Run the rows of tables of the paper on the synthetic benchmark')
    parser.add_argument('tables', nargs='+', choices=TABLES, metavar='TABLE', help=', '.join(TABLES))
    add_run_options(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from runs import ROOT, Run, run_all

RESULTS = ROOT / 'docs/experiments'
WORK = ROOT / 'work_dirs/experiments'


def planned(names: Sequence[str], seeds: Sequence[int], options: dict) -> dict[str, list[Run]]:
    """The runs by the folder of their results, all rows of the first seed first; equal rows of two tables run once."""
    runs: dict[str, list[Run]] = {}
    for seed in seeds:
        for name in names:
            table = TABLES[name]
            for row in table.rows:
                chosen = runs.setdefault(row.folder, [])
                run = Run(row.name, row.config, seed, {**row.options, **options})
                if run not in chosen:
                    chosen.append(run)
    return runs


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing."""
    args = parse_args(arguments)
    for folder, runs in planned(args.tables, args.seeds, args.cfg_options or {}).items():
        run_all(runs, RESULTS / folder, WORK / folder, args.jobs, args.again, args.force)


if __name__ == '__main__':
    main()
