from .frame_result import FrameResult
from .ignored import IGNORED_LABEL
from .sound import SOUND_KEYS, AudioChunk, AudioMemory, AudioPatch
from .stream_state import SlotPredictions, StreamState, TrackState

__all__ = [
    'IGNORED_LABEL',
    'SOUND_KEYS',
    'AudioChunk',
    'AudioMemory',
    'AudioPatch',
    'FrameResult',
    'SlotPredictions',
    'StreamState',
    'TrackState',
]
