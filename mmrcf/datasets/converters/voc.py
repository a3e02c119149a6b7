"""PASCAL VOC 2012: object masks of still images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmrcf.errors import InputError
from mmrcf.utils import require_folder

from .images import each, image_size, list_images, numbers_in, read_mask, select_names
from .writer import Converted, LabelledVideo, ObjectTrack, encode

VOID = 255
VOC_CLASSES = (
    'aeroplane',
    'bicycle',
    'bird',
    'boat',
    'bottle',
    'bus',
    'car',
    'cat',
    'chair',
    'cow',
    'diningtable',
    'dog',
    'horse',
    'motorbike',
    'person',
    'pottedplant',
    'sheep',
    'sofa',
    'train',
    'tvmonitor',
)


def convert_voc(root: str | Path, names: Sequence[str] | None = None, progress: bool = False) -> Converted:
    """Convert the images of ``SegmentationObject``, each as a video of one frame.

    In ``SegmentationObject/<name>.png`` a palette index is an object, in ``SegmentationClass/<name>.png`` a class; 0 is
    background. 255 is the border around objects, which becomes background. The class of an object is that of most of
    its pixels.

    Args:
        root: Folder that holds ``JPEGImages`` (``VOCdevkit/VOC2012``).
        names: Names of the images to convert; None for all that have objects marked.
        progress: Show a progress bar.

    Raises:
        InputError: A file is missing, a size differs, a mask cannot be read, or an object has no class.
    """
    root = Path(root)
    image_root = require_folder(root / 'JPEGImages', 'image folder')
    object_root = require_folder(root / 'SegmentationObject', 'mask folder')
    class_root = require_folder(root / 'SegmentationClass', 'class mask folder')
    images = list_images(image_root, 'image folder')
    masks = list_images(object_root, 'mask folder')
    videos = []
    for name in each(select_names(tuple(masks), names, f'mask folder {object_root}'), 'image', progress):
        if name not in images:
            raise InputError(f'mask {masks[name]}: no image of that name in {image_root}; add it or remove the mask')
        height, width = image_size(images[name])
        video = LabelledVideo(name, height, width, [images[name].name])
        objects = read_mask(masks[name], (height, width))
        labels = read_mask(class_root / f'{name}.png', (height, width))
        for number in numbers_in(objects):
            if number == VOID:
                continue
            mask = objects == number
            video.tracks.append(ObjectTrack(_majority(labels[mask], number, masks[name]), {0: encode(mask)}))
        videos.append(video)
    return Converted(videos, VOC_CLASSES, str(image_root))


def _majority(labels: np.ndarray, number: int, mask: Path) -> str:
    labels = labels[labels != VOID]
    label = int(np.bincount(labels).argmax()) if len(labels) else 0
    if not 1 <= label <= len(VOC_CLASSES):
        raise InputError(
            f'mask {mask}: object {number} has mostly class {label} in SegmentationClass, expected 1 to '
            f'{len(VOC_CLASSES)}; correct one of the two masks'
        )
    return VOC_CLASSES[label - 1]
