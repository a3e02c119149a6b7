"""Reading image files by their content, with Pillow: orientation applied, 8 bits, stacks and animations as frames.

Bytes after a picture are ignored, and a file that lacks only its end marker is read with a warning. Any other
truncation is an error, because the picture would be partly grey. Samples of more than 8 bits are scaled by
:class:`WhiteLevel`.
"""

import contextlib
import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mmrcf.defaults import MAX_PIXELS
from mmrcf.errors import InputError, InputFileError

from .files import require_file
from .image_files import SIGNATURE_BYTES, check_pixels, decoder_errors, open_image, unlimited_pillow
from .white_level import WhiteLevel

logger = logging.getLogger(__name__)

STACKS = frozenset(('AVIF', 'GIF', 'PNG', 'TIFF', 'WEBP'))
"""Formats whose further pictures are frames; in the others they are previews and depth maps."""

ORIENTATION, REDUCED_IMAGE, WIDTH, HEIGHT = 0x112, 254, 256, 257
# Tags of a TIFF: what its samples are (1: unsigned, 2: signed, 3: float), and whether 0 is white.
BITS, SAMPLE_FORMAT, PHOTOMETRIC, WHITE_IS_ZERO = 258, 339, 262, 0
# Samples that Pillow holds in another type.
CAST_TYPES = frozenset(('int8', 'int16', 'uint32'))
TIFF_STARTS = (b'II*\0', b'MM\0*')
# Of a PFM in colour: width, height, and a scale whose sign is the byte order.
PFM_HEADER = re.compile(rb'PF\s+(\d+)\s+(\d+)\s+([-+.\deE]+)\s')
JPEG_END = b'\xff\xd9'
PNG_END = b'IEND'


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read an image file; of a stack or an animation the first frame.

    Args:
        path: The file.
        max_pixels: Largest number of pixels that is decoded.

    Returns:
        (H, W, 3) uint8, BGR.

    Raises:
        InputFileError: The file is missing, empty, not readable or not a regular file.
        InputError: It is not an image, is cut short, or is too large.
    """
    with contextlib.closing(read_frames(path, WhiteLevel(), max_pixels=max_pixels)) as frames:
        image, _ = next(frames)
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)


def read_frames(
    path: str | Path, white: WhiteLevel, *, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> Iterator[tuple[np.ndarray, float | None]]:
    """Yield the frames of an image file: at least one, more from a stack or an animation.

    Args:
        path: The file.
        white: Scales samples of more than 8 bits; the same object for all images of a video.
        max_pixels: Largest number of pixels of a frame that is decoded.
        name: What messages call the file; None: its path.

    Yields:
        (H, W, 3) uint8, RGB, and how long an animation shows the frame, in seconds, None where the file has none.

    Raises:
        InputFileError: The file is missing, empty, not readable or not a regular file.
        InputError: It is not an image, is cut short, or is too large. Later frames may raise it, too.
    """
    path = _require_image(path)
    name = str(path) if name is None else name
    with decoder_errors(name):
        if _is_colour_pfm(path):
            yield _to_rgb(_read_colour_pfm(path, name, max_pixels), white), None
            return
        if _needs_opencv(path):
            tags = _tiff_tags(path)
            is_wide = max(tags.get(BITS, (8,))) > 32
            check_pixels(
                f'image {name}', int(tags[WIDTH]), int(tags[HEIGHT]), max_pixels // 2 if is_wide else max_pixels
            )
            count = _count_by_opencv(path)
            if not count or _sample_type(tags) == 'int8':  # of which OpenCV makes zeros
                raise InputError(
                    f'image {name}: is a TIFF of {_sample_type(tags)} that cannot be read; save it with 8 or 16 bits '
                    'or as PNG'
                )
            for index in range(count):
                yield _to_rgb(_read_by_opencv(path, index), white, _is_white_zero(tags)), None
            return
        with open_image(path) as image:
            numbers = _frame_numbers(image)
            for index in numbers:
                with unlimited_pillow():
                    image.seek(index)
                check_pixels(f'image {name}', *image.size, max_pixels)
                if _is_deep_colour(image):
                    pixels, source = _to_rgb(_read_by_opencv(path, index), white), image
                else:
                    source = _loaded(image, path, name)
                    pixels = _deep_to_rgb(source, white) if _is_deep(source) else np.asarray(source.convert('RGB'))
                pixels = np.ascontiguousarray(_TURNS[exif_orientation(source)](pixels))
                duration = source.info.get('duration') if len(numbers) > 1 else None
                yield pixels, max(1, duration) / 1000 if duration else None  # times are in milliseconds


def count_frames(path: str | Path) -> int:
    """Number of frames that :func:`read_frames` yields for an undamaged file, from its header; 1 where it has none."""
    try:
        with decoder_errors(path):
            if _needs_opencv(_require_image(path)):
                return _count_by_opencv(path)
            with open_image(path) as image:
                return len(_frame_numbers(image))
    except InputError:
        return 1


def is_image_file(path: str | Path) -> bool:
    """Whether a regular file is an image by its content; its name does not count."""
    path = Path(path)
    if not path.is_file():
        return False
    try:
        with decoder_errors(path), open_image(path):
            return True
    except InputError:
        return _needs_opencv(path) or _is_colour_pfm(path)


def _require_image(path: str | Path) -> Path:
    path = require_file(path, 'image')
    if not path.is_file():  # a device or a pipe may have no end
        raise InputFileError(f'image {path}: expected a regular file, found a device or a pipe; copy it to a file')
    return path


def _needs_opencv(path: Path) -> bool:
    """Whether a file is a TIFF of a kind that Pillow does not know, such as floats in colour."""
    with path.open('rb') as file:
        if file.read(4) not in TIFF_STARTS:
            return False
    try:
        with open_image(path):
            return False
    except Image.UnidentifiedImageError:
        return True


def _is_colour_pfm(path: Path) -> bool:
    """Whether a file is a PFM in colour, which Pillow does not know."""
    with path.open('rb') as file:
        return PFM_HEADER.match(file.read(SIGNATURE_BYTES)) is not None


def _read_colour_pfm(path: Path, name: str, max_pixels: int) -> np.ndarray:
    """(H, W, 3) float32, RGB."""
    with path.open('rb') as file:
        header = PFM_HEADER.match(file.read(SIGNATURE_BYTES))
        width, height, scale = int(header[1]), int(header[2]), float(header[3])
        check_pixels(f'image {name}', width, height, max_pixels)
        file.seek(header.end())
        content = file.read(12 * width * height)
    if not width * height or len(content) < 12 * width * height:
        raise ValueError('truncated')
    values = np.frombuffer(content, '<f4' if scale < 0 else '>f4').reshape(height, width, 3)
    return values[::-1].astype(np.float32)  # its rows begin at the bottom


def _tiff_tags(path: Path) -> ImageFileDirectory_v2:
    """The tags of the first picture of a TIFF."""
    with path.open('rb') as file:
        directory = ImageFileDirectory_v2(file.read(8))
        file.seek(directory.next)
        directory.load(file)
        return directory


def _sample_type(tags: ImageFileDirectory_v2) -> str:
    """The type of the samples of a TIFF by NumPy's name: 'uint16'."""
    kind = {1: 'uint', 2: 'int', 3: 'float'}.get(max(tags.get(SAMPLE_FORMAT, (1,))), 'unknown')
    return f'{kind}{max(tags.get(BITS, (1,)))}'


def _is_white_zero(tags: ImageFileDirectory_v2) -> bool:
    return tags.get(PHOTOMETRIC) == WHITE_IS_ZERO


def _count_by_opencv(path: Path) -> int:
    """Number of pictures of a TIFF that OpenCV can read."""
    level = cv2.setLogLevel(0)  # else it prints its reason over several lines
    try:
        return cv2.imcount(str(path))
    finally:
        cv2.setLogLevel(level)


def _read_by_opencv(path: Path, index: int) -> np.ndarray:
    """Frame ``index`` as (H, W) or (H, W, 3), RGB, with the depth of the file and without its orientation applied."""
    done, images = cv2.imreadmulti(str(path), index, 1, flags=cv2.IMREAD_UNCHANGED)
    if not done:
        raise ValueError('OpenCV cannot decode it')
    image = images[0]
    if image.ndim == 2:
        return image
    return image[..., 0] if image.shape[2] < 3 else image[..., 2::-1]


def _frame_numbers(image: Image.Image) -> list[int]:
    """Positions of the pictures that are frames: without previews, reduced copies and depth maps."""
    with unlimited_pillow():
        count = getattr(image, 'n_frames', 1) if image.format in STACKS else 1
    if image.format == 'PNG' and count > 1:
        # A still picture for readers that know no animations.
        return list(range(int(bool(getattr(image, 'default_image', False))), count))
    if image.format != 'TIFF' or count == 1:
        return list(range(count))
    numbers = []
    for index in range(count):
        image.seek(index)
        if not image.tag_v2.get(REDUCED_IMAGE, 0) & 1:
            numbers.append(index)
    return numbers or [0]


def _is_deep(image: Image.Image) -> bool:
    """Whether an image is of grey values of more than 8 bits, or of signed ones."""
    if image.format == 'TIFF' and image.mode == 'L':
        return _sample_type(image.tag_v2) == 'int8'
    return image.mode in ('I', 'F') or image.mode.startswith('I;16')


def _deep_to_rgb(image: Image.Image, white: WhiteLevel) -> np.ndarray:
    """Deep grey values, converted back to the type of the file if Pillow changed it, as (H, W, 3) uint8."""
    pixels = np.asarray(image)
    if image.format != 'TIFF':
        return _to_rgb(pixels, white)
    kind = _sample_type(image.tag_v2)
    return _to_rgb(pixels.astype(kind) if kind in CAST_TYPES else pixels, white, _is_white_zero(image.tag_v2))


def _is_deep_colour(image: Image.Image) -> bool:
    """Whether a file has colours of more than 8 bits, of which Pillow would keep the upper 8."""
    if _is_deep(image):
        return False
    if image.format == 'TIFF':
        return max(image.tag_v2.get(BITS, (8,))) > 8
    return image.format == 'PNG' and any(';16' in str(tile.args) for tile in image.tile)


def _loaded(image: Image.Image, path: Path, name: str) -> Image.Image:
    """``image`` after decoding."""
    try:
        with unlimited_pillow():
            image.load()
    except OSError:
        whole = _with_end(path) if image.format in ('JPEG', 'MPO') else None
        if whole is None:
            raise
        logger.warning('image %s: its end marker is missing; the picture is whole', name)
        return whole
    if image.format == 'PNG' and PNG_END not in path.read_bytes():
        logger.warning('image %s: its end marker is missing; the picture is whole', name)
    return image


def _with_end(path: Path) -> Image.Image | None:
    """A JPEG file without an end marker, decoded; None if more than the marker is missing.

    The decoder fills up what is missing. If other bytes in its place change the picture, some was missing.
    """
    data = path.read_bytes().rstrip(JPEG_END[:1])
    images = [Image.open(io.BytesIO(data + filler + JPEG_END), formats=['JPEG']) for filler in (b'', b'\x5a' * 64)]
    try:
        return images[0] if np.array_equal(*map(np.asarray, images)) else None
    except OSError:
        return None


def exif_orientation(image: Image.Image) -> int:
    """The orientation of the metadata, 1 to 8; 1, as it is, where it is missing or damaged."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # metadata that cannot be read are no reason to refuse a picture
        return 1
    return value if value in _TURNS else 1


_TURNS = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: image.swapaxes(0, 1)[:, ::-1],
    7: lambda image: image.swapaxes(0, 1)[::-1, ::-1],
    8: lambda image: image.swapaxes(0, 1)[::-1],
}
"""How a picture is turned and mirrored for display, by its EXIF orientation."""


def _to_rgb(pixels: np.ndarray, white: WhiteLevel, is_white_zero: bool = False) -> np.ndarray:
    """(H, W) or (H, W, 3) of any depth as (H, W, 3) uint8; inverted if ``is_white_zero``."""
    pixels = white.to_uint8(pixels)
    if is_white_zero:
        pixels = ~pixels
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
