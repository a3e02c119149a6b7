"""Lists what is wrong, or only remarkable, with the sound files of a data set and the times of its frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmrcf.audio.file import read_sound
from mmrcf.errors import InputError
from mmrcf.utils import require_folder

from .frame_times import FrameTimeError, frame_times, is_rate
from .problems import Place, Problem
from .sound_files import sound_file

MUCH_SECONDS = 1.0
MUCH_PART = 0.1
"""Sound differs much from its video by more than either: a second, about a patch; this part of the video."""


@dataclass(frozen=True)
class SoundFolder:
    """Where the sound of a data set is, as in :class:`AVISDataset`.

    Attributes:
        folder: Folder of the sound files.
        suffix: What follows the name of one.
        fps: Frames a second of the videos that do not say it; None where all of them do.
    """

    folder: str | Path
    suffix: str = '.wav'
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not is_rate(self.fps):
            raise InputError(f'fps={self.fps!r}: expected a positive number of frames a second')


def check_sounds(videos: Sequence[Any], sounds: SoundFolder, problems: list[Problem]) -> None:
    """Check the times of the frames of all videos, and read all sounds.

    Args:
        videos: ``videos`` of an annotation file, whatever is in there; an entry that is no video is passed over.
        sounds: Where the sounds are.
        problems: What is found is added here.

    Raises:
        InputFileError: The folder is missing.
    """
    require_folder(sounds.folder, 'folder of sounds')
    usable = [(index, video) for index, video in enumerate(videos) if _has_frames(video)]
    untimed = [index for index, video in usable if video.get('timestamps') is None and video.get('fps') is None]
    if untimed and sounds.fps is None:
        message = f'{len(untimed)} of {len(usable)} videos have neither timestamps nor fps; give the data set fps=...'
        Place(problems, 'videos').warning('fps', message)
    for index, video in usable:
        video_id = video.get('id') if isinstance(video.get('id'), int) else None
        place = Place(problems, f'videos[{index}]' if video_id is None else f'video {video_id}', video_id)
        is_timed = sounds.fps is not None or index not in untimed
        duration = _duration(place, video, sounds.fps) if is_timed else None
        _check_sound(place, video['file_names'][0], sounds, duration)


def _has_frames(video: Any) -> bool:
    names = video.get('file_names') if isinstance(video, dict) else None
    return isinstance(names, list) and bool(names) and all(isinstance(name, str) and name for name in names)


def _duration(place: Place, video: dict, fps: float | None) -> float | None:
    """Seconds up to the end of the last frame, which lasts as long as the one before it; None where that is unknown."""
    length = len(video['file_names'])
    try:
        times = frame_times(video, length, fps)
    except FrameTimeError as error:
        place.error('timestamps' if video.get('timestamps') is not None else 'fps', str(error))
        return None
    if length > 1:
        return 2 * times[-1] - times[-2]
    rate = video['fps'] if is_rate(video.get('fps')) else fps
    return times[-1] + (0.0 if rate is None else 1 / rate)


def _check_sound(place: Place, first_frame: str, sounds: SoundFolder, duration: float | None) -> None:
    path = sound_file(sounds.folder, first_frame, sounds.suffix)
    if path is None:
        place.error('file_names[0]', f'{first_frame!r} is in no folder, whose name would be that of the sound file')
        return
    if not path.is_file():
        place.note('sound', f'{path}: no such file; the video is without sound')
        return
    try:
        end = read_sound(path).end_time
    except InputError as error:
        place.error('sound', str(error))
        return
    if end is None:
        place.note('sound', f'{path}: holds no sound')
    elif duration is not None and abs(end - duration) > max(MUCH_SECONDS, MUCH_PART * abs(duration)):
        kind = 'longer' if end > duration else 'shorter'
        place.note('sound', f'{path}: lasts {end:.2f} s, much {kind} than the video with {duration:.2f} s')
