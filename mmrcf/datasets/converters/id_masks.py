"""Folders of frames beside folders of id masks: DAVIS 2016 and 2017, SegTrack v2."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mmrcf.errors import InputError
from mmrcf.utils import require_folder

from .class_table import ClassTable
from .images import (
    check_pairs,
    common_size,
    each,
    list_folders,
    list_images,
    natural_order,
    numbers_in,
    read_mask,
    select_names,
)
from .writer import RLE, Converted, LabelledVideo, ObjectTrack, encode

VOID = 255
FOREGROUND = 128
"""Grey level from which a pixel of a SegTrack mask is the object; edges may be smoothed."""

# Classes of the 50 sequences of DAVIS 2016 (Perazzi et al., CVPR 2016), which come without any. Each sequence has one
# object. Where its mask covers a rider and what carries the rider, the class is person on a BMX bicycle, with a board
# or under a kite, animal on a horse, and vehicle on a motorcycle, scooter or soapbox.
_SEQUENCES = {
    'person': (
        'bmx-bumps bmx-trees breakdance breakdance-flare dance-jump dance-twirl hike hockey kite-surf kite-walk lucia '
        'paragliding paragliding-launch parkour rollerblade stroller surf swing tennis'
    ),
    'animal': (
        'bear blackswan camel cows dog dog-agility elephant flamingo goat horsejump-high horsejump-low libby '
        'mallard-fly mallard-water rhino'
    ),
    'vehicle': (
        'boat bus car-roundabout car-shadow car-turn drift-chicane drift-straight drift-turn motocross-bumps '
        'motocross-jump motorbike scooter-black scooter-gray soapbox train'
    ),
    'ball': 'soccerball',
}
DAVIS_2016_CLASSES = ClassTable(
    {sequence: name for name, sequences in _SEQUENCES.items() for sequence in sequences.split()},
    'classes of DAVIS 2016',
    one_object=True,
)


def convert_davis(
    root: str | Path,
    classes: ClassTable = DAVIS_2016_CLASSES,
    sequences: Sequence[str] | None = None,
    resolution: str = '480p',
    annotations: str = 'Annotations',
    progress: bool = False,
) -> Converted:
    """Convert DAVIS 2016 or 2017.

    Frames are ``JPEGImages/<resolution>/<sequence>/*.jpg``, masks ``Annotations/<resolution>/<sequence>/*.png``. A
    number in a mask is an object (2017: palette indices). 0 is background, and so is 255, which is void. A sequence
    that has no number but 255 (2016) has one object, number 1.

    Args:
        root: Folder that holds ``JPEGImages``.
        classes: Class by sequence and object.
        sequences: Those to convert; None for all that have masks.
        resolution: Folder of the resolution ('480p', '1080p', 'Full-Resolution').
        annotations: Folder of the masks ('Annotations_unsupervised' in DAVIS 2019).
        progress: Show a progress bar.

    Raises:
        InputError: A folder, frame or mask is missing, a size differs, a mask cannot be read, a sequence has no object,
            or an object has no class.
    """
    image_root = require_folder(Path(root) / 'JPEGImages' / resolution, 'image folder')
    mask_root = require_folder(Path(root) / annotations / resolution, 'mask folder')
    names = select_names(list_folders(mask_root, 'mask folder'), sequences, f'mask folder {mask_root}')
    videos = []
    for name in each(names, 'video', progress):
        video, images, masks = _open_sequence(name, image_root / name, mask_root / name)
        objects = _numbered_objects(read_mask(masks[stem], (video.height, video.width)) for stem in images)
        if not objects:
            raise InputError(f'mask folder {mask_root / name}: no object in any mask; check the masks')
        for number, rles in sorted(objects.items()):
            video.tracks.append(ObjectTrack(classes.of_object(name, number, len(objects)), rles))
        videos.append(video)
    return Converted(videos, classes.classes, str(image_root))


def convert_segtrack(
    root: str | Path, classes: ClassTable, sequences: Sequence[str] | None = None, progress: bool = False
) -> Converted:
    """Convert SegTrack v2 (Li et al., ICCV 2013).

    Frames are ``JPEGImages/<sequence>/*``. Masks are ``GroundTruth/<sequence>/*``, or with several objects
    ``GroundTruth/<sequence>/<object>/*``; they have the names of the frames, with any suffix. A pixel of 128 or more is
    the object.

    Args:
        root: Folder that holds ``JPEGImages`` and ``GroundTruth``.
        classes: Class by sequence and object (the name of the object's folder, or 1).
        sequences: Those to convert; None for all that have masks.
        progress: Show a progress bar.

    Raises:
        InputError: As in :func:`convert_davis`; also where no frame shows an object.
    """
    image_root = require_folder(Path(root) / 'JPEGImages', 'image folder')
    mask_root = require_folder(Path(root) / 'GroundTruth', 'mask folder')
    names = select_names(list_folders(mask_root, 'mask folder'), sequences, f'mask folder {mask_root}')
    videos = []
    for name in each(names, 'video', progress):
        objects = _object_folders(mask_root / name)
        video = None
        for item, folder in objects.items():
            opened, images, masks = _open_sequence(name, image_root / name, folder)
            video = video or opened
            found = (read_mask(masks[stem], (video.height, video.width)) >= FOREGROUND for stem in images)
            rles = {frame: rle for frame, mask in enumerate(found) if (rle := encode(mask)) is not None}
            if not rles:
                raise InputError(f'mask folder {folder}: no pixel of {FOREGROUND} or more in any mask; check the masks')
            video.tracks.append(ObjectTrack(classes.of_object(name, item, len(objects)), rles))
        videos.append(video)
    return Converted(videos, classes.classes, str(image_root))


def _open_sequence(
    name: str, image_folder: Path, mask_folder: Path
) -> tuple[LabelledVideo, Mapping[str, Path], Mapping[str, Path]]:
    """A sequence without objects, its images and its masks, after a check that each image has a mask."""
    images = list_images(image_folder, 'image folder')
    masks = list_images(mask_folder, 'mask folder')
    check_pairs(images, masks, mask_folder)
    height, width = common_size(images.values())
    file_names = [f'{name}/{path.name}' for path in images.values()]
    return LabelledVideo(name, height, width, file_names), images, masks


def _numbered_objects(masks: Iterable[np.ndarray]) -> dict[int, dict[int, RLE]]:
    """RLE by object number and frame."""
    objects: dict[int, dict[int, RLE]] = {}
    for frame, mask in enumerate(masks):
        for number in numbers_in(mask):
            objects.setdefault(number, {})[frame] = encode(mask == number)
    void = objects.pop(VOID, None)
    return objects if objects or void is None else {1: void}


def _object_folders(folder: Path) -> dict[str, Path]:
    """Folder of the masks of each object of a SegTrack sequence."""
    folders = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith('.'))
    numbered = sorted(folders, key=lambda path: natural_order(path.name))
    return {path.name: path for path in numbered} or {'1': folder}
