"""Online video instance segmentation via robust context fusion."""

from .compat import install_mmcv_stand_in
from .version import __version__

install_mmcv_stand_in()

__all__ = ['__version__']
