from .instance_query_head import InstanceQueryHead, SlotOutputs
from .mask_decoder import FPNMaskDecoder
from .matcher import SlotMatcher
from .targets import FrameTargets, frame_targets

__all__ = ['FPNMaskDecoder', 'FrameTargets', 'InstanceQueryHead', 'SlotMatcher', 'SlotOutputs', 'frame_targets']
