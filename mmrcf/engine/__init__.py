from .complete_files import CompleteFileBackend
from .dataset_check_hook import DatasetCheckHook
from .loops import FrameStream, OnlineTestLoop, OnlineValLoop
from .memory_hook import MemoryHook

__all__ = [
    'CompleteFileBackend',
    'DatasetCheckHook',
    'FrameStream',
    'MemoryHook',
    'OnlineTestLoop',
    'OnlineValLoop',
]
