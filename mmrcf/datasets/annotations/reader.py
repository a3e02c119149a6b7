"""Reads an annotation file in the official YouTube-VIS layout and stops at the first thing wrong.

Nothing derived is trusted: ``areas``, ``bboxes`` and an annotation's ``length`` are not read. The validator
(``tools/dataset_converters/validate_ytvis.py``) lists every problem of a file instead of the first.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmrcf.errors import InputError
from mmrcf.utils import read_json

from .fields import read_categories, read_field, read_size
from .segmentation import SegmentationError, segmentation_to_rle
from .view import AnnotationView


@dataclass(frozen=True)
class FrameObject:
    """One object in one frame: its identity (from 1, unique in its video), class index and compressed RLE."""

    instance_id: int
    label: int
    counts: bytes


@dataclass(frozen=True)
class VideoRecord:
    """One video; ``objects[t]`` are the objects of frame t, ``entry`` is what the file says of it, all its fields."""

    video_id: int
    height: int
    width: int
    file_names: tuple[str, ...]
    objects: tuple[list[FrameObject], ...]
    entry: dict[str, Any] = field(default_factory=dict)


def label_categories(
    names: dict[int, str], classes: tuple[str, ...] | None, ignored: tuple[str, ...], where: str
) -> tuple[tuple[str, ...], dict[int, int | None]]:
    """Match the categories of a file with class names.

    Args:
        names: The file's category names by id.
        classes: Class names, or None to take the file's own in the order of their ids.
        ignored: Names of categories whose annotations are left out.
        where: The file, for messages.

    Returns:
        The K class names, and the label of each category id (None where it is left out).

    Raises:
        InputError: A category is neither a class nor ignored, or there is no class at all.
    """
    if classes is None:
        classes = tuple(names[key] for key in sorted(names) if names[key] not in ignored)
    if not classes:
        raise InputError(f'{where}: has no categories; add them or give metainfo.classes')
    unknown = sorted(set(names.values()) - set(classes) - set(ignored))
    if unknown:
        raise InputError(
            f'{where}: categories {unknown} are not in the class list ({len(classes)} classes); '
            'add them to metainfo.classes or name them in ignore_categories'
        )
    kept = {name: label for label, name in enumerate(classes) if name not in ignored}
    return classes, {key: kept.get(name) for key, name in names.items()}


def _read_videos(content: Any, where: str) -> dict[int, VideoRecord]:
    videos: dict[int, VideoRecord] = {}
    for index, video in enumerate(read_field(content, 'videos', list, where)):
        video_id = read_field(video, 'id', int, f'{where}: videos[{index}]')
        here = f'{where}: video {video_id}'
        if video_id in videos:
            raise InputError(f'{here}: the id is there twice; ids must be unique')
        height, width = read_size(video, here)
        names = read_field(video, 'file_names', list, here)
        if not names or not all(isinstance(name, str) and name for name in names):
            raise InputError(f"{here}: 'file_names' must hold the path of every frame; complete it")
        if video.get('length', len(names)) != len(names):
            raise InputError(f"{here}: 'length' is {video['length']}, but it has {len(names)} file_names; correct one")
        videos[video_id] = VideoRecord(video_id, height, width, tuple(names), tuple([] for _ in names), video)
    if not videos:
        raise InputError(f"{where}: 'videos' is empty; there is nothing to load")
    return videos


def _add_track(segmentations: list, instance_id: int, label: int, video: VideoRecord, where: str) -> None:
    if len(segmentations) != len(video.file_names):
        raise InputError(
            f"{where}: 'segmentations' has {len(segmentations)} entries, but video {video.video_id} has "
            f'{len(video.file_names)} frames; give one for each frame, null where the object is absent'
        )
    for frame, segmentation in enumerate(segmentations):
        try:
            rle = segmentation_to_rle(segmentation, video.height, video.width)
        except SegmentationError as error:
            raise InputError(f'{where}: segmentations[{frame}]: {error}; correct the annotation') from error
        if rle is not None:
            video.objects[frame].append(FrameObject(instance_id, label, rle['counts']))


def _read_tracks(content: dict, videos: dict[int, VideoRecord], labels: dict[int, int | None], where: str) -> None:
    seen: set[int] = set()
    tracks = dict.fromkeys(videos, 0)
    for index, annotation in enumerate(read_field(content, 'annotations', list, where)):
        annotation_id = read_field(annotation, 'id', int, f'{where}: annotations[{index}]')
        here = f'{where}: annotation {annotation_id}'
        if annotation_id in seen:
            raise InputError(f'{here}: the id is there twice; ids must be unique')
        seen.add(annotation_id)
        video_id = read_field(annotation, 'video_id', int, here)
        category_id = read_field(annotation, 'category_id', int, here)
        if video_id not in videos:
            raise InputError(f"{here}: 'video_id' is {video_id}, but there is no such video; correct it")
        if category_id not in labels:
            raise InputError(f"{here}: 'category_id' is {category_id}, but there is no such category; correct it")
        segmentations = read_field(annotation, 'segmentations', list, here)
        label = labels[category_id]
        if label is None or annotation.get('iscrowd'):
            continue
        tracks[video_id] += 1
        _add_track(segmentations, tracks[video_id], label, videos[video_id], here)


def read_ytvis(
    path: str | Path,
    classes: tuple[str, ...] | None,
    ignore_categories: tuple[str, ...] = (),
    with_objects: bool = True,
    view: AnnotationView = AnnotationView(),  # noqa: B008 (a frozen value)
) -> tuple[tuple[str, ...], list[VideoRecord]]:
    """Read an annotation file.

    Args:
        path: The JSON file.
        classes: Class names, or None for the file's own categories in the order of their ids.
        ignore_categories: Categories that are left out with their annotations.
        view: Which of its videos to take, and under which class names.
        with_objects: False to leave the annotations unread (for testing, where a file may have none).

    Returns:
        The K class names and the videos in the order of the file. Crowds are left out.

    Raises:
        InputError: The file, or something in it, cannot be used; the message names the place.
    """
    where = f'annotation file {path}'
    content = view.apply(read_json(path, 'annotation file'), where)
    videos = _read_videos(content, where)
    has_categories = with_objects or content.get('categories') is not None
    names = read_categories(content, where) if has_categories else {}
    classes, labels = label_categories(names, classes, ignore_categories, where)
    if with_objects:
        _read_tracks(content, videos, labels, where)
    return classes, list(videos.values())
