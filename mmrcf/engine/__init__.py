from .checkpoint import CompleteFileBackend
from .hooks import DatasetCheckHook, DivergenceHook, MemoryHook
from .loops import FrameStream, OnlineTestLoop, OnlineValLoop

__all__ = [
    'CompleteFileBackend',
    'DatasetCheckHook',
    'DivergenceHook',
    'FrameStream',
    'MemoryHook',
    'OnlineTestLoop',
    'OnlineValLoop',
]
