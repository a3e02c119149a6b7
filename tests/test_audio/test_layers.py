"""``mmrcf.audio`` is the ground floor: it imports no other folder but the utilities, and ``structures`` only it."""

import ast
from pathlib import Path

import pytest


def imported_folders(path: Path) -> set[str]:
    """Folders and modules of ``mmrcf`` that a file imports by their absolute name, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1, f'{path}: a relative import of another folder'
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split('.')[1] for name in names if name.startswith('mmrcf.')}


@pytest.mark.parametrize(
    ('folder', 'below'), [('audio', {'errors', 'utils'}), ('structures', {'audio'}), ('utils', {'errors'})]
)
def test_imports_go_down_only(repository: Path, folder: str, below: set[str]) -> None:
    files = list((repository / 'mmrcf' / folder).rglob('*.py'))
    assert files
    for path in files:
        assert imported_folders(path) <= below | {folder}, path


@pytest.mark.parametrize('folder', ['datasets', 'models'])
def test_no_import_of_media_from_below(repository: Path, folder: str) -> None:
    for path in (repository / 'mmrcf' / folder).rglob('*.py'):
        text = path.read_text()
        assert 'mmrcf.media' not in text and 'mmrcf.apis' not in text, path
