from .loops import FrameStream, OnlineTestLoop, OnlineValLoop

__all__ = ['FrameStream', 'OnlineTestLoop', 'OnlineValLoop']
