"""The orientation that EXIF gives a frame. Labels may be of the picture as it is displayed, or as it is stored."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from mmrcf.utils.images import exif_orientation

UPRIGHT = 1

_AS_STORED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: np.rot90(image, -1),
}
"""From the displayed picture back to the stored one, by orientation."""


def header_orientation(image: Image.Image) -> int:
    """The EXIF orientation of an image that is open, 1 to 8, from its header; 1, upright, where it has none.

    Pillow would decode a whole PNG file in search of EXIF data.
    """
    return UPRIGHT if image.format == 'PNG' and 'exif' not in image.info else exif_orientation(image)


def file_orientation(path: str | Path) -> int:
    """That of an image file.

    Raises:
        OSError: The file is missing or not an image.
    """
    try:
        opened = Image.open(path)
    except OSError:
        raise
    except Exception as error:  # decoders of damaged files raise almost anything
        raise OSError(f'{path}: not an image that can be read') from error
    with opened as image:
        return header_orientation(image)


def as_stored(image: np.ndarray, orientation: int) -> np.ndarray:
    """A displayed picture (H, W, ...) as its file stores it, (H, W, ...) or (W, H, ...), contiguous."""
    turn = _AS_STORED.get(orientation)
    return image if turn is None else np.ascontiguousarray(turn(image))
