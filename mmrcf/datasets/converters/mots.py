"""KITTI MOTS and MOTSChallenge in their PNG format (Voigtlaender et al., CVPR 2019)."""

from collections.abc import Sequence
from pathlib import Path

from mmrcf.errors import InputError
from mmrcf.utils import require_folder

from .class_table import ClassTable
from .images import check_pairs, common_size, each, list_folders, list_images, numbers_in, read_mask, select_names
from .writer import RLE, Converted, LabelledVideo, ObjectTrack, encode

IGNORED = 10000
MOTS_CLASSES = ClassTable({'1': 'car', '2': 'pedestrian'}, 'classes of MOTS')
IMAGE_FOLDERS = ('images', 'training/image_02')
"""Where frames are looked for: that of MOTSChallenge, then that of KITTI."""


def convert_mots(
    root: str | Path,
    classes: ClassTable = MOTS_CLASSES,
    sequences: Sequence[str] | None = None,
    images: str | Path | None = None,
    progress: bool = False,
) -> Converted:
    """Convert id masks of 16 bits: ``instances/<sequence>/*.png`` beside frames of the same names.

    The number of a pixel is 1000 times its class plus its object, the same in all frames of a sequence. 0 is
    background. Regions of 10000, where nothing is labelled, become crowds: for each class a track with ``iscrowd: 1``.

    Args:
        root: Folder that holds ``instances``.
        classes: Name by number of the class.
        sequences: Those to convert; None for all that have masks.
        images: Folder that holds ``<sequence>/<frame>``; None for ``root/images`` or ``root/training/image_02``.
        progress: Show a progress bar.

    Raises:
        InputError: A folder, frame or mask is missing, a size differs, a mask cannot be read, or a class has no name.
    """
    root = Path(root)
    if images is None:
        images = next((root / name for name in IMAGE_FOLDERS if (root / name).is_dir()), None)
        if images is None:
            places = ' and no '.join(str(root / name) for name in IMAGE_FOLDERS)
            raise InputError(f'no {places}; expected frames in one of them, give their folder with --images')
    image_root = require_folder(images, 'image folder')
    mask_root = require_folder(root / 'instances', 'mask folder')
    names = select_names(list_folders(mask_root, 'mask folder'), sequences, f'mask folder {mask_root}')
    videos = [_convert_sequence(name, image_root, mask_root, classes) for name in each(names, 'video', progress)]
    return Converted(videos, classes.classes, str(image_root))


def _convert_sequence(name: str, image_root: Path, mask_root: Path, classes: ClassTable) -> LabelledVideo:
    """One video. Its ignored regions become a crowd of each class, where a prediction of any class is not counted."""
    frames, masks = list_images(image_root / name, 'image folder'), list_images(mask_root / name, 'mask folder')
    check_pairs(frames, masks, mask_root / name)
    height, width = common_size(frames.values())
    video = LabelledVideo(name, height, width, [f'{name}/{path.name}' for path in frames.values()])
    objects: dict[int, ObjectTrack] = {}
    ignored: dict[int, RLE] = {}
    for frame, stem in enumerate(frames):
        mask = read_mask(masks[stem], (height, width))
        for number in numbers_in(mask):
            rle = encode(mask == number)
            if number == IGNORED:
                ignored[frame] = rle
                continue
            if number not in objects:
                objects[number] = ObjectTrack(_class_of(number, masks[stem], classes))
            objects[number].rles[frame] = rle
    video.tracks += [objects[number] for number in sorted(objects)]
    if ignored:
        video.tracks += [ObjectTrack(category, dict(ignored), crowd=True) for category in classes.classes]
    return video


def _class_of(number: int, mask: Path, classes: ClassTable) -> str:
    key = str(number // 1000)
    if key not in classes.names:
        known = ', '.join(f'{item} {name}' for item, name in classes.names.items())
        raise InputError(
            f'mask {mask}: object {number} is of class {key}, expected one of {known}; name it in a file of lines '
            'such as "1 car" with --classes'
        )
    return classes.names[key]
