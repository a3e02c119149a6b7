"""What a constructor raises about a wrong field of a config, as one line that names the field."""

import contextlib
import inspect
import re
import traceback
import urllib.error
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry, build_from_cfg

import mmrcf.registry
from mmrcf.errors import InputError, InputFileError, one_line
from mmrcf.utils import did_you_mean

from .config_fields import config_parts

_UNKNOWN_TYPE = re.compile(r'(?P<type>\S+) is not in the (?P<registry>[\w :]+?) registry')
_UNKNOWN_KEY = re.compile(
    r"(?P<type>\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(?P<key>.*?)'(?:\. Did you mean|$)",
    re.DOTALL,
)
_MISSING_KEY = re.compile(r'(?P<type>\w+)(?:\.__init__)?\(\) missing \d+ required [\w-]+ arguments?: (?P<keys>.+)')


@contextlib.contextmanager
def explained_config_errors(config: Config) -> Iterator[None]:
    """Turn what a wrong field of ``config`` makes a constructor raise into an :class:`InputError` naming that field.

    A runner builds its datasets, optimizer and schedules when it starts, so this belongs around ``runner.train()`` and
    ``runner.test()`` as well. An error that no field of the config explains passes unchanged.
    """
    try:
        yield
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AssertionError, AttributeError, RuntimeError) as error:
        explanation = _explain(config, str(error.args[0]) if error.args else '') or _refused_value(config, error)
        if explanation is None:
            raise
        raise InputError(f'config {config.filename}: {explanation}') from error
    except ImportError as error:  # of a part that needs a package which is no dependency, such as TensorBoard
        raise InputError(f'config {config.filename}: {one_line(error)}') from error
    except urllib.error.URLError as error:
        raise InputError(
            f'config {config.filename}: a download of initial weights failed ({one_line(error)}); fetch the file of '
            'init_cfg.checkpoint yourself and give its path, or set init_cfg=None to start from random weights'
        ) from error
    except FileNotFoundError as error:
        what = f'{error.filename}: no such file' if error.filename else one_line(error).rstrip('.')
        raise InputFileError(f'config {config.filename}: {what}; check the path in the config') from error


def _explain(config: Config, message: str) -> str | None:
    """The field of ``config`` that ``message`` is about, as a message; None if it is about none."""
    if match := _UNKNOWN_TYPE.search(message):
        name = match['type'].strip('\'"')
        fields = [field for field, part in config_parts(config) if part.get('type') == name]
        where = f'{fields[0]}.type' if fields else 'type'
        known = _registered_names()
        hint = f"; it is one of mmrcf, so write 'mmrcf.{name}', or default_scope='mmrcf'"
        ending = hint if name in known else did_you_mean(name, known)
        return f'{where}={name!r} is not in the registry {match["registry"]}{ending}'
    if match := _UNKNOWN_KEY.search(message):
        key = match['key']
        parts = [(field, part) for field, part in config_parts(config) if key in part]
        parts.sort(key=lambda item: not _is_a(item[1], match['type']))  # stable: the constructor's own part comes first
        if parts:
            name = key if re.fullmatch(r'[\w-]+', key) else repr(key)
            return f'{parts[0][0]}.{name}: {match["type"]} takes no such key{did_you_mean(key, _keys_of(parts[0][1]))}'
    if match := _MISSING_KEY.search(message):
        fields = [field for field, part in config_parts(config) if _is_a(part, match['type'])]
        if fields:
            return f'{fields[0]}: {match["type"]} needs {match["keys"]}; add it'
    if match := re.fullmatch(r'(?P<prefix>\S+)\. is not in the pretrained model', message):
        fields = [
            field for field, part in config_parts(config) if str(part.get('prefix')).rstrip('.') == match['prefix']
        ]
        return (
            f'{fields[0]}.prefix={match["prefix"]}: no weight of the file begins with it; correct it'
            if fields
            else None
        )
    if match := re.search(r'type must be a str or valid type, but got (.+)', message):
        return f'a part has a type that is {match[1]}; give type as a name'
    if 'must contain the key "type"' in message:
        return f'a part has no type; add type=... to it ({message.splitlines()[0][:200]})'
    return None


def _refused_value(config: Config, error: Exception) -> str | None:
    """The message of a part's constructor about a value; None if ``error`` was not raised while a part was built."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    building = [frame for frame in frames if frame.f_code is build_from_cfg.__code__]
    if building and not isinstance(part := building[-1].f_locals['cfg'], dict):
        return _no_part(config, part, [frame.f_locals['cfg'] for frame in building[:-1]])
    if not building:
        return None
    kind = building[-1].f_locals['cfg'].get('type')
    name = str(kind)
    fields = [field for field, part in config_parts(config) if part.get('type') == name]
    if isinstance(kind, str) and not re.fullmatch(r'\w+(\.\w+)*', kind):
        return f'{f"{fields[0]}." if fields else ""}type={name!r} is no name of a class; change that value'
    # A TypeError from deeper down is more often a bug than a value.
    if isinstance(error, TypeError) and frames[-1].f_code.co_name != '__init__':
        return None
    message = ' '.join(str(error.args[0]).split()) if error.args else repr(error)
    return f'{fields[0] if fields else name}: {message}; change that value'


def _no_part(config: Config, value: Any, owners: list[Any]) -> str:
    """Which field holds a value in the place of a part; ``owners``: the parts around it, outermost first."""
    if not owners:
        return f'a part is {value!r:.60}, expected dict(type=...); change that value'
    owner = owners[-1]
    fields = [field for field, part in config_parts(config) if part.get('type') == owner.get('type')]
    keys = [key for key, own in owner.items() if own is value or own == value]
    where = f'{fields[0] if fields else owner.get("type")}.{keys[0]}' if keys else f'a part of {owner.get("type")}'
    return f'{where} is {value!r:.60}, expected dict(type=...); change that value'


def _is_a(part: dict, class_name: str) -> bool:
    return str(part.get('type', '')).split('.')[-1] == class_name


def _registries() -> list[Registry]:
    return [value for value in vars(mmrcf.registry).values() if isinstance(value, Registry) and value.scope == 'mmrcf']


def _registered_names() -> set[str]:
    return {name for registry in _registries() for name in registry.module_dict}


def _keys_of(part: dict) -> set[str]:
    """The arguments that the part's constructor takes, with those of its bases; empty where its type is not known."""
    for registry in _registries():
        if isinstance(constructor := registry.get(str(part.get('type'))), type):
            return {name for base in constructor.__mro__ for name in inspect.signature(base.__init__).parameters}
    return set()
