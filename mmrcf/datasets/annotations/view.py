"""A view of an annotation file: some of its videos or images, under other class names, images as one-frame videos."""

import difflib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mmengine.logging import print_log

from mmrcf.errors import InputError
from mmrcf.utils import require_file

from .class_maps import CLASS_MAPS
from .fields import read_categories, read_field

Names = str | Path | Sequence[str | int] | None
"""Names of videos or images: a list; or a text file with one a line, ``#`` beginning a comment; None for no choice."""


@dataclass(frozen=True)
class AnnotationView:
    """What is taken from an annotation file, and under which names.

    A video is named by its id or by the folder of its first frame, an image by its id or by its file name.

    Args:
        class_map: Category of the file to class name, or the name of a map in ``class_maps.CLASS_MAPS``; several
            categories may become one class, and one that is not in it is left out. None to take them as they are.
        only: The videos or images to take. Every one of a list must be there; a text file may name some that another
            annotation file has, which is a warning.
        without: Those to leave out, in the same way; at least one must be there.
    """

    class_map: str | Mapping[str, str] | None = None
    only: Names = None
    without: Names = None

    def apply(self, content: Any, where: str) -> Any:
        """The content in the YouTube-VIS layout, as the view shows it; the given content is not changed.

        Args:
            content: Parsed JSON in the YouTube-VIS or the COCO layout.
            where: The file, for messages.

        Raises:
            InputError: A name is not in the file, or a field that is needed here is missing.
        """
        if isinstance(content, dict) and 'images' in content and 'videos' not in content:
            content = images_as_videos(content, where)
        if self.only is not None or self.without is not None:
            videos = select_entries(read_field(content, 'videos', list, where), self.only, self.without, where)
            kept = {video['id'] for video in videos}
            content = content | dict(videos=videos)
            if content.get('annotations') is not None:
                content['annotations'] = [
                    item
                    for index, item in enumerate(read_field(content, 'annotations', list, where))
                    if read_field(item, 'video_id', int, f'{where}: annotations[{index}]') in kept
                ]
        return content if self.class_map is None else _renamed(content, named_class_map(self.class_map), where)


def named_class_map(class_map: str | Mapping[str, str]) -> dict[str, str]:
    """A class map, or that of a name in ``CLASS_MAPS``. Raises :class:`InputError` where it is neither."""
    if isinstance(class_map, str):
        if class_map not in CLASS_MAPS:
            raise InputError(f'class_map={class_map!r}: no such map; known are {", ".join(CLASS_MAPS)}')
        return dict(CLASS_MAPS[class_map])
    if not isinstance(class_map, Mapping) or not all(
        isinstance(name, str) for pair in class_map.items() for name in pair
    ):
        raise InputError(f'class_map={class_map!r}: expected category names to class names')
    return dict(class_map)


def read_names(names: Names, what: str) -> tuple[str, ...]:
    """The names of a list or of a text file; ``what`` says which option they are of.

    Raises:
        InputError: There is none, or one is given twice.
    """
    if isinstance(names, str | Path):
        lines = require_file(names, what).read_text(encoding='utf-8').splitlines()
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


def select_entries(entries: Sequence[dict], only: Names, without: Names, where: str) -> list[dict]:
    """The videos or images of a file that are asked for, in the order of the file; see :class:`AnnotationView`.

    Raises:
        InputError: Names are not there, fit more than one, or leave nothing.
    """
    if only is None and without is None:
        return list(entries)
    by_name: dict[str, set[int]] = {}
    for index, entry in enumerate(entries):
        for name in _entry_names(entry, f'{where}: entry {index}'):
            by_name.setdefault(name, set()).add(index)
    chosen = set(range(len(entries)))
    if only is not None:
        chosen = _indices(only, by_name, 'only', where)
    if without is not None:
        chosen -= _indices(without, by_name, 'without', where)
    if not chosen:
        raise InputError(f'{where}: nothing is left of it; check the options "only" and "without"')
    return [entries[index] for index in sorted(chosen)]


def _indices(given: Names, by_name: Mapping[str, set[int]], option: str, where: str) -> set[int]:
    """The entries of these names; one that fits several, as a folder that many videos share, says nothing."""
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
    return {index for name in names for index in by_name.get(name, ())}


def check_class_map(class_map: Mapping[str, str], names: Sequence[str], where: str) -> None:
    """Compare the keys of a class map with the categories of a file.

    A map may be larger than a file, which need not have every category; so a key that the file lacks is an error only
    if it looks like a category that is not mapped, and else a warning.

    Raises:
        InputError: Not one key is a category of the file, or a key is misspelt.
    """
    missing = [key for key in class_map if key not in names]
    if len(missing) == len(class_map):
        raise InputError(f'{where}: has none of the categories {missing}; check class_map and metainfo.classes')
    unmapped = [name for name in names if name not in class_map]
    for key in missing:
        for name in difflib.get_close_matches(key, unmapped, n=1, cutoff=0.85):
            raise InputError(
                f'{where}: class_map has {key!r}, which is no category; did you mean {name!r}? If not, leave it out'
            )
    if missing:
        print_log(f'{where}: has no category {", ".join(missing)} of class_map', 'current', logging.WARNING)


def images_as_videos(content: dict, where: str) -> dict:
    """COCO images as videos of one frame, with the ids of the images."""
    videos = [
        image | dict(length=1, file_names=[read_field(image, 'file_name', str, f'{where}: images[{index}]')])
        for index, image in enumerate(read_field(content, 'images', list, where))
    ]
    tracks = []
    for index, item in enumerate(content.get('annotations') or []):
        video_id = read_field(item, 'image_id', int, f'{where}: annotations[{index}]')
        kept = {key: value for key, value in item.items() if key not in ('image_id', 'segmentation', 'area', 'bbox')}
        tracks.append(kept | dict(video_id=video_id, segmentations=[item.get('segmentation')]))
    return dict(videos=videos, categories=content.get('categories'), annotations=tracks)


def _entry_names(entry: Any, where: str) -> set[str]:
    """By what names a video or an image is known."""
    names = {str(read_field(entry, 'id', int, where))}
    files = entry.get('file_names') or [entry.get('file_name')]
    if isinstance(files, list) and isinstance(files[0], str):
        first = PurePosixPath(files[0])
        own_folder = 'file_name' not in entry and len(first.parts) > 1  # not an image as a video of one frame
        names.add(first.parent.as_posix() if own_folder else files[0])
    return names


def _renamed(content: dict, class_map: Mapping[str, str], where: str) -> dict:
    names = read_categories(content, where)
    check_class_map(class_map, tuple(names.values()), where)
    classes = list(dict.fromkeys(class_map.values()))
    ids = {key: classes.index(class_map[name]) + 1 for key, name in names.items() if name in class_map}
    content = content | dict(categories=[dict(id=index + 1, name=name) for index, name in enumerate(classes)])
    if content.get('annotations') is not None:
        for index, item in enumerate(read_field(content, 'annotations', list, where)):
            category_id = read_field(item, 'category_id', int, f'{where}: annotations[{index}]')
            if category_id not in names:
                raise InputError(
                    f"{where}: annotations[{index}]: 'category_id' is {category_id}, but there is no such category; "
                    'correct it'
                )
        content['annotations'] = [
            item | dict(category_id=ids[item['category_id']])
            for item in content['annotations']
            if item['category_id'] in ids
        ]
    return content
