"""Objects as compressed RLE, and the two layouts that converters write: YouTube-VIS JSON and COCO JSON."""

from dataclasses import dataclass, field

import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.datasets.annotations.records import RLE, AnnotationFile, AnnotationRecord, VideoRecord, file_content
from mmrcf.errors import InputError


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
    """The result of a converter.

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

    Ids count from 1 in the order of the videos and tracks. See :func:`~mmrcf.datasets.annotations.records.file_content`
    for what is computed.

    Args:
        converted: Videos and classes.
        where: The input, for messages.

    Raises:
        InputError: No video has an object.
    """
    return file_content(_as_records(converted, where, has_images=False))


def coco_content(converted: Converted, where: str) -> dict:
    """Content of a COCO file of videos of one frame; ids, arguments and errors as in :func:`youtube_vis_content`."""
    return file_content(_as_records(converted, where, has_images=True))


def _as_records(converted: Converted, where: str, has_images: bool) -> AnnotationFile:
    if not any(track.rles for video in converted.videos for track in video.tracks):
        raise InputError(f'{where}: no video and no image has an object; check the masks')
    category_ids = {name: number for number, name in enumerate(converted.classes, 1)}
    videos: dict[int, VideoRecord] = {}
    annotations: list[AnnotationRecord] = []
    for video_id, video in enumerate(converted.videos, 1):
        names = tuple(video.file_names)
        videos[video_id] = VideoRecord(video_id, video.height, video.width, names, is_image=has_images)
        for track in (track for track in video.tracks if track.rles):
            rles = [track.rles.get(frame) for frame in range(len(names))]
            category_id = category_ids[track.category]
            annotations.append(AnnotationRecord(len(annotations) + 1, video_id, category_id, track.crowd, rles))
    return AnnotationFile(where, videos, dict(enumerate(converted.classes, 1)), annotations, has_images)
