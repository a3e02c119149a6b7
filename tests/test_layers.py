"""Imports of the package go down only: from a folder to folders below it, and never in a circle."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

# From the bottom up. Folders of one level do not import each other, except for the single modules of the first.
LEVELS = [
    {'compat', 'defaults', 'errors', 'inputs', 'model_index', 'registry', 'threads', 'urls', 'version'},
    {'utils'},
    {'audio'},
    {'structures'},
    {'datasets', 'models'},
    {'engine', 'evaluation', 'media', 'optimization', 'synthetic', 'visualization'},
    {'export'},
    {'shipped_models'},
    {'apis'},
    {'command_line'},
    {'demo', 'web'},
]


def folder(module: str) -> str:
    return module.split('.')[1]


def level(module: str) -> int:
    return next(index for index, folders in enumerate(LEVELS) if folder(module) in folders)


def imported_modules(path: Path, module: str, modules: set[str]) -> Iterator[str]:
    """The modules of the package that a file imports, at its top or inside functions."""
    package = module if path.name == '__init__.py' else module.rpartition('.')[0]
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split('.')[: len(package.split('.')) - node.level + 1] if node.level else []
            base = '.'.join([*base, *([node.module] if node.module else [])])
            names = [f'{base}.{alias.name}' for alias in node.names]
        else:
            continue
        for name in names:
            found = name if name in modules else name.rpartition('.')[0]
            if found in modules and found != 'mmrcf':
                yield found


@pytest.fixture(scope='module')
def imports(repository: Path) -> dict[str, set[str]]:
    """Imported modules by module."""
    paths = {}
    for path in sorted((repository / 'mmrcf').rglob('*.py')):
        parts = path.relative_to(repository).with_suffix('').parts
        paths['.'.join(parts[:-1] if parts[-1] == '__init__' else parts)] = path
    modules = set(paths)
    return {module: set(imported_modules(path, module, modules)) for module, path in paths.items()}


def test_every_folder_has_a_level(imports: dict[str, set[str]]) -> None:
    assert {folder(module) for module in imports if module != 'mmrcf'} == set().union(*LEVELS)


def test_imports_go_down(imports: dict[str, set[str]]) -> None:
    up = [
        f'{module} imports {other}'
        for module, others in imports.items()
        for other in sorted(others)
        if module != 'mmrcf' and folder(module) != folder(other) and level(other) >= max(level(module), 1)
    ]
    assert not up


def test_no_circle(imports: dict[str, set[str]]) -> None:
    # A package's __init__ re-exports its own modules, which do not import it in turn.
    try:
        list(TopologicalSorter(imports).static_order())
    except CycleError as error:
        pytest.fail(' -> '.join(error.args[1]))
