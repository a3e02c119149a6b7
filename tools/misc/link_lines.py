"""Renew the line ranges in links to code: ``python tools/misc/link_lines.py docs/paper.md``.

A link whose text is the name of a class, function or method of the file it points to, such as
``[RCF.step](../mmrcf/models/vis/rcf.py#L1-L2)``, gets the current lines of the definition.
"""

import argparse
import ast
import re
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Renew the line ranges in links to code')
    parser.add_argument('documents', nargs='+', metavar='DOCUMENT', help='Markdown files')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.utils import atomic_output, require_file

LINK = re.compile(r'\[`?(?P<name>[A-Za-z_][\w.]*)`?\]\((?P<path>[^)#\s]+\.py)#L\d+-L\d+\)')


def definitions(path: Path) -> dict[str, tuple[int, int]]:
    """First and last line of each class, function and method of a file, by dotted name; decorators belong to it."""
    found: dict[str, tuple[int, int]] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                found[prefix + child.name] = (first, child.end_lineno)
                visit(child, f'{prefix}{child.name}.')

    visit(ast.parse(path.read_text(encoding='utf-8')), '')
    return found


def renew(document: Path) -> str:
    """The document's text with the ranges of now.

    Raises:
        InputError: A file is not there, or has no definition of that name.
    """

    def link(match: re.Match) -> str:
        path = require_file(document.parent / match['path'], f'{document}: file of a link')
        lines = definitions(path).get(match['name'])
        if lines is None:
            raise InputError(f'{document}: link to {match["path"]}, which defines no {match["name"]}; correct the name')
        return match[0].split('#L')[0] + f'#L{lines[0]}-L{lines[1]})'

    return LINK.sub(link, require_file(document, 'document').read_text(encoding='utf-8'))


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Renew the links of each document."""
    args = parse_args(arguments)
    for document in map(Path, args.documents):
        text = renew(document)
        with atomic_output(document, updates=True) as temporary:
            temporary.write_text(text, encoding='utf-8')


if __name__ == '__main__':
    main()
