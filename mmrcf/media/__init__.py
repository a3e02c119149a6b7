"""Frames and audio in and out: video files, image folders, cameras and streams, by PyAV and OpenCV."""

from .array_source import ArraySource
from .frame_source import AudioFormat, Frame, FrameSource
from .image_source import ImageSource
from .live_source import LiveSource
from .open import open_source, require_source
from .output_group import OutputGroup
from .video_source import VideoSource
from .writers import AtomicWriter, ImageWriter, Stopped, VideoWriter, is_image_path

__all__ = [
    'ArraySource',
    'Frame',
    'FrameSource',
    'AtomicWriter',
    'ImageSource',
    'LiveSource',
    'AudioFormat',
    'ImageWriter',
    'OutputGroup',
    'Stopped',
    'VideoSource',
    'VideoWriter',
    'is_image_path',
    'open_source',
    'require_source',
]
