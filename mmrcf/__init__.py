"""Online video instance segmentation via robust context fusion."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  from a source tree nothing else has checked it
    raise ImportError(f'mmrcf needs Python 3.11 or newer; this is Python {sys.version.split()[0]}')

from mmrcf.compat import install_mmcv_stand_in
from mmrcf.version import __version__

install_mmcv_stand_in()

__all__ = ['__version__']
