from .frame_result import FrameResult
from .ignored import IGNORED_LABEL
from .stream_state import SOUND_KEYS, AudioMemory, AudioPatch, SlotPredictions, StreamState, TrackState

__all__ = [
    'IGNORED_LABEL',
    'SOUND_KEYS',
    'AudioMemory',
    'AudioPatch',
    'FrameResult',
    'SlotPredictions',
    'StreamState',
    'TrackState',
]
