"""Variables of a config file: they have done their work when it is read, so other fields have to be overridden."""

import ast
import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .config_fields import config_fields

_MOST_FIELDS = 12


def fields_instead(config: Config, option: str, value: Any, read_fields: frozenset[str]) -> str:
    """The overrides that do what one of a variable was meant to do, as the end of a message.

    They are found by reading the files with the changed value: fields that differ then used the variable. Where none
    does, or the variable is not in the files, fields of the same name are given.

    Args:
        config: A config that was read from a file.
        option: Dotted path whose first part is a variable, or no name of the config.
        value: What it was to become.
        read_fields: The top-level fields that are no variables.

    Returns:
        For example ``give model.head.num_classes=3``; empty where there is no such field.
    """
    before = _read(config.to_dict(), read_fields)
    after = _with_changed_variable(config, option, value)
    changed = [] if after is None else list(_differences(before, _read(after.to_dict(), read_fields)))
    if changed:
        more = f' (and {len(changed) - _MOST_FIELDS} more)' if len(changed) > _MOST_FIELDS else ''
        overrides = (_as_option(field, content) for field, content in changed[:_MOST_FIELDS])
        return f'to change what it was used for, give {" ".join(overrides)}{more}'
    key = option.split('.')[-1]
    same = [field for field, content in config_fields(before) if _last_key(field) == key and _alike(content, value)]
    if not same or len(same) > _MOST_FIELDS:
        return ''
    return f'fields of that name: {" ".join(_as_option(field, value) for field in same)}'


def _read(content: dict, read_fields: frozenset[str]) -> dict:
    return {field: value for field, value in content.items() if field in read_fields - {'data_commands'}}


def _last_key(field: str) -> str:
    return field.rpartition('.')[2]


def _alike(first: Any, second: Any) -> bool:
    """Whether two values are of one kind: numbers, texts, dicts, or lists of the same length."""
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second)
    return any(isinstance(first, kind) and isinstance(second, kind) for kind in (int | float, str, dict))


def _with_changed_variable(config: Config, option: str, value: Any) -> Config | None:
    """The config of the same files in which every assignment of the variable has the new value.

    None where the files cannot be read so, for instance because another value follows from it that cannot be computed.
    """
    if not config.filename or not Path(config.filename).is_file():
        return None
    name, *keys = option.split('.')
    target = name + ''.join(f'[{int(key) if key.isdecimal() else key!r}]' for key in keys)
    with tempfile.TemporaryDirectory() as folder:
        try:
            top = Path(config.filename).resolve()
            for path in _files(top):
                copy = Path(folder, *path.parts[1:])
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(_assigned(path.read_text(encoding='utf-8'), name, f'{target} = {value!r}'))
            return Config.fromfile(Path(folder, *top.parts[1:]), import_custom_modules=False)
        except Exception:  # the files are programs of the user; without them there is only no hint
            return None


def _files(path: Path) -> Iterator[Path]:
    """A config file and its bases, without those of installed packages."""
    yield path
    for base in Config._get_base_files(str(path)):
        if '::' not in base:
            yield from _files((path.parent / base).resolve())


def _assigned(text: str, name: str, line: str) -> str:
    """The text of a config file with ``line`` after each assignment of ``name``."""
    lines = text.splitlines()
    for statement in reversed(ast.parse(text).body):
        targets = statement.targets if isinstance(statement, ast.Assign) else ()
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            lines.insert(statement.end_lineno, line)
    return '\n'.join(lines) + '\n'


def _differences(before: Any, after: Any, field: str = '') -> Iterator[tuple[str, Any]]:
    """The innermost fields in which two trees differ, with the value of the second."""
    prefix = f'{field}.' if field else ''
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key, value in before.items():
            yield from _differences(value, after[key], f'{prefix}{key}')
    elif _holds_dicts(before) and _holds_dicts(after) and len(before) == len(after):
        for index, value in enumerate(before):
            yield from _differences(value, after[index], f'{prefix}{index}')
    elif before != after or type(before) is not type(after):
        yield field, after


def _holds_dicts(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value)


def _as_option(field: str, value: Any) -> str:
    """``field=value`` as ``--cfg-options`` takes it; a long value is left out."""
    text = _as_text(value)
    return shlex.quote(f'{field}={text}') if len(text) <= 100 else f'{field}=...'


def _as_text(value: Any) -> str:
    if isinstance(value, dict) and all(isinstance(key, str) and key.isidentifier() for key in value):
        return f'dict({",".join(f"{key}={_as_text(item)}" for key, item in value.items())})'
    if isinstance(value, list | tuple):
        return f'[{",".join(map(_as_text, value))}]'
    return value if isinstance(value, str) and re.fullmatch(r'[\w./:-]+', value) else repr(value)
