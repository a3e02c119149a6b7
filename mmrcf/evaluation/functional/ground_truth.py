"""The ground truth of an evaluation, read once from an annotation file of any layout that the reader supports."""

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.datasets.annotations.reader import EVERYTHING, parse_annotations
from mmrcf.datasets.annotations.records import VideoRecord
from mmrcf.datasets.annotations.view import AnnotationView
from mmrcf.errors import InputError
from mmrcf.utils import read_json, require_file


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
    """The content of an annotation file.

    Attributes:
        source: The file, for messages.
        videos: By id, in ascending order.
        categories: Names by id, in ascending order.
        tracks: The annotated objects; None where the file has no ``annotations`` (the server's test sets).
    """

    source: str
    videos: Mapping[int, VideoRecord]
    categories: Mapping[int, str]
    tracks: tuple[Track, ...] | None

    def video(self, video_id: int, where: str) -> VideoRecord:
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


def parse_ground_truth(content: Any, source: str = 'annotations', view: AnnotationView = EVERYTHING) -> GroundTruth:
    """Bring the content of an annotation file into a :class:`GroundTruth`.

    Args:
        content: The parsed JSON.
        source: What messages call it.
        view: What to take of it.

    Raises:
        InputError: Something in it cannot be used.
    """
    file = parse_annotations(content, source, view)
    tracks = None
    if file.annotations is not None:
        tracks = tuple(
            Track(item.video_id, item.category_id, file.rles(item), crowd=item.crowd) for item in file.annotations
        )
    return GroundTruth(source, dict(sorted(file.videos.items())), dict(sorted(file.categories.items())), tracks)


@functools.lru_cache(maxsize=2)
def _load(path: str, _modified: int, view: str) -> GroundTruth:
    content = read_json(path, 'annotation file')
    return parse_ground_truth(content, f'annotation file {path}', AnnotationView(**json.loads(view)))


def load_ground_truth(path: str | Path, view: AnnotationView | None = None) -> GroundTruth:
    """Read an annotation file; several metrics of a run, and its repeated validations, share what was read.

    Args:
        path: The file, in the layout of YouTube-VIS, CocoVID or COCO, whose images are videos of one frame.
        view: What to take of it; None for all, under its own names.

    Raises:
        InputError: The file, or something in it, cannot be used.
    """
    path = require_file(path, 'annotation file')
    # As text, because a view that holds lists and dicts is no key of a cache.
    key = json.dumps(dataclasses.asdict(view or AnnotationView()), default=str)
    return _load(str(path), path.stat().st_mtime_ns, key)
