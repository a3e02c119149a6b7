from .frame_result import FrameResult
from .sound import SOUND_KEYS, AudioChunk, AudioMemory, AudioPatch
from .stream_state import SlotPredictions, StreamState, TrackState

__all__ = [
    'SOUND_KEYS',
    'AudioChunk',
    'AudioMemory',
    'AudioPatch',
    'FrameResult',
    'SlotPredictions',
    'StreamState',
    'TrackState',
]
