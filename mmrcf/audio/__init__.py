"""Samples on the clock of the frames: chunks, the buffers of a stream, resampling, log-mel patches, decoding."""

from .chunk import AudioChunk
from .window import AudioWindow

__all__ = ['AudioChunk', 'AudioWindow']
