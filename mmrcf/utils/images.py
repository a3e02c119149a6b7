"""Reading image files. A truncated file is an error, where OpenCV would return an image that is partly grey."""

from pathlib import Path

import cv2
import numpy as np

from mmrcf.errors import InputError

from .files import require_file

JPEG_START = b'\xff\xd8'
JPEG_SCAN = b'\xff\xda'
JPEG_END = b'\xff\xd9'
PNG_START = b'\x89PNG'
PNG_END = b'IEND'


def _is_cut(data: bytes) -> bool:
    """True for a JPEG or PNG file without its end; OpenCV would fill in the rest without a warning."""
    if data.startswith(JPEG_START):
        # Inside a scan, 0xFF is followed by zero or the number of a restart: these markers are not found by chance,
        # and a whole file ends its last scan with an end marker.
        return data.rfind(JPEG_END) < data.rfind(JPEG_SCAN)
    return data.startswith(PNG_START) and PNG_END not in data


def read_image(path: str | Path) -> np.ndarray:
    """Read an image file.

    Returns:
        (H, W, 3) uint8, BGR.

    Raises:
        InputFileError: The file is missing, empty or not readable.
        InputError: It is not an image, or is cut short.
    """
    data = require_file(path, 'image').read_bytes()
    if _is_cut(data):
        raise InputError(f'image {path}: the file is cut short; copy or download it again')
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # for example more pixels than OpenCV reads
        image = None
    if image is None:
        raise InputError(f'image {path}: cannot be decoded; it is damaged or not an image, copy or download it again')
    return image
