import importlib
import pkgutil

from .base import BaseTracker
from .hungarian_tracker import HungarianTracker
from .iou_tracker import IoUTracker
from .matching_free_tracker import MatchingFreeTracker

# Every file of this folder is imported, so a new tracker registers itself without a change here.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')

__all__ = ['BaseTracker', 'HungarianTracker', 'IoUTracker', 'MatchingFreeTracker']
