"""Which sound goes with frames: their own, that of another file, or that of a microphone."""

import logging
from pathlib import Path

from mmrcf.audio.clock import time_of_day_offset
from mmrcf.audio.file import SoundReader
from mmrcf.errors import InputError
from mmrcf.utils import require_file

from .frame_source import FrameSource
from .frames_with_sound import FramesWithSound
from .microphone import PREFIX, Microphone

logger = logging.getLogger(__name__)

SOUND_SCHEMES = frozenset(('http', 'https'))


def is_microphone(sound: object) -> bool:
    """Whether ``sound`` is 'mic' or 'mic:NAME'."""
    return isinstance(sound, str) and sound.partition(':')[0] == PREFIX


def with_own_sound(frames: FrameSource) -> FrameSource:
    """``frames`` with the sound of their own file; as they are where it has none that can be read."""
    if frames.sound_url is None:
        return frames
    try:
        reader = SoundReader(frames.sound_url, frames.sound_start, frames.name)
    except InputError as error:
        logger.warning('%s; the frames come without sound', error)
        return frames
    if not reader.channels:
        reader.close()
        return frames
    return FramesWithSound(frames, reader, Path(frames.sound_url).name)


def with_sound_of(frames: FrameSource, sound: str | Path) -> FrameSource:
    """``frames`` with the sound of another file, from its start.

    Args:
        frames: The frames.
        sound: A path, or an http(s) URL.

    Raises:
        InputFileError: The file is missing, empty or cannot be read.
        InputError: It holds no sound.
    """
    url = str(sound)
    if '://' not in url:
        require_file(url, 'sound')
    elif url.split('://', 1)[0].lower() not in SOUND_SCHEMES:
        raise InputError(f'sound {url}: expected a file or one of {", ".join(sorted(SOUND_SCHEMES))}')
    reader = SoundReader(url, None, f'sound {url}')
    if not reader.channels:
        reader.close()
        raise InputError(f'sound {url}: holds no sound; give a file that does')
    joined = FramesWithSound(frames, reader, Path(url).name)
    joined.sound_url, joined.sound_start, joined.sound_is_own = url, reader.clock_start, False
    return joined


def with_microphone(camera: FrameSource, microphone: str) -> FrameSource:
    """The frames of a camera that was opened just now, with the sound of 'mic' or 'mic:NAME'.

    Raises:
        InputError: The microphone cannot be opened.
    """
    time_zero = camera.clock_start + time_of_day_offset(camera.clock_start)
    try:
        sound = Microphone(microphone, time_zero)
    except BaseException:
        camera.close()
        raise
    return FramesWithSound(camera, sound, sound.name)
