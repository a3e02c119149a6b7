"""Opens a source of frames: a file, a folder, a glob, a camera or a stream."""

import glob
import sys
from pathlib import Path

from mmrcf.errors import InputError, InputFileError
from mmrcf.utils import require_file
from mmrcf.utils.container import STREAM_TIMEOUT

from .audio_input import is_microphone, with_audio
from .frame_source import FrameSource
from .image_source import IMAGE_SUFFIXES, ImageSource, natural_order
from .live_source import LiveSource
from .video_source import VideoSource

DEFAULT_IMAGE_FPS = 6.0
FPS_RANGE = (0.001, 1000)  # times are counted in frames; the rate is a fraction of numbers up to 1001

LIVE_SCHEMES = frozenset(('rtsp', 'rtsps', 'rtmp', 'rtmps', 'rtp', 'udp', 'srt', 'tcp', 'mms'))
STREAM_SCHEMES = LIVE_SCHEMES | {'http', 'https'}
# How FFmpeg's input devices name camera number {index}, by sys.platform.
CAMERA_DEVICES = {'linux': ('v4l2', '/dev/video{index}'), 'darwin': ('avfoundation', '{index}:none')}


def open_source(
    source: str | int | Path,
    *,
    audio: bool | str | Path = False,
    fps: float | None = None,
    max_size: int | None = None,
) -> FrameSource:
    """Open a source of frames.

    Args:
        source: A video file, an image file, a folder of images, a glob of images ('clip/*.jpg', quoted in a shell), a
            camera number (0, '0') or the URL of a stream (rtsp, rtmp, udp, srt, http, https, ...).
        audio: Audio to deliver with the frames (``Frame.audio``). False: none. True: the audio of the source, if it
            can be read. A path or URL: the audio of that file, from its start. For a camera also 'mic', the default
            microphone, or 'mic:NAME', one by its name in the system.
        fps: Frames per second of image files, from 0.001 to 1000 (default 6, as YouTube-VIS); videos, cameras and
            streams have their own rate.
        max_size: Limit of the longer side in pixels; larger frames are scaled down first.

    Returns:
        A :class:`FrameSource`; close it, or use it in a ``with`` block.

    Raises:
        InputFileError: The source or the audio file is missing, empty, or cannot be opened.
        InputError: The kind of source is not supported, or an argument is out of range.
    """
    if fps is not None and not FPS_RANGE[0] <= fps <= FPS_RANGE[1]:
        raise InputError(f'fps {fps}: expected a number from {FPS_RANGE[0]} to {FPS_RANGE[1]}')
    if max_size is not None and max_size < 16:
        raise InputError(f'max_size {max_size}: expected at least 16 pixels')
    text = str(source)
    if not text:
        raise InputError('input: is empty; give a video file, a folder of images, a camera number or a stream URL')
    path = Path(text)
    is_camera = not path.exists() and text.isdecimal()
    if is_microphone(audio) and not is_camera:
        raise InputError(f'audio {audio}: a microphone goes with a camera, not with {text}; give an audio file')
    if is_camera:
        return _open_camera(int(text), max_size, audio)
    if not path.exists() and '://' in text:
        return _open_stream(text, max_size, audio)
    if path.is_dir() or (glob.has_magic(text) and not path.exists()):
        frames = ImageSource(_find_images(text), text, fps=fps or DEFAULT_IMAGE_FPS, max_size=max_size)
    elif require_file(path, 'input').suffix.lower() in IMAGE_SUFFIXES:
        frames = ImageSource([path], text, fps=fps or DEFAULT_IMAGE_FPS, max_size=max_size)
    else:
        frames = VideoSource(text, f'video {text}', max_size=max_size)
    return with_audio(frames, audio)


def _find_images(folder_or_glob: str) -> list[Path]:
    path = Path(folder_or_glob)
    files = path.iterdir() if path.is_dir() else map(Path, glob.glob(folder_or_glob, recursive=True))
    images = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith('.')]
    if not images:
        kind = 'folder' if path.is_dir() else 'pattern'
        raise InputFileError(f'{kind} {folder_or_glob}: holds no images; expected {", ".join(sorted(IMAGE_SUFFIXES))}')
    return natural_order(images)


def _open_camera(index: int, max_size: int | None, audio: bool | str | Path) -> LiveSource:
    if sys.platform not in CAMERA_DEVICES:
        raise InputError(f'camera {index}: cameras are not supported on {sys.platform}; give a file or a stream URL')
    container_format, device = CAMERA_DEVICES[sys.platform]
    url = device.format(index=index)
    name = f'camera {index} ({url})'
    camera = VideoSource(url, name, container_format=container_format, live=True, max_size=max_size)
    return LiveSource(with_audio(camera, audio))


def _open_stream(url: str, max_size: int | None, audio: bool | str | Path) -> FrameSource:
    scheme = url.split('://', 1)[0].lower()
    if scheme not in STREAM_SCHEMES:
        raise InputError(f'stream {url}: unknown kind {scheme}://; expected one of {", ".join(sorted(STREAM_SCHEMES))}')
    name, options = f'stream {url}', {}
    if scheme.startswith('rtsp'):
        options['rtsp_transport'] = 'tcp'
    if scheme not in LIVE_SCHEMES:
        return with_audio(VideoSource(url, name, options=options, timeout=STREAM_TIMEOUT, max_size=max_size), audio)
    options['fflags'] = 'nobuffer'
    source = VideoSource(
        url, name, options=options, timeout=STREAM_TIMEOUT, live=True, audio=audio is True, max_size=max_size
    )
    return LiveSource(with_audio(source, audio))
