"""Files of frames and masks: which there are, how large they are, and the numbers in a mask."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH
from tqdm import tqdm

from mmrcf.errors import InputError
from mmrcf.utils import require_file, require_folder

from ..orientation import header_orientation

IMAGE_SUFFIXES = frozenset(('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.tif', '.tiff', '.webp'))
T = TypeVar('T')


def each(items: Sequence[T], unit: str, progress: bool) -> Iterable[T]:
    """The items, with a progress bar on stderr if asked for."""
    return tqdm(items, unit=unit, disable=not progress)


def natural_order(name: str) -> list:
    """Sort key: numbers in a name count as numbers, so that ``img10`` comes after ``img9``."""
    return [(0, int(part), '') if part.isdigit() else (1, 0, part) for part in re.split(r'(\d+)', name) if part]


def is_hidden(path: Path) -> bool:
    """Whether a part of a relative path is hidden, as what macOS and editors keep beside the files of others."""
    return any(part.startswith('.') for part in path.parts)


def list_images(folder: Path, what: str) -> dict[str, Path]:
    """Image files of a folder by name without suffix, in natural order. Hidden and other files are left out.

    Raises:
        InputError: The folder is missing, has no image, or has two images that differ in the suffix only.
    """
    found: dict[str, Path] = {}
    for path in sorted(require_folder(folder, what).iterdir(), key=lambda path: natural_order(path.name)):
        if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith('.') or not path.is_file():
            continue
        if path.stem in found:
            raise InputError(
                f'{what} {folder}: {found[path.stem].name} and {path.name} have the same name; remove one of them'
            )
        found[path.stem] = path
    if not found:
        raise InputError(f'{what} {folder}: no image file in it; expected {", ".join(sorted(IMAGE_SUFFIXES))}')
    return found


def list_folders(folder: Path, what: str) -> list[str]:
    """Names of the subfolders, in natural order. Raises :class:`InputError` if there is none."""
    paths = require_folder(folder, what).iterdir()
    names = sorted((path.name for path in paths if path.is_dir() and not path.name.startswith('.')), key=natural_order)
    if not names:
        raise InputError(f'{what} {folder}: no subfolder in it; expected one for each sequence')
    return names


def select_names(found: Sequence[str], wanted: Sequence[str] | None, where: str) -> list[str]:
    """The wanted names in their order, or all that were found. Raises :class:`InputError` if one is missing."""
    if wanted is None:
        return list(found)
    missing = [name for name in wanted if name not in set(found)]
    if missing:
        raise InputError(f'{where}: no {missing[0]!r}, which the list names ({len(missing)} missing); correct the list')
    return list(wanted)


def check_pairs(images: Mapping[str, Path], masks: Mapping[str, Path], folder: Path) -> None:
    """Check that each frame has a mask and each mask a frame; ``folder`` is that of the masks.

    Raises:
        InputError: One is missing. The first is named, and how many there are.
    """
    without_image = [path for stem, path in masks.items() if stem not in images]
    if without_image:
        raise InputError(
            f'mask {without_image[0]}: no image of that name in {next(iter(images.values())).parent} '
            f'({len(without_image)} of {len(masks)} masks have none); add the frames or remove the masks'
        )
    without_mask = [path for stem, path in images.items() if stem not in masks]
    if without_mask:
        raise InputError(
            f'image {without_mask[0]}: no mask of that name in {folder} ({len(without_mask)} of {len(images)} frames '
            'have none); expected a mask for each frame, add them or leave the sequence out'
        )


def image_size(path: Path) -> tuple[int, int]:
    """Height and width as the image is displayed, read from the header of the file.

    Raises:
        InputError: The file is missing, empty or not an image.
    """
    require_file(path, 'image')
    try:
        with Image.open(path) as image:
            width, height = image.size
            if image.format == 'TIFF':  # the size is as displayed or as stored, by the version of Pillow
                width, height = image.tag_v2[IMAGEWIDTH], image.tag_v2[IMAGELENGTH]
            turned = header_orientation(image) >= 5  # by 90 degrees when the image is read
    except (OSError, SyntaxError, ValueError, KeyError, Image.DecompressionBombError) as error:
        raise InputError(f'image {path}: not an image that can be read ({error}); copy or download it again') from error
    return (width, height) if turned else (height, width)


def common_size(paths: Iterable[Path]) -> tuple[int, int]:
    """Height and width of the frames of a video. Raises :class:`InputError` if they differ."""
    first, expected = None, None
    for path in paths:
        size = image_size(path)
        if first is None:
            first, expected = path, size
        elif size != expected:
            raise InputError(
                f'image {path}: is {size[1]} x {size[0]} pixels, but {first.name} is {expected[1]} x {expected[0]}; '
                'all frames of a video need one size'
            )
    return expected


def numbers_in(mask: np.ndarray) -> list[int]:
    """Numbers above 0 in a mask, in ascending order."""
    return [number for number in np.flatnonzero(np.bincount(mask.ravel())).tolist() if number]


def read_mask(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Read a mask: a palette image, or a grey one of 1, 8 or 16 bits; also a grey one that is stored as RGB.

    Args:
        path: The file.
        size: Expected height and width.

    Returns:
        (H, W) uint8 or uint16: palette indices, never colours, or grey levels.

    Raises:
        InputError: It is missing, damaged, coloured, or of another size.
    """
    require_file(path, 'mask')
    try:
        with Image.open(path) as image:
            mode, values = image.mode, np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f'mask {path}: not an image that can be read ({error}); copy or download it again') from error
    if mode in ('RGB', 'RGBA', 'LA'):
        values = values[..., :3] if mode != 'LA' else values[..., :1]
        if (values != values[..., :1]).any():
            raise InputError(
                f'mask {path}: is a coloured {mode} image, expected object ids as palette indices or grey levels; '
                'save it with a palette (mode P)'
            )
        values = values[..., 0]
    elif mode == '1':
        values = values.astype(np.uint8) * 255
    elif mode == 'I' and values.min() >= 0 and values.max() < 1 << 16:
        values = values.astype(np.uint16)
    elif mode not in ('P', 'L', 'I;16', 'I;16B'):
        raise InputError(f'mask {path}: has the pixel format {mode!r}, expected a palette or grey image; convert it')
    if values.shape != size:
        raise InputError(
            f'mask {path}: is {values.shape[1]} x {values.shape[0]} pixels, but the image {size[1]} x {size[0]}; '
            'give masks of the size of their images'
        )
    return values
