from .frame_result import FrameResult
from .sound import AudioChunk, AudioMemory, AudioPatch
from .stream_state import SlotPredictions, StreamState, TrackState

__all__ = ['AudioChunk', 'AudioMemory', 'AudioPatch', 'FrameResult', 'SlotPredictions', 'StreamState', 'TrackState']
