"""Classes of objects from a table, for data sets that number their objects and do not name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmrcf.errors import InputError
from mmrcf.utils import parse_json, read_text


@dataclass(frozen=True)
class ClassTable:
    """Class names by key; a key is ``SEQUENCE`` for all its objects, ``SEQUENCE/OBJECT`` for one, or a class id.

    Attributes:
        names: Class name by key.
        source: Where the table is from, for messages.
        one_object: True where a name of a sequence holds only if the sequence has a single object.
    """

    names: Mapping[str, str]
    source: str
    one_object: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, each once, in the order of the table."""
        return tuple(dict.fromkeys(self.names.values()))

    def of_object(self, sequence: str, item: str | int, num_objects: int) -> str:
        """Class of an object. Raises :class:`InputError` if the table has none for it."""
        key = f'{sequence}/{item}'
        if key in self.names:
            return self.names[key]
        if sequence not in self.names:
            raise InputError(
                f'{self.source}: no class for object {item} of sequence {sequence!r}; give a file with the line '
                f'"{key} CLASS" with --classes'
            )
        if self.one_object and num_objects > 1:
            raise InputError(
                f'{self.source}: sequence {sequence!r} has {num_objects} objects, and one class for all; give a file '
                f'with a line for each, such as "{key} CLASS", with --classes'
            )
        return self.names[sequence]


def read_class_table(path: str | Path) -> ClassTable:
    """Read a table: lines ``KEY CLASS`` (``#`` begins a comment), or JSON ``{KEY: CLASS}``.

    In JSON ``{SEQUENCE: {OBJECT: CLASS}}`` is possible too.

    Raises:
        InputError: A line has no class, a key is twice in it, a class is not text, or nothing is in it.
    """
    where = f'class file {path}'
    text = read_text(path, 'class file')
    pairs = _json_pairs(text, where) if text.lstrip().startswith('{') else _line_pairs(text, where)
    names: dict[str, str] = {}
    for key, name in pairs:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f'{where}: class of {key!r} is {name!r}, expected a name; correct it')
        if key in names:
            raise InputError(f'{where}: {key!r} is in it twice; remove one')
        names[key] = name.strip()
    if not names:
        raise InputError(f'{where}: no class in it; expected lines such as "bear animal"')
    return ClassTable(names, where)


def _line_pairs(text: str, where: str) -> list[tuple[str, str]]:
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition('#')[0].split(maxsplit=1)
        if len(words) == 1:
            raise InputError(f'{where}: line {number} is {words[0]!r}, expected a key and a class; add the class')
        if words:
            pairs.append((words[0], words[1]))
    return pairs


def _json_pairs(text: str, where: str) -> list[tuple[str, Any]]:
    content = parse_json(text, where, object_pairs_hook=list)  # a dict would hide a key that is a duplicate
    pairs: list[tuple[str, Any]] = []
    for key, value in content:
        nested = isinstance(value, list) and value and all(isinstance(item, tuple) for item in value)
        pairs += [(f'{key}/{item}', name) for item, name in value] if nested else [(key, value)]
    return pairs


def read_name_list(path: str | Path) -> list[str]:
    """Names of sequences or images, one a line, as in a file of ``ImageSets``.

    DAVIS 2016 has the paths of a frame and its mask in a line; the name is then the folder of the frame.

    Raises:
        InputError: There is none, or the file is not text.
    """
    lines = read_text(path, 'list').splitlines()
    words = [parts[0] for line in lines if (parts := line.partition('#')[0].split())]
    names = [Path(word).parent.name if '/' in word else word for word in words]
    if not names:
        raise InputError(f'list {path}: no name in it; expected one a line')
    return list(dict.fromkeys(names))
