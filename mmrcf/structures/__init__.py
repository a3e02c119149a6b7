from .frame_result import FrameResult
from .ignored import IGNORED_LABEL
from .stream_state import AUDIO_KEYS, AudioMemory, AudioPatch, SlotPredictions, StreamState, TrackState

__all__ = [
    'IGNORED_LABEL',
    'AUDIO_KEYS',
    'AudioMemory',
    'AudioPatch',
    'FrameResult',
    'SlotPredictions',
    'StreamState',
    'TrackState',
]
