from .checkpoint import CompleteFileBackend
from .hooks import DatasetCheckHook, MemoryHook
from .loops import FrameStream, OnlineTestLoop, OnlineValLoop

__all__ = ['CompleteFileBackend', 'DatasetCheckHook', 'FrameStream', 'MemoryHook', 'OnlineTestLoop', 'OnlineValLoop']
