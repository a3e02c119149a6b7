"""Which audio file belongs to which video."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmrcf.errors import InputError

from .annotations.records import VideoRecord


def audio_file(folder: str | Path, first_frame: str, suffix: str) -> Path | None:
    """Where a video's audio is: under the name of the folder of its first frame, ``<folder>/<frames' folder><suffix>``.

    Args:
        folder: Folder of the audio files.
        first_frame: ``file_names[0]`` of the video.
        suffix: What follows the name, as ``.wav``.

    Returns:
        The path, whether the file is there or not; None where the frame is in no folder.
    """
    name = Path(first_frame).parent.as_posix()
    return None if name in ('.', '/') else Path(folder) / f'{name}{suffix}'


def own_audio_files(
    videos: Sequence[VideoRecord], folder: str | Path, suffix: str, where: str
) -> dict[int, str | None]:
    """The audio file of each video by its id; None for a video without one.

    Raises:
        InputError: The frames of a video are in no folder, so that its audio file has no name.
    """
    found: dict[int, str | None] = {}
    for video in videos:
        path = audio_file(folder, video.file_names[0], suffix)
        if path is None:
            raise InputError(
                f"{where}: video {video.video_id}: 'file_names[0]' is {video.file_names[0]!r}, in no folder; the audio "
                'file is named after the folder of the frames, so give each video a folder'
            )
        found[video.video_id] = str(path) if path.is_file() else None
    return found


def other_audio_files(own: Mapping[int, str | None], where: str) -> dict[int, str]:
    """For each video the audio of another, the same on every call and in every process.

    The file is taken from half the list further on, since neighbours in a list are often segments of one recording.

    Args:
        own: The audio file of each video by its id, None for a video without one; such a video gets another's too.
        where: The annotation file, for the message.

    Raises:
        InputError: Fewer than two audio files are there.
    """
    files = list(dict.fromkeys(path for path in own.values() if path is not None))
    if len(files) < 2:
        raise InputError(f"{where}: {len(files)} of its videos have an audio file; audio='other' needs two or more")
    indices = {path: number for number, path in enumerate(files)}
    step = len(files) // 2
    return {
        video_id: files[(indices.get(path, index) + step) % len(files)]
        for index, (video_id, path) in enumerate(own.items())
    }
