"""The ground truth of an evaluation, read once from an annotation file in the official YouTube-VIS layout."""

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.datasets.annotations.segmentation import SegmentationError, segmentation_to_rle
from mmrcf.datasets.annotations.view import AnnotationView
from mmrcf.errors import InputError
from mmrcf.utils import read_json, require_file


@dataclass(frozen=True, eq=False)
class Video:
    """One video: its size in pixels, its number of frames T, how a message calls it, and the folder of its frames."""

    video_id: int
    height: int
    width: int
    length: int
    label: str
    folder: str = ''


@dataclass(frozen=True, eq=False)
class Track:
    """One object through one video, annotated or predicted.

    Attributes:
        video_id: The video.
        category_id: The category, as the annotation file numbers it.
        rles: T compressed RLE dicts, None where the object is not seen.
        score: Confidence of a prediction; 1 for an annotation.
        crowd: True for an annotated crowd, which is neither found nor missed.
    """

    video_id: int
    category_id: int
    rles: tuple[dict | None, ...]
    score: float = 1.0
    crowd: bool = False

    @functools.cached_property
    def areas(self) -> np.ndarray:
        """(T,) float64. Pixels of the mask in each frame."""
        areas = np.zeros(len(self.rles))
        seen = [frame for frame, rle in enumerate(self.rles) if rle is not None]
        if seen:
            areas[seen] = mask_utils.area([self.rles[frame] for frame in seen])
        return areas

    @property
    def mean_area(self) -> float:
        """Mean area over the frames in which the object is seen; 0 for none. The official size of a track."""
        seen = self.areas > 0
        return float(self.areas[seen].mean()) if seen.any() else 0.0


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """What an annotation file says.

    Attributes:
        source: The file, for messages.
        videos: By id, in ascending order.
        categories: Names by id, in ascending order.
        tracks: The annotated objects; None where the file has no ``annotations`` (the server's test sets).
    """

    source: str
    videos: Mapping[int, Video]
    categories: Mapping[int, str]
    tracks: tuple[Track, ...] | None

    def video(self, video_id: int, where: str) -> Video:
        """The video with this id. Raises :class:`InputError`, beginning with ``where``, if there is none."""
        if video_id not in self.videos:
            raise InputError(f'{where}: video_id {video_id} is not in {self.source}; give the file that was tested on')
        return self.videos[video_id]

    def require_tracks(self) -> tuple[Track, ...]:
        """The annotated objects. Raises :class:`InputError` if the file has none to compare with."""
        if self.tracks is None:
            raise InputError(
                f"{self.source}: has no 'annotations', so nothing can be measured; "
                'write a submission instead (format_only=True, outfile_prefix=...)'
            )
        return self.tracks


def field(entry: Any, key: str, kind: type | tuple[type, ...], where: str) -> Any:
    """``entry[key]``. Raises :class:`InputError`, beginning with ``where``, if it is missing or of another type."""
    if not isinstance(entry, dict):
        raise InputError(f'{where}: expected an object with {key!r}, found {type(entry).__name__}')
    if key not in entry:
        raise InputError(f'{where}: has no {key!r}; add it')
    value = entry[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(
            f'{where}: {key!r} is {type(value).__name__}, not as the YouTube-VIS layout has it; correct it'
        )
    return value


def read_segmentations(entry: dict, video: Video, where: str) -> tuple[dict | None, ...]:
    """The masks of an annotation or a result, one a frame; None where it has no pixel.

    Raises:
        InputError: There are more or fewer than the video has frames, or one cannot be decoded.
    """
    segmentations = field(entry, 'segmentations', list, where)
    if len(segmentations) != video.length:
        raise InputError(
            f"{where}: 'segmentations' has {len(segmentations)} entries, but {video.label} has {video.length} frames; "
            'give one a frame, null where the object is absent'
        )
    rles = []
    for frame, segmentation in enumerate(segmentations):
        try:
            rles.append(segmentation_to_rle(segmentation, video.height, video.width))
        except SegmentationError as error:
            raise InputError(f'{where}: segmentations[{frame}]: {error}; correct it') from error
    return tuple(rles)


def _read_video(entry: Any, where: str) -> Video:
    video_id = field(entry, 'id', int, where)
    height, width = (field(entry, key, int, f'{where} (id {video_id})') for key in ('height', 'width'))
    names = entry.get('file_names') or []
    length = len(names) or field(entry, 'length', int, f'{where} (id {video_id})')
    folder = str(names[0]).rpartition('/')[0] if names else ''
    return Video(video_id, height, width, length, f'video {video_id}' + (f' ({folder})' if names else ''), folder)


def parse_ground_truth(content: Any, source: str = 'annotations') -> GroundTruth:
    """Bring the content of an annotation file into a :class:`GroundTruth`.

    Polygons, RLE and nulls become compressed RLE; ``areas``, ``bboxes`` and an annotation's ``length`` are not read.

    Args:
        content: The parsed JSON.
        source: What messages call it.

    Raises:
        InputError: Something in it cannot be used.
    """
    videos: dict[int, Video] = {}
    for index, entry in enumerate(field(content, 'videos', list, source)):
        video = _read_video(entry, f'{source}: videos[{index}]')
        if video.video_id in videos:
            raise InputError(f'{source}: {video.label}: its id is there twice; ids must be unique')
        videos[video.video_id] = video
    categories: dict[int, str] = {}
    for index, entry in enumerate(field(content, 'categories', list, source)):
        where = f'{source}: categories[{index}]'
        category_id, name = field(entry, 'id', int, where), field(entry, 'name', str, where)
        if category_id in categories or name in categories.values():
            raise InputError(f'{where}: id {category_id} or name {name!r} is there twice; keep one')
        categories[category_id] = name
    tracks = None
    if content.get('annotations') is not None:
        tracks = []
        for index, entry in enumerate(field(content, 'annotations', list, source)):
            where = f'{source}: annotations[{index}]'
            video_id = field(entry, 'video_id', int, where)
            category_id = field(entry, 'category_id', int, where)
            if video_id not in videos:
                raise InputError(f"{where}: 'video_id' is {video_id}, but there is no such video")
            if category_id not in categories:
                raise InputError(f"{where}: 'category_id' is {category_id}, but there is no such category")
            rles = read_segmentations(entry, videos[video_id], where)
            tracks.append(Track(video_id, category_id, rles, crowd=bool(entry.get('iscrowd', False))))
    return GroundTruth(
        source,
        dict(sorted(videos.items())),
        dict(sorted(categories.items())),
        None if tracks is None else tuple(tracks),
    )


@functools.lru_cache(maxsize=2)
def _load(path: str, _modified: int, view: str) -> GroundTruth:
    where = f'annotation file {path}'
    return parse_ground_truth(
        AnnotationView(**json.loads(view)).apply(read_json(path, 'annotation file'), where), where
    )


def load_ground_truth(path: str | Path, view: AnnotationView | None = None) -> GroundTruth:
    """Read an annotation file; several metrics of a run, and its repeated validations, share what was read.

    Args:
        path: The file, in the YouTube-VIS layout or in that of COCO, whose images are videos of one frame.
        view: What to take of it; None for all, under its own names.

    Raises:
        InputError: The file, or something in it, cannot be used.
    """
    path = require_file(path, 'annotation file')
    # As text, because a view that holds lists and dicts is no key of a cache.
    key = json.dumps(dataclasses.asdict(view or AnnotationView()), default=str)
    return _load(str(path), path.stat().st_mtime_ns, key)
