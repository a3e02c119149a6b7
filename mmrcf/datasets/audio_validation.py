"""Lists what is wrong, or only remarkable, with the audio files of a data set and the times of its frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmrcf.audio.file import read_audio
from mmrcf.errors import InputError
from mmrcf.utils import require_folder

from .annotations.problems import Location, Report
from .annotations.records import VideoRecord
from .audio_files import audio_file
from .frame_times import FrameTimeError, frame_times, is_rate

MUCH_SECONDS = 1.0
MUCH_PART = 0.1
"""Audio differs much from its video by more than either: a second, about a patch; this part of the video."""


@dataclass(frozen=True)
class AudioFolder:
    """Where the audio of a data set is, as in :class:`AVISDataset`.

    Attributes:
        folder: Folder of the audio files.
        suffix: What follows the name of one.
        fps: Frames a second of videos without that field; None where all of them do.
    """

    folder: str | Path
    suffix: str = '.wav'
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not is_rate(self.fps):
            raise InputError(f'fps={self.fps!r}: expected a positive number of frames a second')

    def check(self, videos: Sequence[tuple[Location, VideoRecord]], report: Report) -> None:
        """Check the times of the frames of all videos, and read all audio files.

        Args:
            videos: Those that have frames.
            report: What is done with a problem.

        Raises:
            InputFileError: The folder is missing.
        """
        require_folder(self.folder, 'audio folder')
        untimed = sum(not _is_timed(video) for _, video in videos)
        if untimed and self.fps is None:
            message = f'{untimed} of {len(videos)} videos have neither timestamps nor fps; give the data set fps=...'
            Location(report, 'videos').warning('fps', message)
        for location, video in videos:
            is_timed = self.fps is not None or _is_timed(video)
            duration = _duration(location, video.entry, self.fps) if is_timed else None
            _check_audio(location, video.file_names[0], self, duration)


def _is_timed(video: VideoRecord) -> bool:
    return any(video.entry.get(key) is not None for key in ('timestamps', 'fps'))


def _duration(location: Location, video: Mapping, fps: float | None) -> float | None:
    """Seconds up to the end of the last frame, which lasts as long as the one before it; None where that is unknown."""
    length = len(video['file_names'])
    try:
        times = frame_times(video, length, fps)
    except FrameTimeError as error:
        location.error('timestamps' if video.get('timestamps') is not None else 'fps', str(error))
        return None
    if length > 1:
        return 2 * times[-1] - times[-2]
    rate = video['fps'] if is_rate(video.get('fps')) else fps
    return times[-1] + (0.0 if rate is None else 1 / rate)


def _check_audio(location: Location, first_frame: str, audio: AudioFolder, duration: float | None) -> None:
    path = audio_file(audio.folder, first_frame, audio.suffix)
    if path is None:
        location.error('file_names[0]', f'{first_frame!r} is in no folder, whose name would be that of the audio file')
        return
    if not path.is_file():
        location.note('audio', f'{path}: no such file; the video is without audio')
        return
    try:
        end = read_audio(path).end_time
    except InputError as error:
        location.error('audio', str(error))
        return
    if end is None:
        location.note('audio', f'{path}: holds no audio')
    elif duration is not None and abs(end - duration) > max(MUCH_SECONDS, MUCH_PART * abs(duration)):
        kind = 'longer' if end > duration else 'shorter'
        location.note('audio', f'{path}: lasts {end:.2f} s, much {kind} than the video with {duration:.2f} s')
