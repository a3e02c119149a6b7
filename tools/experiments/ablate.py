"""Train and test a config with every combination of some values, with several seeds, and tabulate the results.

``python tools/experiments/ablate.py configs/shapes/rcf_r18_shapes_ablation.py --vary model.neck.grid_size=1,2,4
--seeds 0,1,2 --out outputs/grid_size``

It can be interrupted and started again: finished runs are kept, an interrupted one continues. Fields that must change
together are joined with a plus: ``--vary
model.neck.num_references+train_dataloader.dataset.num_references=1,2``.
"""

import argparse
import ast
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input
from run_options import add_run_options


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Compare values of fields of a config over several seeds')
    parser.add_argument('config', help='config with a training and a test')
    parser.add_argument(
        '--vary', nargs='+', required=True, metavar='KEY=VALUE,VALUE', help='fields by dotted path, and their values'
    )
    parser.add_argument('--out', required=True, metavar='FOLDER', help='results, table.md, checkpoints and logs')
    add_run_options(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.utils import atomic_output
from mmrcf.utils.markdown import markdown_table
from runs import METRICS, Run, load_results, mean_and_deviation, run_all


def parse_vary(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The settings of one ``--vary``: a name, as part of a file name, and the options.

    Raises:
        InputError: The text is not ``KEY=VALUE,VALUE``, or a value is given more than once.
    """
    keys, separator, values = text.partition('=')
    parsed = _values(values)
    if not separator or not all(keys.split('+')) or not parsed:
        raise InputError(f'--vary {text}: expected KEY=VALUE,VALUE, for example model.neck.grid_size=1,2,4')
    short = keys.split('+')[0].split('.')[-1]
    names = [f'{short}-{"".join(c if c.isalnum() or c in "._-" else "_" for c in str(value))}' for value in parsed]
    if len(set(names)) < len(names):
        raise InputError(f'--vary {text}: a value is given more than once')
    return [(name, dict.fromkeys(keys.split('+'), value)) for name, value in zip(names, parsed, strict=True)]


def _values(text: str) -> list[Any]:
    """``1,2,4`` or ``'a','b'`` or ``pool,depthwise``: Python literals where they are such, else text."""
    try:
        literal = ast.literal_eval(f'[{text}]')
    except (ValueError, SyntaxError):
        return [part for part in text.split(',') if part]
    return list(literal)


def combinations(config: str, vary: Sequence[str], seeds: Sequence[int], options: dict[str, Any]) -> list[Run]:
    """The runs, all settings of the first seed first."""
    settings = list(itertools.product(*map(parse_vary, vary)))
    return [
        Run(
            name='_'.join(name for name, _ in parts),
            config=config,
            seed=seed,
            options={**options, **{key: value for _, fields in parts for key, value in fields.items()}},
        )
        for seed in seeds
        for parts in settings
    ]


def table(results: Path, names: Sequence[str]) -> str:
    """A row for each setting: mean, standard deviation and number of seeds of each metric."""
    found = load_results(results)
    rows = []
    for name in names:
        records = found.get(name, {}).values()
        cells = [
            mean_and_deviation([record['metrics'][metric] for record in records if metric in record['metrics']])
            for metric in METRICS
        ]
        rows.append([name, *cells])
    return markdown_table(['setting', *METRICS.values()], rows)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Run, and write the table."""
    args = parse_args(arguments)
    runs = combinations(str(Path(args.config).resolve()), args.vary, args.seeds, args.cfg_options or {})
    folder = Path(args.out)
    results, names = folder / 'results', list(dict.fromkeys(run.name for run in runs))
    try:
        run_all(runs, results, (folder / 'work').resolve(), args.jobs, args.again, args.force)
    finally:
        if results.is_dir():
            text = table(results, names)
            with atomic_output(folder / 'table.md') as temporary:
                temporary.write_text(text + '\n', encoding='utf-8')
            print(f'\n{text}\n\nmean ± standard deviation (seeds)')


if __name__ == '__main__':
    main()
