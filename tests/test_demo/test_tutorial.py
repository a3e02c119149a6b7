"""The notebook runs as it stands, and prints and shows what it says."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mmrcf.errors import InputError

NOTEBOOK = 'demo/tutorial.ipynb'


@pytest.fixture(scope='module')
def tool(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script('tools/misc/run_notebook.py')


def described(notebook: dict) -> list:
    """Of each output what it prints, or which forms its value has."""
    outputs = [output for cell in notebook['cells'] for output in cell.get('outputs', [])]
    return [output.get('text') or sorted(output['data']) for output in outputs]


@pytest.mark.slow
def test_its_outputs_are_those_of_its_cells(
    tool: ModuleType, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    notebook = json.loads(Path(NOTEBOOK).read_text(encoding='utf-8'))
    again = copy.deepcopy(notebook)
    tool.run_cells(again, NOTEBOOK)
    assert described(again) == described(notebook)
    assert sum(item == ['image/png', 'text/plain'] for item in described(notebook)) == 2


def test_cells_share_names_and_show_their_last_value(tool: ModuleType) -> None:
    cells = [{'cell_type': 'code', 'source': source} for source in (['x = 2\n', 'print(x)'], ['x + 1'])]
    notebook = {'nbformat': 4, 'cells': cells}
    tool.run_cells(notebook, 'x.ipynb')
    assert cells[0]['outputs'] == [{'output_type': 'stream', 'name': 'stdout', 'text': ['2\n']}]
    assert cells[1]['outputs'][0]['data'] == {'text/plain': '3'} and cells[1]['execution_count'] == 2


def test_another_format_is_refused(tool: ModuleType) -> None:
    with pytest.raises(InputError, match='x.ipynb: expected nbformat 4'):
        tool.run_cells({'nbformat': 3}, 'x.ipynb')
