"""Fields of a config that are overridden on a command line; an override without effect is refused."""

import argparse
import ast
import difflib
import inspect
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from mmrcf.errors import InputError, one_line
from mmrcf.utils import counted, did_you_mean

from .config_variables import fields_instead

# Top-level fields that MMEngine's Runner reads beside its own arguments.
_RUNNER_FIELDS = frozenset(inspect.signature(Runner.__init__).parameters) | {
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'num_threads',
    'sync_bn',
}
# Top-level fields that MMEngine or this package reads. Others are variables: a config uses them while it is read. So is
# data_preprocessor, which the Runner passes on only to models without one.
_READ_FIELDS = (_RUNNER_FIELDS - {'data_preprocessor'}) | {
    'data_commands',
    'previous_stage',
    'test_pipeline',
    'test_sets',
}
# Of fields whose other keys MMEngine passes over without a word.
_KNOWN_KEYS = {
    'auto_scale_lr': frozenset(('base_batch_size', 'enable')),
    'env_cfg': frozenset(('cudnn_benchmark', 'dist_cfg', 'mp_cfg', 'resource_limit')),
}


class ConfigOptions(DictAction):
    """``--cfg-options key.sub=value ...``, with a usage message for an option without ``=``.

    A value can be ``dict(type=Name,key=value)`` too, or a list of such; words need no quotes.
    """

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values, option_string=None
    ) -> None:
        """Parse ``values`` into a dict on ``namespace``."""
        parts = [text for text in values if 'dict(' in text or '{' in text]
        try:
            super().__call__(parser, namespace, [text for text in values if text not in parts], option_string)
        except (ValueError, AssertionError, RecursionError):
            parser.error(f'{option_string}: expected key=value pairs, got {" ".join(values)[:200]!r}')
        for text in parts:
            key, _, value = text.partition('=')
            try:
                getattr(namespace, self.dest)[key] = _literal(ast.parse(value.strip(), mode='eval').body)
            except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two where it lies too deep
                parser.error(f'{option_string} {text}: expected values, lists and dict(key=value), nothing else')


def _literal(node: ast.expr) -> Any:
    """The value of an expression of constants, lists, dicts and bare words; nothing is evaluated."""
    match node:
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords) if all(item.arg for item in keywords):
            return {item.arg: _literal(item.value) for item in keywords}
        case ast.Dict(keys=keys, values=values) if all(keys):
            return {_literal(key): _literal(value) for key, value in zip(keys, values, strict=True)}
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_literal(item) for item in items]
        case ast.Name(id=word):
            return word
        case ast.Attribute(value=value, attr=word):
            return f'{_literal(value)}.{word}'
        case _:
            return ast.literal_eval(node)


def check_spelling(config: Config) -> None:
    """Raise :class:`InputError` if a top-level field is nearly one that is read: it would be a variable without use."""
    for field in config.keys() - _READ_FIELDS:
        for known in _READ_FIELDS:
            alike = difflib.SequenceMatcher(None, field, known).ratio() > 0.93 or sorted(field) == sorted(known)
            if alike and field != 'data_preprocessor':
                raise InputError(
                    f'config {config.filename}: has a field {field}, which nothing reads; did you mean {known!r}? '
                    'Rename it'
                )


def override(config: Config, options: dict[str, Any]) -> None:
    """Change fields of ``config`` in place.

    Args:
        config: Any config.
        options: New values by dotted path.

    Raises:
        InputError: An option names a top-level field that nothing reads, or does not fit the config.
    """
    name = config.filename or 'the config'
    for option, value in options.items():
        field, _, rest = option.partition('.')
        if field in _READ_FIELDS:
            _check_key(field, rest.partition('.')[0], option)
            continue
        instead = fields_instead(config, option, value, _READ_FIELDS)
        if field not in config:
            known = set(config.keys()) | _READ_FIELDS
            ending = f'; {instead}' if instead else did_you_mean(field, known)
            raise InputError(f'option {option}: {name} has no field {field}{ending}')
        raise InputError(
            f'option {option}: is a variable that {name} used when it was read, so a change has no effect; '
            f'{instead or "no field has its value"}'
        )
    for option, value in options.items():
        try:
            config.merge_from_dict({option: value})
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f'option {option}: does not fit {name}: {_misfit(config, option, error)}') from error


def _misfit(config: Config, option: str, error: Exception) -> str:
    """Why a dotted path leads nowhere: the list that is shorter, or the value that has no fields."""
    node, path = config, ''
    for key in option.split('.'):
        if isinstance(node, list | tuple):
            if not key.isdecimal() or int(key) >= len(node):
                return f'{path} is a list of {counted(len(node), "entry")}, expected an index below that, got {key!r}'
            node = node[int(key)]
        elif isinstance(node, dict | Config):
            node = node.get(key)
        else:
            return f'{path} is {node!r:.60}, which has no fields'
        path = f'{path}.{key}' if path else key
    return one_line(error)


def _check_key(field: str, key: str, option: str) -> None:
    known = _KNOWN_KEYS.get(field, ())
    if known and key and key not in known:
        raise InputError(
            f'option {option}: nothing reads {key} of {field}; expected one of {", ".join(sorted(known))}'
            f'{did_you_mean(key, known)}'
        )
