"""Run the cells of a notebook in order and write what they print and show into it, without a Jupyter installation.

python tools/misc/run_notebook.py demo/tutorial.ipynb
"""

import argparse
import ast
import base64
import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('notebook', help='file .ipynb; its outputs are replaced')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.utils import read_json, write_json


@exit_on_bad_input
def main() -> None:
    """Run and write."""
    path = Path(parse_args().notebook)
    notebook = read_json(path, 'notebook')
    run_cells(notebook, str(path))
    write_json(path, notebook, updates=True)
    print(f'wrote {path}')


def run_cells(notebook: dict, name: str) -> None:
    """Run the code cells of a notebook (nbformat 4) in one namespace and replace their outputs.

    Raises:
        InputError: It is no such notebook. An error of a cell comes as it is.
    """
    if not isinstance(notebook, dict) or notebook.get('nbformat') != 4:
        raise InputError(f'notebook {name}: expected nbformat 4; save it by Jupyter again')
    namespace: dict[str, Any] = {'__name__': '__main__'}
    cells = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    for number, cell in enumerate(cells, start=1):
        printed, value = _run(''.join(cell['source']), f'{name}, cell {number}', namespace)
        cell['execution_count'] = number
        cell['outputs'] = _outputs(printed, value, number)


def _run(code: str, name: str, namespace: dict[str, Any]) -> tuple[str, Any]:
    """What a cell prints, and the value of its last line where that is an expression."""
    tree, value = ast.parse(code, name), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, name, 'exec'), namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), name, 'eval'), namespace)
    return printed.getvalue(), value


def _outputs(printed: str, value: Any, number: int) -> list[dict]:
    outputs: list[dict] = []
    if printed:
        outputs.append({'output_type': 'stream', 'name': 'stdout', 'text': printed.splitlines(keepends=True)})
    if value is not None:
        data = {'text/plain': type(value).__name__ if hasattr(value, '_repr_png_') else repr(value)}
        if hasattr(value, '_repr_png_'):  # an image of Pillow
            data['image/png'] = base64.b64encode(value._repr_png_()).decode()
        outputs.append({'output_type': 'execute_result', 'execution_count': number, 'metadata': {}, 'data': data})
    return outputs


if __name__ == '__main__':
    main()
