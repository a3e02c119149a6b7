"""Online video instance segmentation via robust context fusion."""

from mmrcf.compat import install_mmcv_stand_in
from mmrcf.version import __version__

install_mmcv_stand_in()

__all__ = ['__version__']
