"""The one module that works around a dependency.

mmcv installs without its compiled operators when pip finds no compiler ("light"). RCF needs none of them, but importing
``mmdet.models`` imports ``mmcv.ops`` once, which dies without ``mmcv._ext``. :func:`install_mmcv_stand_in` puts a
module there whose operators raise when they are called, not when they are imported. A model that cannot do without
them asks :func:`require_operators` when it is built.
"""

import importlib
import importlib.util
import sys
from types import ModuleType

from mmrcf.errors import InputError

COMPILE_MMCV = (
    '`make baselines`, or pip install --no-cache-dir --no-build-isolation --force-reinstall --no-deps onedl-mmcv==2.3.6'
)


class _OperatorStandIn(ModuleType):
    """Stands in for ``mmcv._ext``: every attribute is a function that raises, naming the operator."""

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


def install_mmcv_stand_in() -> None:
    """Make ``mmcv.ops`` importable without compiled operators. Does nothing where compiled mmcv is installed.

    The stand-in leaves ``sys.modules`` once ``mmcv.ops`` holds it: code that asks whether compiled operators are there
    (``mmengine.utils.dl_utils.mmcv_full_available``) gets the right answer.
    """
    if 'mmcv.ops' in sys.modules or operators_compiled():
        return
    sys.modules['mmcv._ext'] = _OperatorStandIn('mmcv._ext')
    try:
        importlib.import_module('mmcv.ops')
    finally:
        del sys.modules['mmcv._ext']
