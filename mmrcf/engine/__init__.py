from .complete_files import CompleteFileBackend
from .loops import FrameStream, OnlineTestLoop, OnlineValLoop

__all__ = ['CompleteFileBackend', 'FrameStream', 'OnlineTestLoop', 'OnlineValLoop']
