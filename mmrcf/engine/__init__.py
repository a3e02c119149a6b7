from .checkpoint import CompleteFileBackend
from .hooks import DatasetCheckHook, MemoryHook
from .loops import FrameStream, OnlineTestLoop, OnlineValLoop
from .query_outputs import SaveOutputsHook

__all__ = [
    'CompleteFileBackend',
    'DatasetCheckHook',
    'FrameStream',
    'MemoryHook',
    'OnlineTestLoop',
    'OnlineValLoop',
    'SaveOutputsHook',
]
