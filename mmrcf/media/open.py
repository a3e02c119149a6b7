"""Opens a source of frames: a file, a folder, a glob, frames in memory, a camera or a stream."""

import glob
import itertools
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np

from mmrcf.defaults import MAX_PIXELS
from mmrcf.errors import InputError, InputFileError
from mmrcf.urls import scheme_of, source_name
from mmrcf.utils import counted, require_file
from mmrcf.utils.container import PROTOCOLS, STREAM_TIMEOUT, ByteStream, open_http, require_protocol
from mmrcf.utils.image_files import SIGNATURE_BYTES, image_format, image_suffixes
from mmrcf.utils.image_stream import is_image_sequence
from mmrcf.utils.images import is_image_file

from .array_source import ArraySource
from .audio_input import is_microphone, with_audio
from .frame_source import FrameSource
from .image_source import ImageSource, ImageStreamSource, natural_order
from .live_source import LiveSource
from .video_source import VideoSource

FPS_RANGE = (0.001, 1000)  # times are counted in frames; the rate is a fraction of numbers up to 1001

STDIN = '/dev/stdin'
# Streams of these schemes have an end if they have a duration or a size; all others are live.
FILE_SCHEMES = frozenset(('http', 'https'))
# How FFmpeg's input devices name camera number {index}, by sys.platform.
CAMERA_DEVICES = {'linux': ('v4l2', '/dev/video{index}'), 'darwin': ('avfoundation', '{index}:none')}


def open_source(
    source: str | int | Path | Iterable[np.ndarray] | Iterable[str | Path],
    *,
    audio: bool | str | Path = False,
    record_audio: bool = False,
    fps: float | None = None,
    max_size: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> FrameSource:
    """Open a source of frames.

    What a file is shows from its content, not from its name.

    Args:
        source: A video file, an image file (also a stack or an animation), a folder of images, a glob of images
            (``clip/*.jpg``, quoted in a shell), a pipe ('-' for the standard input), a camera number (0, '0') or the
            URL of a stream (http, https, rtsp, rtsps, rtmp, rtmps, udp, srt, file). Or frames in memory: an array
            (T, H, W, 3), or a list or generator of arrays (H, W, 3), uint8 RGB. Or image files: a list, a generator or
            an array of paths.
        audio: Audio to deliver with the frames (``Frame.audio``). False: none. True: the audio of the source, if it
            can be read. A path or URL: the audio of that file, from its start. For a camera also 'mic', the default
            microphone, or 'mic:NAME', one by its name in the system.
        record_audio: Without ``audio``, deliver the audio of a live stream for an output alone: no frame waits for
            audio that arrives late, it comes with a later frame. An output copies the audio of a file, so the frames
            of a file do not bring it.
        fps: Frames per second of image files and of frames in memory, from 0.001 to 1000 (default 6, as YouTube-VIS;
            animations have their own times); videos, cameras and streams have their own rate.
        max_size: Limit of the longer side in pixels; larger frames are scaled down first.
        max_pixels: Largest number of pixels of a frame that is decoded (default 8192x8192).

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
    if max_pixels < 1:
        raise InputError(f'max_pixels {max_pixels}: expected a number of pixels above 0')
    text = source_name(source)
    is_camera = isinstance(source, (str, int)) and not os.path.exists(text) and text.isdecimal()
    if is_microphone(audio) and not is_camera:
        raise InputError(f'audio {audio}: a microphone goes with a camera, not with {text}; give an audio file')
    if is_camera:
        return _open_camera(int(text), max_size, max_pixels, audio)
    if not isinstance(source, (str, Path)):
        return with_audio(_open_memory(source, text, fps, max_size, max_pixels), audio)
    if not str(source):
        raise InputError('input: is empty; give a video file, a folder of images, a camera number or a stream URL')
    path = _local_path(str(source))
    limits = dict(max_size=max_size, max_pixels=max_pixels)
    if path is None:
        return _open_stream(str(source), text, fps, limits, audio, record_audio)
    if os.path.isdir(path) or (glob.has_magic(str(path)) and not os.path.exists(path)):
        frames = ImageSource(_find_images(str(path)), text, fps=fps, **limits)
    else:
        frames = _open_file(require_file(path, 'input'), text, fps, limits)
    return with_audio(frames, audio)


def _open_file(path: Path, name: str, fps: float | None, limits: dict[str, int | None]) -> FrameSource:
    """A video, images or a pipe of either: this is the one place that tells them apart, by their content.

    Args:
        path: The file or pipe.
        name: Its name for messages.
        fps: As in :func:`open_source`.
        limits: ``max_size`` and ``max_pixels``.
    """
    if not path.is_file() or is_image_sequence(path):
        stream = ByteStream(path, f'input {name}')
        start = stream.peek(SIGNATURE_BYTES)
        if not start:
            raise InputFileError(f'input {name}: nothing came from the pipe; check the program that writes into it')
        if image_format(start) is not None:
            return ImageStreamSource(stream, name, fps=fps, **limits)
        return VideoSource(stream, f'video {name}', **limits)
    if not is_image_file(path):
        with path.open('rb') as file:
            is_damaged_image = image_format(file.read(SIGNATURE_BYTES)) is not None
        if not is_damaged_image:
            try:
                return VideoSource(str(path), f'video {name}', **limits)
            except InputError:
                if path.suffix.lower() not in image_suffixes():
                    raise
    return ImageSource([path], name, fps=fps, **limits)


def require_source(source: str) -> None:
    """Check that the file or folder that ``source`` names is there; a camera, stream or glob is not looked for.

    A program calls it before it loads a model.

    Raises:
        InputFileError: There is none.
        InputError: It is a stream of a protocol that is not supported here.
    """
    if source.isdecimal():
        return
    path = _local_path(source)
    if path is None:
        _stream_scheme(source)
    elif not os.path.isdir(path) and not glob.has_magic(source):
        require_file(path, 'input')


def _stream_scheme(url: str) -> str:
    """The scheme of a stream, which is one that is opened."""
    scheme = scheme_of(url)
    if scheme not in PROTOCOLS:
        raise InputError(
            f'stream {source_name(url)}: unknown kind {scheme}://; expected one of {", ".join(sorted(PROTOCOLS))}'
        )
    require_protocol(scheme)
    return scheme


def _local_path(source: str) -> Path | None:
    """The path of a file, folder, glob or pipe; None for a URL of another scheme than 'file'."""
    path = Path(STDIN if source == '-' else source)
    scheme = scheme_of(source)
    if scheme is None or os.path.exists(path):
        return path
    if scheme != 'file':
        return None
    try:
        url = urlsplit(source)
    except ValueError as error:
        raise InputError(f'input {source}: is no valid URL ({error}); expected file:///PATH') from error
    if url.netloc not in ('', 'localhost'):
        raise InputError(f'input {source}: is on another machine; expected file:///PATH')
    return Path(url2pathname(url.path))


def _open_memory(
    source: Iterable[np.ndarray] | Iterable[str | Path],
    name: str,
    fps: float | None,
    max_size: int | None,
    max_pixels: int,
) -> FrameSource:
    """Frames in memory, or image files by name: a list, an array or a generator of either."""
    if not isinstance(source, Iterable):
        raise InputError(f'input: expected a path, a URL, a number or arrays of frames, got {type(source).__name__}')
    try:
        items = iter(source)
    except TypeError as error:  # an array without dimensions
        raise InputError(f'input: expected several frames, got {source!r}; give a list of arrays (H, W, 3)') from error
    first = next(items, None)
    if not isinstance(first, (str, Path)):
        # What has a length is read from its start again.
        frames = source if items is not source else itertools.chain([] if first is None else [first], items)
        return ArraySource(frames, name, fps=fps, max_size=max_size)
    paths = [first, *items]
    if not all(isinstance(path, (str, Path)) for path in paths):
        raise InputError(f'{name}: holds paths beside other things; give paths only, or arrays only')
    paths = [Path(path) for path in paths]
    return ImageSource(paths, counted(len(paths), 'image'), fps=fps, max_size=max_size, max_pixels=max_pixels)


def _find_images(folder_or_glob: str) -> list[Path]:
    """The images of a folder or of a pattern, in natural order."""
    path = Path(folder_or_glob)
    kind = 'folder' if os.path.isdir(path) else 'pattern'
    try:
        files = list(path.iterdir()) if kind == 'folder' else _match(path)
    except OSError as error:  # no permission, or a name that is too long
        raise InputFileError(f'{kind} {path}: cannot be read ({error.strerror}); check the path') from error
    suffixes = image_suffixes()
    images = [
        file
        for file in files
        if not file.name.startswith('.')
        and file.is_file()
        # A damaged image keeps its place among the others.
        and (file.suffix.lower() in suffixes or is_image_file(file))
    ]
    if not images:
        raise InputFileError(f'{kind} {folder_or_glob}: holds no images; expected {", ".join(sorted(suffixes))}')
    return natural_order(images)


def _match(pattern: Path) -> list[Path]:
    """The files of a pattern."""
    # A bracket in the name of a folder that is there is no pattern.
    folder = next(parent for parent in pattern.parents if os.path.isdir(parent))
    names = str(pattern.relative_to(folder))
    # Brackets that find nothing belong to the names, as they do in a folder's.
    return list(folder.glob(names)) or list(folder.glob(names.replace('[', '[[]')))


def _open_camera(index: int, max_size: int | None, max_pixels: int, audio: bool | str | Path) -> LiveSource:
    if sys.platform not in CAMERA_DEVICES:
        raise InputError(f'camera {index}: cameras are not supported on {sys.platform}; give a file or a stream URL')
    container_format, device = CAMERA_DEVICES[sys.platform]
    url = device.format(index=index)
    camera = VideoSource(
        url,
        f'camera {index} ({url})',
        container_format=container_format,
        live=True,
        max_size=max_size,
        max_pixels=max_pixels,
    )
    return LiveSource(with_audio(camera, audio))


def _open_stream(
    url: str,
    name: str,
    fps: float | None,
    limits: dict[str, int | None],
    audio: bool | str | Path,
    record_audio: bool,
) -> FrameSource:
    scheme = _stream_scheme(url)
    options = {}
    if scheme.startswith('rtsp'):
        options['rtsp_transport'] = 'tcp'
    if scheme not in FILE_SCHEMES:
        options['fflags'] = 'nobuffer'
    source, failure = None, None
    try:
        source = VideoSource(
            url,
            f'stream {name}',
            options=options,
            timeout=STREAM_TIMEOUT,
            live=None if scheme in FILE_SCHEMES else True,
            audio=audio is True or (record_audio and audio is False),
            waits=audio is True,
            **limits,
        )
    except InputError as error:
        failure = error
    if scheme in FILE_SCHEMES and (source is None or (source.holds_images and not source.live)):
        # FFmpeg lacks some kinds of images, and shows others darker.
        images = _open_images_of_server(url, f'stream {name}', fps, limits)
        if images is not None:
            return with_audio(images, audio)
    if source is None:
        raise failure
    frames = with_audio(source, audio)
    return LiveSource(frames) if source.live else frames


def _open_images_of_server(
    url: str, name: str, fps: float | None, limits: dict[str, int | None]
) -> ImageStreamSource | None:
    """The images that a server sends; None where it sends something else, or nothing."""
    try:
        stream = open_http(url, STREAM_TIMEOUT, name)
        if image_format(stream.peek(SIGNATURE_BYTES)) is None:
            return None
    except OSError:
        return None
    return ImageStreamSource(stream, name, fps=fps, **limits)
