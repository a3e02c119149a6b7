"""Frames and audio in and out: video files, image folders, cameras and streams, by PyAV and OpenCV."""

from .frame_source import AudioFormat, Frame, FrameSource
from .gradual_output import GradualOutput, Stopped
from .image_source import ImageSource
from .live_source import LiveSource
from .open import open_source
from .still_writer import StillWriter, is_still
from .video_source import VideoSource
from .writers import VideoWriter

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
