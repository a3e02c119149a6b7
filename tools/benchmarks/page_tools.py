"""What the writers of docs/performance.md and of configs/real/README.md share."""

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmrcf.errors import InputError

NOT_MEASURED = 'Not yet measured.'


def parse_page_args(description: str, names: Sequence[str], arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line of a tool that measures what has no result yet, and writes a page.

    Args:
        description: Of the tool.
        names: Of its results; ``--force`` takes them, or ``all``.
        arguments: Of the command line.
    """
    parser = argparse.ArgumentParser(description=description)
    choices = f'{", ".join(names)}, or all'
    parser.add_argument('--force', nargs='+', default=[], metavar='NAME', help=f'measure these again: {choices}')
    parser.add_argument('--page-only', action='store_true', help='write the page from the files that are there')
    args = parser.parse_args(arguments)
    unknown = sorted(set(args.force) - set(names) - {'all'})
    if unknown:
        parser.error(f'--force {unknown[0]}: expected names among {choices}')
    return args


def run_tool(root: Path, command: Sequence[object], environment: Mapping[str, str] | None = None) -> None:
    """Run a tool in a process of its own and show what it prints.

    Args:
        root: The repository, where it runs.
        command: The script, and its arguments.
        environment: Variables of the process; None: those of this one.

    Raises:
        InputError: It fails.
    """
    words = [str(word) for word in command]
    print('\n$ python', ' '.join(words), flush=True)
    code = subprocess.run([sys.executable, *words], cwd=root, env=environment).returncode
    if code:
        raise InputError(f'{words[0]} ended with {code}; see above, fix it and start again: it continues from there')
