from .checkpoint import CompleteFileBackend
from .hooks import DatasetCheckHook, DivergenceHook, MemoryHook, ResumedScheduleHook
from .loops import FrameStream, OnlineTestLoop, OnlineValLoop
from .query_outputs import SaveOutputsHook

__all__ = [
    'CompleteFileBackend',
    'DatasetCheckHook',
    'DivergenceHook',
    'FrameStream',
    'MemoryHook',
    'OnlineTestLoop',
    'OnlineValLoop',
    'ResumedScheduleHook',
    'SaveOutputsHook',
]
