"""What the writers of docs/performance.md and of configs/real/README.md share."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmrcf.errors import InputError

NOT_MEASURED = 'Not yet measured.'


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
