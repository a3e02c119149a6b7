"""When each frame of a video was taken, on the clock of its audio."""

from collections.abc import Mapping
from typing import Any

from mmrcf.utils import counted

LONGEST_TIME = 1e9
"""In seconds; whatever is beyond, as infinity, is no time."""


class FrameTimeError(ValueError):
    """The time of a frame is not known. The message names the wrong field, not the video."""


def frame_times(video: Mapping[str, Any], length: int, fps: float | None = None, offset: float = 0.0) -> list[float]:
    """The times of the frames: the video's own ``timestamps``; else the frame's index by the frames a second.

    Args:
        video: The video's entry of an annotation file. Read are ``timestamps``, a time in seconds for each frame, and
            where it has none ``fps``.
        length: T, number of frames.
        fps: Frames a second of a video that has neither.
        offset: Seconds that are added to every time.

    Returns:
        T times in seconds, growing. The first sample of the video's audio has time 0.

    Raises:
        FrameTimeError: A field is no such thing, or there is none.
    """
    timestamps = video.get('timestamps')
    if timestamps is not None:
        return [time + offset for time in _check_timestamps(timestamps, length)]
    if video.get('fps') is not None:
        fps = video['fps']
        if not is_rate(fps):
            raise FrameTimeError(f"'fps' is {fps!r}, expected a positive number of frames a second; correct it")
    if fps is None:
        raise FrameTimeError("has no 'timestamps' and no 'fps'; add one of them or give the data set fps=...")
    return [index / fps + offset for index in range(length)]


def is_time(value: Any) -> bool:
    """Whether a value can be a number of seconds."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LONGEST_TIME


def is_rate(value: Any) -> bool:
    """Whether a value can be a number of frames a second."""
    return is_time(value) and value >= 1 / LONGEST_TIME


def _check_timestamps(timestamps: Any, length: int) -> list[float]:
    if not isinstance(timestamps, list):
        raise FrameTimeError(f"'timestamps' is {type(timestamps).__name__}, expected a list of seconds; correct it")
    if len(timestamps) != length:
        raise FrameTimeError(
            f"'timestamps' has {counted(len(timestamps), 'entry')}, but the video has {counted(length, 'frame')}; "
            'give one for each frame'
        )
    for index, time in enumerate(timestamps):
        if not is_time(time):
            raise FrameTimeError(f"'timestamps[{index}]' is {time!r}, expected a number of seconds; correct it")
        if index and time <= timestamps[index - 1]:
            raise FrameTimeError(
                f"'timestamps[{index}]' is {time!r} after {timestamps[index - 1]!r}; times must grow, correct them"
            )
    return timestamps
