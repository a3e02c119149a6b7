"""Reading annotation files field by field, with an error that names the place."""

from typing import Any

from mmrcf.errors import InputError


def read_field(entry: Any, key: str, kind: type | tuple[type, ...], where: str) -> Any:
    """A field of a JSON object.

    Args:
        entry: The object.
        key: Name of the field.
        kind: The type or types it may have.
        where: The place, for the message.

    Raises:
        InputError: ``entry`` is no object, or the field is missing or of another type.
    """
    if not isinstance(entry, dict):
        raise InputError(f'{where}: expected a JSON object, found {type(entry).__name__}; correct the file')
    if key not in entry:
        raise InputError(f'{where}: has no {key!r}; add it')
    value = entry[key]
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or isinstance(value, bool):
        names = ' or '.join(item.__name__ for item in kinds)
        raise InputError(f'{where}: {key!r} is {type(value).__name__}, expected {names}; correct it')
    return value


def read_size(entry: dict, where: str) -> tuple[int, int]:
    """Height and width of a video or an image, both positive."""
    for key in ('height', 'width'):
        if read_field(entry, key, int, where) <= 0:
            raise InputError(f'{where}: {key!r} is {entry[key]}, expected a positive number of pixels')
    return entry['height'], entry['width']


def read_categories(content: Any, where: str) -> dict[int, str]:
    """Category names by id; both must be unique."""
    names: dict[int, str] = {}
    for index, category in enumerate(read_field(content, 'categories', list, where)):
        here = f'{where}: categories[{index}]'
        category_id = read_field(category, 'id', int, here)
        name = read_field(category, 'name', str, here)
        if category_id in names:
            raise InputError(f'{here}: id {category_id} is there twice; ids must be unique')
        if name in names.values():
            raise InputError(f'{here}: name {name!r} is there twice; names must be unique')
        names[category_id] = name
    return names
