from .base import BaseTracker
from .hungarian_tracker import HungarianTracker
from .iou_tracker import IoUTracker
from .matching_free_tracker import MatchingFreeTracker

__all__ = ['BaseTracker', 'HungarianTracker', 'IoUTracker', 'MatchingFreeTracker']
