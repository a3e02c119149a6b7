"""Reading image files by their content, with Pillow: orientation applied, 8 bits, stacks and animations as frames.

Bytes behind a picture are ignored, and a file that lacks nothing but its end marker is read with a warning; any other
truncation is an error, where a picture would be partly grey. Samples of more than 8 bits are scaled by
:class:`WhiteLevel`.
"""

import contextlib
import functools
import io
import logging
import mmap
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mmrcf.defaults import MAX_PIXELS
from mmrcf.errors import InputError, InputFileError

from .files import require_file

logger = logging.getLogger(__name__)

FORMATS = ('AVIF', 'BMP', 'GIF', 'HEIF', 'JPEG', 'JPEG2000', 'MPO', 'PNG', 'PPM', 'TIFF', 'WEBP')
STACKS = frozenset(('AVIF', 'GIF', 'PNG', 'TIFF', 'WEBP'))
"""Formats whose further pictures are frames; in the others they are previews and depth maps."""

ORIENTATION, REDUCED_IMAGE, WIDTH, HEIGHT = 0x112, 254, 256, 257
# Tags of a TIFF: what its samples are (1: unsigned, 2: signed, 3: float), and whether 0 is white.
BITS, SAMPLE_FORMAT, PHOTOMETRIC, WHITE_IS_ZERO = 258, 339, 262, 0
# Samples that Pillow holds in another type.
CAST_TYPES = frozenset(('int8', 'int16', 'uint32'))
TIFF_STARTS = (b'II*\0', b'MM\0*')
SIGNATURE_BYTES = 64
# The end of a picture with the start of the next one, where images follow one another in a file. Cameras pad JPEGs.
NEXT_IMAGE = {
    'JPEG': re.compile(rb'\xff\xd9\0*\xff\xd8\xff'),
    'PNG': re.compile(rb'IEND\xaeB`\x82\x89PNG\r\n'),
}
# Width, height and, but of bitmaps, the largest value in the header of a binary PBM, PGM or PPM, with comments.
_SPACE = rb'(?:\s|#[^\n]*\n)+'
PNM_HEADER = re.compile(rb'(?:P4%b(\d+)%b(\d+)|P([56])%b(\d+)%b(\d+)%b(\d+))\s' % ((_SPACE,) * 5))
# Of a PFM in colour: width, height, and a scale whose sign is the byte order.
PFM_HEADER = re.compile(rb'PF\s+(\d+)\s+(\d+)\s+([-+.\deE]+)\s')
# Colour profiles and comments may lie before the mark of an animation.
MAX_PNG_HEADER = 2**22
# Of a phone's photo, whose further JPEGs are depth maps and the like.
PHOTO_PARTS = b'ns.google.com/photos/1.0/container'
JPEG_END = b'\xff\xd9'
PNG_END = b'IEND'
# Bits of the sensors behind deep images, and white of floats with the brightest value up to which each is assumed.
DEPTHS = (12, 14, 16, 24, 32)
# Of an image, scaled at a time.
ROWS = 256
FLOAT_WHITES = ((4.0, 1.0), (4 * 255.0, 255.0), (np.inf, 65535.0))


class WhiteLevel:
    """Scales deep samples to 8 bits by the value that is white, which images do not state.

    Integers are those of a sensor of 12, 14, 16, 24 or 32 bits: the smallest of them that holds the brightest value so
    far; where their type is signed, its largest value is white at most, and negative ones are black. Floats lie in
    [0, 1], in [0, 255] once one is above 4, in [0, 65535] once one is above 1020. White never falls, so that one object
    for the images of a video keeps their brightness; what is beyond it is cut, NaN is black.
    """

    def __init__(self) -> None:
        self._white = 0.0

    def to_uint8(self, values: np.ndarray) -> np.ndarray:
        """``values`` of any shape, integers or floats, as uint8 of the same shape; uint8 as it is."""
        if values.dtype == np.uint8:
            return values
        # In parts: whole, the numbers in between take several times the memory of a large image.
        parts = [slice(start, start + ROWS) for start in range(0, len(values), ROWS)]
        brightest = max((_brightest(values[part]) for part in parts), default=0.0)
        is_float = values.dtype.kind == 'f'
        largest = np.inf if is_float else float(np.iinfo(values.dtype).max)
        if is_float:
            white = next(white for limit, white in FLOAT_WHITES if brightest <= limit)
        else:
            white = next((2.0**depth - 1 for depth in DEPTHS if brightest < 2**depth), 2.0 ** DEPTHS[-1] - 1)
            white = min(white, largest)
        self._white = max(self._white, white)
        scaled = np.empty(values.shape, np.uint8)
        for part in parts:
            numbers = np.nan_to_num(values[part].astype(np.float32), copy=False, nan=0).clip(0, self._white)
            scaled[part] = numbers * np.float32(255 / self._white) + 0.5
        return scaled


def _brightest(values: np.ndarray) -> float:
    return float(values.max(initial=0, where=np.isfinite(values)))


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
    path: str | Path, white: WhiteLevel, *, max_pixels: int = MAX_PIXELS
) -> Iterator[tuple[np.ndarray, float | None]]:
    """Yield the frames of an image file: at least one, more from a stack or an animation.

    Args:
        path: The file.
        white: Scales samples of more than 8 bits; the same object for all images of a video.
        max_pixels: Largest number of pixels of a frame that is decoded.

    Yields:
        (H, W, 3) uint8, RGB, and how long an animation shows the frame, in seconds, None where the file has none.

    Raises:
        InputFileError: The file is missing, empty, not readable or not a regular file.
        InputError: It is not an image, is cut short, or is too large. Later frames may raise it, too.
    """
    path = _require_image(path)
    name = f'image {path}'
    with _reading(path):
        if _is_colour_pfm(path):
            yield _to_rgb(_read_colour_pfm(path, max_pixels), white), None
            return
        if _needs_opencv(path):
            tags = _tiff_tags(path)
            is_wide = max(tags.get(BITS, (8,))) > 32
            check_pixels(name, int(tags[WIDTH]), int(tags[HEIGHT]), max_pixels // 2 if is_wide else max_pixels)
            count = _count_by_opencv(path)
            if not count or _sample_type(tags) == 'int8':  # of which OpenCV makes zeros
                raise InputError(
                    f'{name}: is a TIFF of {_sample_type(tags)} that cannot be read; save it with 8 or 16 bits or as '
                    'PNG'
                )
            for index in range(count):
                yield _to_rgb(_read_by_opencv(path, index), white, _is_white_zero(tags)), None
            return
        with _open(path) as image:
            numbers = _frame_numbers(image)
            for index in numbers:
                with _unlimited_pillow():
                    image.seek(index)
                check_pixels(name, *image.size, max_pixels)
                if _is_deep_colour(image):
                    pixels, source = _to_rgb(_read_by_opencv(path, index), white), image
                else:
                    source = _loaded(image, path)
                    pixels = _deep_to_rgb(source, white) if _is_deep(source) else np.asarray(source.convert('RGB'))
                pixels = np.ascontiguousarray(_TURNS[_orientation(source)](pixels))
                duration = source.info.get('duration') if len(numbers) > 1 else None
                yield pixels, duration / 1000 if duration else None


def count_frames(path: str | Path) -> int:
    """Number of frames that :func:`read_frames` yields for an undamaged file, from its header; 1 where it has none."""
    try:
        with _reading(path):
            if _needs_opencv(_require_image(path)):
                return _count_by_opencv(path)
            with _open(path) as image:
                return len(_frame_numbers(image))
    except InputError:
        return 1


def is_image_file(path: str | Path) -> bool:
    """Whether a regular file is an image by its content; its name does not count."""
    path = Path(path)
    if not path.is_file():
        return False
    try:
        with _reading(path), _open(path):
            return True
    except InputError:
        return _needs_opencv(path) or _is_colour_pfm(path)


def is_image_sequence(path: str | Path) -> bool:
    """Whether whole images follow one another in a file, as in raw MJPEG and ``cat *.png``: a video without times."""
    try:
        with _reading(path), _open(Path(path)) as image:
            kind, metadata = image.format, image.info.get('xmp', b'')
    except InputError:
        return False
    if PHOTO_PARTS in metadata:
        return False
    with open(path, 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if kind in NEXT_IMAGE:
            return NEXT_IMAGE[kind].search(content) is not None
        if kind == 'BMP':
            end = int.from_bytes(content[2:6], 'little')
            return end > 0 and content[end : end + 2] == content[:2]
        if kind == 'WEBP':
            end = 8 + int.from_bytes(content[4:8], 'little')
            return image_format(content[end : end + SIGNATURE_BYTES]) == kind
        return kind == 'PPM' and PNM_HEADER.match(content, _pnm_end(content)) is not None


def _pnm_end(content: mmap.mmap) -> int:
    """Bytes of the first binary PBM, PGM or PPM; those of the file where it starts with none."""
    header = PNM_HEADER.match(content)
    if header is None:
        return len(content)
    bit_width, bit_height, kind, width, height, largest = header.groups()
    if bit_width is not None:
        return header.end() + (int(bit_width) + 7) // 8 * int(bit_height)
    samples = int(width) * int(height) * (3 if kind == b'6' else 1)
    return header.end() + samples * (1 if int(largest) < 256 else 2)


def is_animated_png(peek: Callable[[int], bytes]) -> bool:
    """Whether a PNG has frames, which its header says; ``peek`` gives so many bytes of its start."""
    size = SIGNATURE_BYTES
    while b'IDAT' not in (start := peek(size)) and len(start) == size < MAX_PNG_HEADER:
        size *= 2
    return b'acTL' in start.partition(b'IDAT')[0]


def image_format(start: bytes) -> str | None:
    """The format of an image by the first bytes of its file; None for what does not start as one."""
    for kind in _known_formats():
        accepts = Image.OPEN[kind][1]
        if kind in FORMATS and accepts is not None and accepts(start) is True:
            return kind
    return None


def check_pixels(name: str, width: int, height: int, max_pixels: int) -> None:
    """Raise :class:`InputError` where pictures are larger than ``max_pixels``; ``name`` is theirs in the message."""
    if width * height > max_pixels:
        raise InputError(
            f'{name}: {width}x{height} is more than {max_pixels} pixels; if it can be trusted, raise max_pixels '
            '(--max-pixels)'
        )


@functools.cache
def _register_formats() -> None:
    """Let Pillow read HEIC where pillow-heif is installed."""
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()


def image_suffixes() -> frozenset[str]:
    """The suffixes that files of the known formats have, in lower case, with their dots."""
    _register_formats()
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in (*FORMATS, 'JPEG'))


def _require_image(path: str | Path) -> Path:
    path = require_file(path, 'image')
    if not path.is_file():  # a device or a pipe may have no end
        raise InputFileError(f'image {path}: expected a regular file, found a device or a pipe; copy it to a file')
    return path


def _open(path: Path) -> Image.Image:
    """Read the header of an image file."""
    _register_formats()
    with _unlimited_pillow(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of damage, which shows where it matters
        return Image.open(path, formats=[name for name in FORMATS if name in _known_formats()])


@contextlib.contextmanager
def _unlimited_pillow() -> Iterator[None]:
    """While a block of any thread runs, Pillow has no limit of pixels: :func:`check_pixels` has the user's one."""
    with _pillow_limit.lock:
        _pillow_limit.blocks += 1
        if _pillow_limit.blocks == 1:
            _pillow_limit.usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        with _pillow_limit.lock:
            _pillow_limit.blocks -= 1
            if not _pillow_limit.blocks:
                Image.MAX_IMAGE_PIXELS = _pillow_limit.usual


@dataclass
class _PillowLimit:
    usual: int | None = None
    blocks: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


_pillow_limit = _PillowLimit()


@functools.cache
def _known_formats() -> frozenset[str]:
    Image.init()
    return frozenset(Image.OPEN)


@contextlib.contextmanager
def _reading(path: str | Path) -> Iterator[None]:
    """Turn what decoders raise into errors that name the file."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # decoders of damaged files raise almost anything
        if 'truncated' in str(error).lower():
            raise InputError(f'image {path}: the file is cut short; copy or download it again') from error
        raise InputError(
            f'image {path}: cannot be decoded; it is damaged or not an image, copy or download it again'
        ) from error


def _needs_opencv(path: Path) -> bool:
    """Whether a file is a TIFF of a kind that Pillow does not know, such as floats in colour."""
    with path.open('rb') as file:
        if file.read(4) not in TIFF_STARTS:
            return False
    try:
        with _open(path):
            return False
    except Image.UnidentifiedImageError:
        return True


def _is_colour_pfm(path: Path) -> bool:
    """Whether a file is a PFM in colour, which Pillow does not know."""
    with path.open('rb') as file:
        return PFM_HEADER.match(file.read(SIGNATURE_BYTES)) is not None


def _read_colour_pfm(path: Path, max_pixels: int) -> np.ndarray:
    """(H, W, 3) float32, RGB."""
    with path.open('rb') as file:
        header = PFM_HEADER.match(file.read(SIGNATURE_BYTES))
        width, height, scale = int(header[1]), int(header[2]), float(header[3])
        check_pixels(f'image {path}', width, height, max_pixels)
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
    """What the samples of a TIFF are, as NumPy calls it: 'uint16'."""
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
    with _unlimited_pillow():
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
    """Grey values that Pillow holds in a type of its own, by the type that their file has, as (H, W, 3) uint8."""
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


def _loaded(image: Image.Image, path: Path) -> Image.Image:
    """``image`` after decoding."""
    try:
        with _unlimited_pillow():
            image.load()
    except OSError:
        whole = _with_end(path) if image.format in ('JPEG', 'MPO') else None
        if whole is None:
            raise
        logger.warning('image %s: its end marker is missing; the picture is whole', path)
        return whole
    if image.format == 'PNG' and PNG_END not in path.read_bytes():
        logger.warning('image %s: its end marker is missing; the picture is whole', path)
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


def _orientation(image: Image.Image) -> int:
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
