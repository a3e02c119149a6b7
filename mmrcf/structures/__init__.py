from .frame_result import FrameResult
from .stream_state import SlotPredictions, StreamState, TrackState

__all__ = ['FrameResult', 'SlotPredictions', 'StreamState', 'TrackState']
