"""Categories of a file to class names; which COCO classes are also YouTube-VIS classes, by name.

Left out on purpose, and easily added through the ``class_map`` of a config: bicycle (not a motorbike) and skis (not a
snowboard), which some public recipes map to their nearest class, and mouse, which is an animal in YouTube-VIS and a
device in COCO. YouTube-VIS 2019 has no general bird, only kinds of birds.
"""

import difflib
import logging
from collections.abc import Mapping, Sequence

from mmengine.logging import print_log

from mmrcf.errors import InputError

_IN_BOTH = {
    'person': 'person',
    'motorcycle': 'motorbike',
    'airplane': 'airplane',
    'train': 'train',
    'truck': 'truck',
    'boat': 'boat',
    'cat': 'cat',
    'dog': 'dog',
    'horse': 'horse',
    'cow': 'cow',
    'bear': 'bear',
    'elephant': 'elephant',
    'zebra': 'zebra',
    'giraffe': 'giraffe',
    'snowboard': 'snowboard',
    'skateboard': 'skateboard',
    'surfboard': 'surfboard',
    'tennis racket': 'tennis_racket',
}

COCO_TO_YOUTUBE_VIS_2019 = _IN_BOTH | {'car': 'sedan'}
COCO_TO_YOUTUBE_VIS_2021 = _IN_BOTH | {'car': 'car', 'bird': 'bird', 'frisbee': 'flying_disc'}

CLASS_MAPS = {'youtube_vis_2019': COCO_TO_YOUTUBE_VIS_2019, 'youtube_vis_2021': COCO_TO_YOUTUBE_VIS_2021}


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


def resolve_class_map(class_map: str | Mapping[str, str] | None, classes: tuple[str, ...]) -> dict[str, str]:
    """The class map a config asks for: file name of a category to class name.

    Raises:
        InputError: No such map, or it leads to a name that is not a class.
    """
    if class_map is None:
        return {name: name for name in classes}
    class_map = named_class_map(class_map)
    unknown = sorted(set(class_map.values()) - set(classes))
    if unknown or not class_map:
        raise InputError(f'class_map leads to {unknown}, which are not classes; correct it or metainfo.classes')
    return class_map


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
