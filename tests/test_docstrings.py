"""Docstrings name the arguments and fields that there are: none is missing, misspelt or left over."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
Definition = ast.ClassDef | ast.FunctionDef


def entries(docstring: str, section: str) -> list[str]:
    """The names of a section: those before the colons of its outermost lines."""
    found = re.search(rf'^{section}:\n((?: {{4}}.*\n|\n)*)', docstring + '\n', re.MULTILINE)
    names = re.findall(r'^ {4}(\S[^:\n]*):', found[1], re.MULTILINE) if found else []
    return [name.strip(' *') for line in names for name in line.split(',')]


def problems(node: Definition) -> Iterator[str]:
    """What the docstring of a class or function names that is not there, or the other way round."""
    docstring = ast.get_docstring(node) or ''
    is_class = isinstance(node, ast.ClassDef)
    is_dataclass = is_class and any('dataclass' in ast.unparse(item) for item in node.decorator_list)
    fields = [item.target.id for item in node.body if isinstance(item, ast.AnnAssign)] if is_dataclass else []
    if attributes := set(entries(docstring, 'Attributes')):
        mentioned = {getattr(item, 'attr', None) or getattr(item, 'id', None) for item in ast.walk(node)}
        methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        yield from (f'no attribute {name!r}' for name in sorted(attributes - mentioned - methods))
        yield from (f'nothing about the field {name}' for name in fields if name not in attributes and name[0] != '_')
    constructor = [item for item in node.body if getattr(item, 'name', '') == '__init__'] if is_class else [node]
    named = entries(docstring, 'Args')
    if not named or not (constructor or is_dataclass):
        return
    parameters, starred = list(fields), []
    for function in constructor:
        arguments = function.args
        parameters += [item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        starred += [item.arg for item in (arguments.vararg, arguments.kwarg) if item]
    yield from (f'no argument {name!r}' for name in named if name not in (*parameters, *starred))
    if 'Arguments as' not in docstring:  # of another function, with those that it has besides
        needed = [name for name in parameters if name not in ('self', 'cls') and name[0] != '_']
        yield from (f'nothing about the argument {name}' for name in needed if name not in named)


@pytest.mark.parametrize('folder', ['mmrcf', 'tools'])
def test_sections_name_what_there_is(folder: str) -> None:
    found = [
        f'{path.relative_to(REPOSITORY)}:{node.lineno} {node.name}: {problem}'
        for path in sorted((REPOSITORY / folder).rglob('*.py'))
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, Definition)
        for problem in problems(node)
    ]
    assert not found, '\n'.join(found)


def test_each_kind_of_slip_is_found() -> None:
    source = '''
@dataclass
class A:
    """A.

    Attributes:
        a b: As of one that
            goes on: over two lines.
    """

    a_b: int

def f(x, y, *args):
    """F.

    Args:
        x: One.
        z: Another.
    """
'''
    first, second = ast.parse(source).body
    assert list(problems(first)) == ["no attribute 'a b'", 'nothing about the field a_b']
    assert list(problems(second)) == ["no argument 'z'", 'nothing about the argument y']
