"""A view of an annotation file: some of its videos or images, under other class names."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from mmengine.logging import print_log

from mmrcf.defaults import MAX_SIDE
from mmrcf.errors import InputError
from mmrcf.utils import read_text

from .class_maps import check_class_map, named_class_map
from .records import AnnotationFile, AnnotationRecord, VideoRecord

Names = str | Path | Sequence[str | int] | None
"""Names of videos or images: a list; or a text file with one a line, ``#`` beginning a comment; None for no choice."""


@dataclass(frozen=True)
class AnnotationView:
    """The part of an annotation file that is used, and the names of its classes.

    A video is named by its id or by the folder of its first frame, an image by its id or by its file name.

    Args:
        class_map: Category of the file to class name, or the name of a map in ``class_maps.CLASS_MAPS``; several
            categories may become one class, and one that is not in it is left out. None to take them as they are.
        only: The videos or images to take. Every one of a list must be there; a text file may name some that another
            annotation file has, which is a warning.
        exclude: Those to leave out, in the same way; at least one must be there.
        max_side: Largest width and height of a video or image, in pixels: what a mask takes in memory grows with both.
    """

    class_map: str | Mapping[str, str] | None = None
    only: Names = None
    exclude: Names = None
    max_side: int = MAX_SIDE

    def as_dict(self) -> dict:
        """The arguments as plain values."""
        fields = {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in fields.items()}

    def apply(self, file: AnnotationFile) -> AnnotationFile:
        """The file as the view shows it.

        Raises:
            InputError: A name is not in the file.
        """
        if self.only is not None or self.exclude is not None:
            videos = _select(file, self.only, self.exclude)
            file = replace(file, videos=videos, annotations=_with_video(file.annotations, videos))
        return file if self.class_map is None else _renamed(file, named_class_map(self.class_map))


def read_names(names: Names, what: str) -> tuple[str, ...]:
    """The names of a list or of a text file; ``what`` is the option they are of.

    Raises:
        InputError: There is none, or one is given twice.
    """
    if isinstance(names, str | Path):
        lines = read_text(names, what).splitlines()
        found = tuple(text for line in lines if (text := line.partition('#')[0].strip()))
        what = f'{what} {names}'
    else:
        found = tuple(str(name) for name in names or ())
    if not found:
        raise InputError(f'{what}: has no name of a video or an image; give at least one')
    twice = [name for name, count in Counter(found).items() if count > 1]
    if twice:
        raise InputError(f'{what}: {", ".join(twice[:5])} is given twice; keep one')
    return found


def _select(file: AnnotationFile, only: Names, exclude: Names) -> dict[int, VideoRecord]:
    """The videos or images that are asked for, in the order of the file."""
    by_name: dict[str, set[int]] = {}
    for video in file.videos.values():
        for name in _names_of(video):
            by_name.setdefault(name, set()).add(video.video_id)
    chosen = set(file.videos) if only is None else _ids(only, by_name, 'only', file.source)
    if exclude is not None:
        chosen -= _ids(exclude, by_name, 'exclude', file.source)
    if not chosen:
        raise InputError(f'{file.source}: nothing is left of it; check the options "only" and "exclude"')
    return {video_id: video for video_id, video in file.videos.items() if video_id in chosen}


def _with_video(
    annotations: Sequence[AnnotationRecord] | None, videos: Mapping[int, VideoRecord]
) -> list[AnnotationRecord] | None:
    return None if annotations is None else [item for item in annotations if item.video_id in videos]


def _ids(given: Names, by_name: Mapping[str, set[int]], option: str, where: str) -> set[int]:
    """The videos of these names; one that fits several, as a folder that many videos share, identifies none."""
    names = read_names(given, option)
    missing = [name for name in names if name not in by_name]
    if missing:
        lacks = (
            f'{where}: has no {", ".join(missing[:5])} ({len(missing)} of {len(names)} names of the option "{option}")'
        )
        if len(missing) == len(names) or not isinstance(given, str | Path):
            raise InputError(f'{lacks}; correct the names or give the file that they are from')
        print_log(lacks, 'current', logging.WARNING)
    for name in names:
        if len(by_name.get(name, ())) > 1:
            raise InputError(
                f'{where}: the name {name} of the option "{option}" fits {len(by_name[name])} entries; use their ids'
            )
    return {video_id for name in names for video_id in by_name.get(name, ())}


def _names_of(video: VideoRecord) -> set[str]:
    """By what names a video or an image is known."""
    first = PurePosixPath(video.file_names[0])
    has_folder = not video.is_image and len(first.parts) > 1
    return {str(video.video_id), first.parent.as_posix() if has_folder else video.file_names[0]}


def _renamed(file: AnnotationFile, class_map: Mapping[str, str]) -> AnnotationFile:
    check_class_map(class_map, tuple(file.categories.values()), file.source)
    classes = list(dict.fromkeys(class_map.values()))
    ids = {key: classes.index(class_map[name]) + 1 for key, name in file.categories.items() if name in class_map}
    annotations = file.annotations and [
        replace(item, category_id=ids[item.category_id]) for item in file.annotations if item.category_id in ids
    ]
    return replace(file, categories=dict(enumerate(classes, start=1)), annotations=annotations)
