"""The one module that works around dependencies.

mmcv installs without its compiled operators when pip finds no compiler ("light"). RCF needs none of them, but importing
``mmdet.models`` imports ``mmcv.ops`` once, which dies without ``mmcv._ext``. :func:`install_mmcv_stand_in` has a
module there, once ``mmcv.ops`` is imported, whose operators raise when they are called, not when they are imported. A
model that cannot do without them asks :func:`require_operators` when it is built.

MMEngine keeps the lock of its global objects where one cannot be built; see :func:`release_lock_on_errors`.
"""

import contextlib
import functools
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

from mmrcf.errors import InputError

COMPILE_MMCV = (
    '`make baselines`, or pip install --no-cache-dir --no-build-isolation --force-reinstall --no-deps onedl-mmcv==2.3.6'
)


class _OperatorStandIn(ModuleType):
    """Replaces ``mmcv._ext``: every attribute is a function that raises an error with the name of the operator."""

    def __getattr__(self, name: str):
        if name.startswith('__'):
            raise AttributeError(name)

        def missing_operator(*_args, **_kwargs):
            raise RuntimeError(
                f'mmcv operator {name!r} needs compiled mmcv, and this one is the light build; compile it: '
                f'{COMPILE_MMCV}'
            )

        return missing_operator


def operators_compiled() -> bool:
    """Whether the installed mmcv has its compiled operators."""
    return importlib.util.find_spec('mmcv._ext') is not None


def require_operators(model: str) -> None:
    """Raise :class:`InputError` if the compiled operators of mmcv are not there.

    Args:
        model: Who needs them, for the message.
    """
    if not operators_compiled():
        raise InputError(
            f'{model} needs the compiled operators of mmcv, and this mmcv is the light build; compile it: '
            f'{COMPILE_MMCV}'
        )


class _StandInLoader(SourceFileLoader):
    """Runs ``mmcv.ops`` with the stand-in for ``mmcv._ext``, which leaves ``sys.modules`` once ``mmcv.ops`` holds it.

    So code that asks whether compiled operators are there (``mmengine.utils.dl_utils.mmcv_full_available``) gets the
    right answer.
    """

    def exec_module(self, module: ModuleType) -> None:
        sys.modules['mmcv._ext'] = _OperatorStandIn('mmcv._ext')
        try:
            super().exec_module(module)
        finally:
            del sys.modules['mmcv._ext']


class _OperatorsFinder(MetaPathFinder):
    """Finds ``mmcv.ops``, and nothing else, where mmcv has no compiled operators."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != 'mmcv.ops' or operators_compiled():
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = _StandInLoader(name, spec.origin)
        return spec


def install_mmcv_stand_in() -> None:
    """Make ``mmcv.ops`` importable without compiled operators. Nothing is imported before it is."""
    if not any(isinstance(finder, _OperatorsFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _OperatorsFinder())


def release_lock_on_errors() -> None:
    """Have MMEngine release the lock of its global objects (loggers, scopes ...) also where an error ends their code.

    The lock is that of a thread, which goes on without a sign of it. Every other thread that builds a model would wait
    forever: a server, say, after a config whose log cannot be written.
    """
    from mmengine.utils.manager import ManagerMixin

    for name in ('get_instance', 'get_current_instance'):
        function = getattr(ManagerMixin, name).__func__
        if not hasattr(function, '__wrapped__'):
            setattr(ManagerMixin, name, classmethod(_releasing(function)))


def _releasing(function: Callable) -> Callable:
    from mmengine.utils.manager import _release_lock

    @functools.wraps(function)
    def released(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except BaseException:
            with contextlib.suppress(RuntimeError):  # the error came before the lock
                _release_lock()
            raise

    return released
