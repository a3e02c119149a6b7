from .match_costs import CenterDistanceCost
from .matcher import SlotMatcher
from .targets import FrameTargets, frame_targets

__all__ = ['CenterDistanceCost', 'FrameTargets', 'SlotMatcher', 'frame_targets']
