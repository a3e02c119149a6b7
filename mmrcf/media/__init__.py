"""Frames and audio in and out: video files, image folders, cameras and streams, by PyAV and OpenCV."""

from .frame_source import AudioFormat, Frame, FrameSource
from .image_source import ImageSource
from .live_source import LiveSource
from .open import open_source
from .video_source import VideoSource
from .writers import GradualOutput, StillWriter, Stopped, VideoWriter, is_still

__all__ = [
    'Frame',
    'FrameSource',
    'GradualOutput',
    'ImageSource',
    'LiveSource',
    'AudioFormat',
    'StillWriter',
    'Stopped',
    'VideoSource',
    'VideoWriter',
    'is_still',
    'open_source',
]
