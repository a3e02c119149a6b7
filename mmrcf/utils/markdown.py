"""Tables in Markdown files that a command writes between two markers."""

from collections.abc import Sequence
from pathlib import Path

from mmrcf.errors import InputError

from .files import require_file
from .outputs import atomic_output


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; each row has as many cells as the header."""
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def write_between_markers(path: str | Path, name: str, content: str) -> None:
    """Replace what stands between ``<!-- name:start -->`` and ``<!-- name:end -->`` of a Markdown file.

    Raises:
        InputFileError: The file is missing or cannot be written.
        InputError: It has not each marker once, in this order.
    """
    start, end = f'<!-- {name}:start -->', f'<!-- {name}:end -->'
    text = require_file(path, 'file for the table').read_text(encoding='utf-8')
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise InputError(f'{path}: expected one line {start} and then one line {end}; add them where the table belongs')
    before, rest = text.split(start)
    after = rest.split(end)[1]
    with atomic_output(path, updates=True) as temporary:
        temporary.write_text(f'{before}{start}\n{content}\n{end}{after}', encoding='utf-8')
