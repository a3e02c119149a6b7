"""From a config file to a runner. An error in a config is one line that names the field."""

import argparse
import ast
import contextlib
import difflib
import inspect
import os
import re
import time
import traceback
import urllib.error
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict, DictAction
from mmengine.registry import Registry, build_from_cfg, init_default_scope
from mmengine.runner import Runner

import mmrcf.registry
from mmrcf.errors import InputError, InputFileError, one_line
from mmrcf.inputs import note_input
from mmrcf.model_index import listed_model
from mmrcf.utils import require_file

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
_UNKNOWN_TYPE = re.compile(r'(?P<type>\S+) is not in the (?P<registry>[\w :]+?) registry')
_UNKNOWN_KEY = re.compile(
    r"(?P<type>\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(?P<key>.*?)'(?:\. Did you mean|$)",
    re.DOTALL,
)
_MISSING_KEY = re.compile(r'(?P<type>\w+)(?:\.__init__)?\(\) missing \d+ required [\w-]+ arguments?: (?P<keys>.+)')


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


def load_config(path: str | Path, cfg_options: dict[str, Any] | None = None) -> Config:
    """Read a config file and override some of its fields.

    Args:
        path: The config file (``.py``), or the name of a model of the metafiles.
        cfg_options: New values by dotted path, for example ``{'model.score_thr': 0.3}``.

    Raises:
        InputFileError: The file or one of its bases is missing.
        InputError: The file is not a valid config, or an option names a top-level field that nothing reads.
    """
    model = listed_model(path)
    path = require_file(model.config_path if model else path, 'config')
    if path.suffix not in ('.py', '.json', '.yaml', '.yml'):
        raise InputError(f'config {path}: expected a .py file, got {path.suffix or "no suffix"}')
    try:
        config = Config.fromfile(path)
        _note_bases(path)
    except FileNotFoundError as error:
        raise InputFileError(f'config {path}: {one_line(error)}; check the names in its _base_') from error
    except Exception as error:  # the file is the user's program: whatever it raises is theirs to fix
        raise InputError(f'config {path}: cannot be read ({type(error).__name__}: {one_line(error)})') from error
    if not isinstance(config.get('model'), dict):
        raise InputError(f'config {path}: has no field model=dict(type=...); give the config of a model')
    if cfg_options:
        override(config, cfg_options)
    return config


def _note_bases(path: Path) -> None:
    """Count the files that a config is made of as inputs, so that none of them becomes an output."""
    note_input(path)
    for base in Config._get_base_files(str(path)):
        if '::' not in base:  # of an installed package
            _note_bases(path.parent / base)


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
        if field not in config:
            known = set(config.keys()) | _READ_FIELDS
            raise InputError(f'option {option}: {name} has no field {field}{_did_you_mean(field, known)}')
        raise InputError(
            f'option {option}: is a variable that {name} used when it was read, so a change has no effect; '
            f'{_fields_instead(config, option, value)}'
        )
    try:
        config.merge_from_dict(options)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f'options {", ".join(options)}: do not fit {name} ({one_line(error)})') from error


def _check_key(field: str, key: str, option: str) -> None:
    known = _KNOWN_KEYS.get(field, ())
    if known and key and key not in known:
        raise InputError(
            f'option {option}: nothing reads {key} of {field}; expected one of {", ".join(sorted(known))}'
            f'{_did_you_mean(key, known)}'
        )


def _fields_instead(config: Config, variable: str, value: Any) -> str:
    """Which options do what a change of ``variable`` was meant to do: those of fields that have its value."""
    try:
        used = config
        for key in variable.split('.'):
            used = used[int(key) if key.isdecimal() else key]
    except (KeyError, IndexError, TypeError, ValueError):
        return 'change the fields that use it'
    read = {field: content for field, content in config.to_dict().items() if field in _READ_FIELDS}
    same = [field for field, content in _fields(read) if type(content) is type(used) and content == used]
    last = variable.split('.')[-1]
    named = [field for field in same if field.split('.')[-1] == last]
    chosen = named if named and len(same) > 4 else same
    if not chosen:
        return 'change the fields that use it'
    more = f' (and {len(chosen) - 8} more)' if len(chosen) > 8 else ''
    return f'give the fields with its value that you mean: {" ".join(f"{field}={value}" for field in chosen[:8])}{more}'


def _fields(node: Any, field: str = '') -> Iterator[tuple[str, Any]]:
    """Everything inside a config with its dotted path, outermost first."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list | tuple) else ()
    for key, value in items:
        path = f'{field}.{key}' if field else str(key)
        yield path, value
        yield from _fields(value, path)


def require_training(config: Config) -> None:
    """Raise :class:`InputError` if ``config`` has no training: it lacks the data, the loop or the optimizer."""
    missing = [field for field in ('train_dataloader', 'train_cfg', 'optim_wrapper') if not config.get(field)]
    if missing:
        raise InputError(f'config {config.filename}: has no {" and no ".join(missing)}; add what training needs')


def require_gpu_for_amp(config: Config) -> None:
    """Raise :class:`InputError` if ``config`` trains in mixed precision and there is no GPU."""
    if config.optim_wrapper.get('type') == 'AmpOptimWrapper' and not torch.cuda.is_available():
        raise InputError(
            f'config {config.filename}: optim_wrapper.type=AmpOptimWrapper (--amp) needs a GPU, and none is there; '
            'train without --amp'
        )


def set_threads(config: Config) -> None:
    """Use ``num_threads`` CPU threads if the config has that field; the variable ``OMP_NUM_THREADS`` comes first."""
    if config.get('num_threads') and 'OMP_NUM_THREADS' not in os.environ:
        torch.set_num_threads(config.num_threads)


def set_up_process(config: Config) -> None:
    """Do what a config says about the process: CPU threads, and the scope in which its bare type names are found."""
    set_threads(config)
    init_default_scope(config.get('default_scope', 'mmrcf'))


def set_work_dir(config: Config, work_dir: str | None) -> None:
    """Choose the folder for logs and checkpoints: the argument, else the config's, else ``work_dirs/<config name>``.

    Raises:
        InputFileError: It cannot be created or written to.
    """
    config.work_dir = work_dir or config.get('work_dir') or str(Path('work_dirs') / Path(config.filename).stem)
    try:
        os.makedirs(config.work_dir, exist_ok=True)
    except OSError as error:
        raise InputFileError(
            f'work_dir {config.work_dir}: cannot be created ({error.strerror}); choose another with --work-dir'
        ) from error
    if not os.access(config.work_dir, os.W_OK):
        raise InputFileError(f'work_dir {config.work_dir}: not writable; choose another with --work-dir')


def build_runner(config: Config) -> Runner:
    """Build the runner of ``config``; see :func:`explained_config_errors` for what it raises."""
    if not config.get('experiment_name'):
        # MMEngine names a run by its config and the second it starts in, and keeps one log for each name.
        stem = Path(config.filename).stem if config.filename else 'run'
        config.experiment_name = f'{stem}_{time.strftime("%Y%m%d_%H%M%S")}_{uuid.uuid4().hex[:8]}'
    with explained_config_errors(config):
        return Runner.from_cfg(config)


def check_batch_size(runner: Runner) -> None:
    """Compare the batch of a training with the one that its learning rate is for: ``auto_scale_lr.base_batch_size``.

    A batch is the clips of all processes and accumulated steps. If it is another, a line of the log says so. With
    ``auto_scale_lr.enable``, MMEngine scales the rate when the training starts.

    Raises:
        InputError: The rate has to be scaled, and the config does not say what it is for.
    """
    config, scale = runner.cfg, runner.auto_scale_lr or {}
    if 'base_batch_size' not in scale:
        if scale.get('enable'):
            raise InputError(
                f'config {config.filename}: has no auto_scale_lr.base_batch_size, the batch that its learning rate is '
                'for; add it, or train without --auto-scale-lr'
            )
        return
    clips, steps = config.train_dataloader.batch_size, config.optim_wrapper.get('accumulative_counts', 1)
    batch, recipe = clips * runner.world_size * steps, scale['base_batch_size']
    if scale.get('enable'):
        scale['base_batch_size'] = recipe / steps  # MMEngine's scaling takes no account of accumulated steps
    elif batch != recipe:
        runner.logger.warning(
            'batch: %d clips x %d processes x %d accumulated steps = %d, but the learning rate is for a batch of %d; '
            '--auto-scale-lr multiplies the rate by %g',
            clips,
            runner.world_size,
            steps,
            batch,
            recipe,
            batch / recipe,
        )


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
        return f'{where}={name!r} is not in the registry {match["registry"]}{_did_you_mean(name, _registered_names())}'
    if match := _UNKNOWN_KEY.search(message):
        key = match['key']
        parts = [(field, part) for field, part in config_parts(config) if key in part]
        parts.sort(key=lambda item: not _is_a(item[1], match['type']))  # stable: the constructor's own part comes first
        if parts:
            name = key if re.fullmatch(r'[\w-]+', key) else repr(key)
            return f'{parts[0][0]}.{name}: {match["type"]} takes no such key{_did_you_mean(key, _keys_of(parts[0][1]))}'
    if match := _MISSING_KEY.search(message):
        fields = [field for field, part in config_parts(config) if _is_a(part, match['type'])]
        if fields:
            return f'{fields[0]}: {match["type"]} needs {match["keys"]}; add it'
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


def config_parts(config: Config | dict) -> Iterator[tuple[str, dict]]:
    """Every dict inside a config with its dotted path, outermost first."""
    for field, content in _fields(config.to_dict() if isinstance(config, Config | ConfigDict) else config):
        if isinstance(content, dict):
            yield field, content


def drop_initial_weights(config: Config) -> None:
    """Let the model of ``config`` begin with random weights, where it names those of a file or an address."""
    for field, part in list(config_parts(config)):
        if field.split('.')[0] == 'model' and (part.get('init_cfg') or {}).get('type') == 'Pretrained':
            config.merge_from_dict({f'{field}.init_cfg': None})  # the parts are copies


def _is_a(part: dict, class_name: str) -> bool:
    return str(part.get('type', '')).split('.')[-1] == class_name


def _registries() -> list[Registry]:
    return [value for value in vars(mmrcf.registry).values() if isinstance(value, Registry) and value.scope == 'mmrcf']


def _registered_names() -> set[str]:
    return {name for registry in _registries() for name in registry.module_dict}


def _keys_of(part: dict) -> set[str]:
    """The arguments that the part's constructor takes; empty where its type is not one of ours."""
    for registry in _registries():
        if (constructor := registry.module_dict.get(part.get('type'))) is not None:
            return set(inspect.signature(constructor).parameters)
    return set()


def _did_you_mean(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f'; did you mean {close[0]!r}?' if close else '; check the spelling'
