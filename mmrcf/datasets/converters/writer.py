"""Objects as compressed RLE, and the two layouts that converters write: YouTube-VIS JSON and COCO JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.errors import InputError

RLE = dict
"""``dict(size=[height, width], counts=bytes)`` with at least one pixel."""


@dataclass
class ObjectTrack:
    """One object of a video.

    Attributes:
        category: Class name.
        rles: Mask by frame index. The object is absent from frames that are not in it.
        crowd: True for a region to ignore.
    """

    category: str
    rles: dict[int, RLE] = field(default_factory=dict)
    crowd: bool = False


@dataclass
class LabelledVideo:
    """A video, or a still image as a video of one frame. File names are relative to the folder of all frames."""

    name: str
    height: int
    width: int
    file_names: list[str]
    tracks: list[ObjectTrack] = field(default_factory=list)


@dataclass
class Converted:
    """What a converter returns.

    Attributes:
        videos: At least one.
        classes: Class names in the order of their category ids, from 1.
        image_root: Folder that the file names are relative to.
    """

    videos: list[LabelledVideo]
    classes: tuple[str, ...]
    image_root: str


def encode(mask: np.ndarray) -> RLE | None:
    """Compress a mask of (H, W), non-zero where the object is. None if it has no pixel."""
    rle = mask_utils.encode(np.asfortranarray(mask != 0, dtype=np.uint8))
    return rle if mask_utils.area(rle) else None


def union(first: RLE | None, second: RLE) -> RLE:
    """Pixels of either mask."""
    return second if first is None else mask_utils.merge([first, second])


def youtube_vis_content(converted: Converted, where: str) -> dict:
    """Content of a file in the official YouTube-VIS layout.

    Ids count from 1 in the order of the videos and tracks. ``segmentations``, ``bboxes`` and ``areas`` have an entry
    for each frame, None where the object is absent.

    Args:
        converted: Videos and classes.
        where: The input, for messages.

    Raises:
        InputError: No video has an object.
    """
    categories = _category_ids(converted, where)
    videos, annotations = [], []
    for video_id, video in enumerate(converted.videos, 1):
        size = dict(height=video.height, width=video.width, length=len(video.file_names))
        videos.append(dict(id=video_id, **size, file_names=video.file_names))
        for track in (track for track in video.tracks if track.rles):
            rles = [track.rles.get(frame) for frame in range(len(video.file_names))]
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    video_id=video_id,
                    category_id=categories[track.category],
                    iscrowd=int(track.crowd),
                    **size,
                    segmentations=[None if rle is None else _json_rle(rle) for rle in rles],
                    bboxes=[None if rle is None else _box(rle) for rle in rles],
                    areas=[None if rle is None else int(mask_utils.area(rle)) for rle in rles],
                )
            )
    return dict(videos=videos, categories=_categories(converted.classes), annotations=annotations)


def coco_content(converted: Converted, where: str) -> dict:
    """Content of a COCO file of videos of one frame; ids, arguments and errors as in :func:`youtube_vis_content`."""
    categories = _category_ids(converted, where)
    images, annotations = [], []
    for image_id, video in enumerate(converted.videos, 1):
        (file_name,) = video.file_names
        images.append(dict(id=image_id, file_name=file_name, height=video.height, width=video.width))
        for track in (track for track in video.tracks if track.rles):
            (rle,) = track.rles.values()
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=image_id,
                    category_id=categories[track.category],
                    iscrowd=int(track.crowd),
                    segmentation=_json_rle(rle),
                    bbox=_box(rle),
                    area=int(mask_utils.area(rle)),
                )
            )
    return dict(images=images, categories=_categories(converted.classes), annotations=annotations)


def _category_ids(converted: Converted, where: str) -> dict[str, int]:
    if not any(track.rles for video in converted.videos for track in video.tracks):
        raise InputError(f'{where}: {len(converted.videos)} videos or images without any object; check the masks')
    return {name: number for number, name in enumerate(converted.classes, 1)}


def _categories(classes: Sequence[str]) -> list[dict]:
    return [dict(id=number, name=name) for number, name in enumerate(classes, 1)]


def _json_rle(rle: RLE) -> dict:
    return dict(size=[int(side) for side in rle['size']], counts=rle['counts'].decode('ascii'))


def _box(rle: RLE) -> list[int]:
    return [int(value) for value in mask_utils.toBbox(rle)]
