"""Videos with audio: AVIS, AVISeg, and every data set in the YouTube-VIS layout with an audio file for each video."""

import logging
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmrcf.errors import InputError
from mmrcf.registry import DATASETS
from mmrcf.utils import require_folder

from .annotations.records import VideoRecord
from .audio_files import other_audio_files, own_audio_files
from .frame_times import FrameTimeError, frame_times, is_rate, is_time
from .youtube_vis import YouTubeVISDataset

AUDIO_VARIANTS = ('own', 'none', 'silent', 'other')
"""What ``AVISDataset.audio`` can be."""


@DATASETS.register_module()
class AVISDataset(YouTubeVISDataset):
    """Videos with instance masks in the official YouTube-VIS JSON, and their audio (Section III-C).

    A frame's record has three keys more: ``time`` (float), its time in seconds on the clock of the audio;
    ``audio_path`` (str), the file with the audio of its video, or None; and ``silent`` (bool), see ``audio``. The audio
    of a video is the file ``<audio folder>/<folder of its first frame><audio_suffix>``; a video without that file
    has no audio. Times are a video's own ``timestamps`` (a list with a growing number of seconds for each frame); else
    a frame's index by the video's own ``fps``; else by ``fps`` of this data set.

    Args:
        ann_file: Annotation file, relative to ``data_root``.
        data_root: Folder of the data set.
        data_prefix: ``img``: folder of the frames; ``audio``: folder of the audio files, or of videos whose audio
            is meant; both relative to ``data_root``.
        fps: Frames per second of the videos that have no such field.
        audio_suffix: What follows the name of an audio file: ``.wav``, ``.flac``, ``.mp4`` ...
        time_offset: Seconds that are added to every frame's time; above 0 where the audio begins before the frames.
        audio: ``own``; ``none``: every video is without audio; ``silent``: in every video silence was recorded, and
            ``silent`` of a frame's record is True; ``other``: every video has the audio of another, always the same.
        **options: All other options of :class:`YouTubeVISDataset`. In ``pipeline``, the transforms of audio come after
            those of frames, so that the frames of a clip are the same with and without them.

    Raises:
        InputError: Annotations, images or the audio folder cannot be used; the message names the file and the
            field.
    """

    other_folders = ('audio',)

    def __init__(
        self,
        ann_file: str,
        data_root: str = '',
        data_prefix: dict | None = None,
        *,
        fps: float | None = None,
        audio_suffix: str = '.wav',
        time_offset: float = 0.0,
        audio: str = 'own',
        **options: Any,
    ) -> None:
        if audio not in AUDIO_VARIANTS:
            expected = ', '.join(AUDIO_VARIANTS)
            raise InputError(f'AVISDataset: audio={audio!r}, expected one of {expected}; correct the config')
        if fps is not None and not is_rate(fps):
            raise InputError(f'AVISDataset: fps={fps!r}, expected a positive number of frames a second')
        if not is_time(time_offset):
            raise InputError(f'AVISDataset: time_offset={time_offset!r}, expected a number of seconds')
        if audio in ('own', 'other') and 'audio' not in (data_prefix or {}):
            raise InputError("AVISDataset: data_prefix has no 'audio'; give the folder of the audio files")
        self.fps = fps
        self.audio_suffix = audio_suffix
        self.time_offset = time_offset
        self.audio = audio
        self._audio_paths: dict[int, str | None] = {}
        super().__init__(ann_file, data_root, data_prefix, **options)

    def read_videos(self) -> tuple[tuple[str, ...], list[VideoRecord]]:
        """Class names and videos of ``ann_file``; looks for their audio files."""
        classes, videos = super().read_videos()
        self._audio_paths = self._find_audio_files(videos)
        return classes, videos

    def frame_records(self, video: VideoRecord) -> list[dict]:
        """The dicts of the frames of a video, which the pipeline gets; the class lists the added keys."""
        try:
            times = frame_times(video.entry, len(video.file_names), self.fps, self.time_offset)
        except FrameTimeError as error:
            raise InputError(f'annotation file {self.ann_file}: video {video.video_id}: {error}') from error
        shared = dict(audio_path=self._audio_paths[video.video_id], silent=self.audio == 'silent')
        return [
            record | shared | dict(time=time) for record, time in zip(super().frame_records(video), times, strict=True)
        ]

    def _find_audio_files(self, videos: list[VideoRecord]) -> dict[int, str | None]:
        if self.audio in ('none', 'silent'):
            return {video.video_id: None for video in videos}
        where = f'annotation file {self.ann_file}'
        folder = require_folder(self.data_prefix['audio'], 'audio folder')
        own = own_audio_files(videos, folder, self.audio_suffix, where)
        _report_missing(own, folder, self.audio_suffix)
        return other_audio_files(own, where) if self.audio == 'other' else own


def _report_missing(paths: dict[int, str | None], folder: Path, suffix: str) -> None:
    missing = sum(path is None for path in paths.values())
    if not missing:
        return
    message = f'audio folder {folder}: {missing} of {len(paths)} videos have no {suffix} file there'
    if missing == len(paths):
        print_log(f'{message}; check audio_suffix and data_prefix.audio', 'current', logging.WARNING)
    else:
        print_log(f'{message}; they are without audio', 'current')
