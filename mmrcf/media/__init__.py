"""Frames and sound in and out: video files, image folders, cameras and streams, by PyAV and OpenCV."""

from .frame_source import Frame, FrameSource, SoundFormat
from .gradual_output import GradualOutput, Stopped
from .image_source import ImageSource
from .live_source import LiveSource
from .sound_file import SoundReader, read_sound
from .still_writer import StillWriter, is_still
from .video_io import open_source
from .video_source import VideoSource
from .video_writer import VideoWriter

__all__ = [
    'Frame',
    'FrameSource',
    'GradualOutput',
    'ImageSource',
    'LiveSource',
    'SoundFormat',
    'SoundReader',
    'StillWriter',
    'Stopped',
    'VideoSource',
    'VideoWriter',
    'is_still',
    'open_source',
    'read_sound',
]
