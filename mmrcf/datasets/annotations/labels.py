"""Videos with the labels of a class list, as data sets need them."""

from dataclasses import replace
from pathlib import Path

from mmrcf.errors import InputError
from mmrcf.structures import IGNORED_LABEL
from mmrcf.utils import counted

from .reader import EVERYTHING, read_annotations
from .records import FrameObject, VideoRecord
from .view import AnnotationView


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
            f'{where}: categories {unknown} are not in the class list ({counted(len(classes), "class")}); '
            'add them to metainfo.classes or name them in ignore_categories'
        )
    kept = {name: label for label, name in enumerate(classes) if name not in ignored}
    return classes, {key: kept.get(name) for key, name in names.items()}


def read_labelled_videos(
    path: str | Path,
    classes: tuple[str, ...] | None,
    ignore_categories: tuple[str, ...] = (),
    with_objects: bool = True,
    view: AnnotationView = EVERYTHING,
    with_crowds: bool = False,
) -> tuple[tuple[str, ...], list[VideoRecord]]:
    """Read an annotation file.

    Args:
        path: The JSON file.
        classes: Class names, or None for the file's own categories in the order of their ids.
        ignore_categories: Categories that are left out with their annotations.
        with_objects: False to leave the annotations unread (for testing, where a file may have none).
        view: Which of its videos to take, and under which class names.
        with_crowds: Take crowds as ignored regions, with the label ``IGNORED_LABEL`` and the track ID 0; otherwise they
            are left out.

    Returns:
        The K class names and the videos in the order of the file.

    Raises:
        InputError: The file, or something in it, cannot be used; the message names the entry and the field.
    """
    file = read_annotations(path, view, with_annotations=with_objects, need_videos=True)
    classes, labels = label_categories(file.categories, classes, ignore_categories, file.source)
    objects = {video_id: tuple([] for _ in video.file_names) for video_id, video in file.videos.items()}
    tracks = dict.fromkeys(file.videos, 0)
    for item in file.require_annotations() if with_objects else ():
        label = labels[item.category_id]
        if label is None or (item.crowd and not with_crowds):
            continue
        if not item.crowd:
            tracks[item.video_id] += 1
        number, label = (0, IGNORED_LABEL) if item.crowd else (tracks[item.video_id], label)
        for frame, rle in enumerate(file.rles(item)):
            if rle is not None:
                objects[item.video_id][frame].append(FrameObject(number, label, rle['counts']))
    return classes, [replace(video, objects=objects[video.video_id]) for video in file.videos.values()]
