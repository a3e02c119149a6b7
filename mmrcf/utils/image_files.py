"""Image files by their content: known formats, headers, several images in one file, largest number of pixels."""

import contextlib
import functools
import mmap
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from mmrcf.errors import InputError

FORMATS = ('AVIF', 'BMP', 'GIF', 'HEIF', 'JPEG', 'JPEG2000', 'MPO', 'PNG', 'PPM', 'TIFF', 'WEBP')
SIGNATURE_BYTES = 64
# The end of a picture with the start of the next one, where images follow one another in a file. Cameras pad JPEGs.
NEXT_IMAGE = {
    'JPEG': re.compile(rb'\xff\xd9\0*\xff\xd8\xff'),
    'PNG': re.compile(rb'IEND\xaeB`\x82\x89PNG\r\n'),
}
# Width, height and, but of bitmaps, the largest value in the header of a binary PBM, PGM or PPM, with comments.
_SPACE = rb'(?:\s|#[^\n]*\n)+'
PNM_HEADER = re.compile(rb'(?:P4%b(\d+)%b(\d+)|P([56])%b(\d+)%b(\d+)%b(\d+))\s' % ((_SPACE,) * 5))
# Colour profiles and comments may lie before the mark of an animation.
MAX_PNG_HEADER = 2**22
# Of a phone's photo, whose further JPEGs are depth maps and the like.
PHOTO_PARTS = b'ns.google.com/photos/1.0/container'


def image_format(start: bytes) -> str | None:
    """The format of an image by the first bytes of its file; None if they are not those of an image."""
    for kind in _known_formats():
        accepts = Image.OPEN[kind][1]
        if kind in FORMATS and accepts is not None and accepts(start) is True:
            return kind
    return None


def image_suffixes() -> frozenset[str]:
    """The suffixes that files of the known formats have, in lower case, with their dots."""
    _register_formats()
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in (*FORMATS, 'JPEG'))


def is_image_sequence(path: str | Path) -> bool:
    """Whether whole images follow one another in a file, as in raw MJPEG and ``cat *.png``: a video without times."""
    try:
        with decoder_errors(path), open_image(Path(path)) as image:
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


def check_pixels(name: str, width: int, height: int, max_pixels: int) -> None:
    """Raise :class:`InputError` if a picture is larger than ``max_pixels``; the message calls it ``name``."""
    if width * height > max_pixels:
        raise InputError(
            f'{name}: {width}x{height} is more than {max_pixels} pixels; if it can be trusted, raise max_pixels '
            '(--max-pixels)'
        )


def open_image(path: Path) -> Image.Image:
    """Read the header of an image file."""
    _register_formats()
    with unlimited_pillow(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of damage, which shows where it matters
        return Image.open(path, formats=[name for name in FORMATS if name in _known_formats()])


@contextlib.contextmanager
def unlimited_pillow() -> Iterator[None]:
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


@contextlib.contextmanager
def decoder_errors(path: str | Path) -> Iterator[None]:
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


@functools.cache
def _register_formats() -> None:
    """Let Pillow read HEIC where pillow-heif is installed."""
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()


@functools.cache
def _known_formats() -> frozenset[str]:
    Image.init()
    return frozenset(Image.OPEN)
