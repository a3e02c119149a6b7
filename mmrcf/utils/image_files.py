"""Image files by their content: known formats, headers, largest number of pixels."""

import contextlib
import functools
import re
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from mmrcf.errors import InputError

FORMATS = ('AVIF', 'BMP', 'GIF', 'HEIF', 'JPEG', 'JPEG2000', 'MPO', 'PNG', 'PPM', 'TIFF', 'WEBP')
SIGNATURE_BYTES = 64
# In colour, which Pillow does not know.
_PFM_START = re.compile(rb'PF\s')


def image_format(start: bytes) -> str | None:
    """The format of an image by the first bytes of its file; None if they are not those of an image."""
    if _PFM_START.match(start):
        return 'PPM'
    for kind in _known_formats():
        accepts = Image.OPEN[kind][1]
        if kind in FORMATS and accepts is not None and accepts(start) is True:
            return kind
    return None


def image_suffixes() -> frozenset[str]:
    """The suffixes that files of the known formats have, in lower case, with their dots."""
    _register_formats()
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in (*FORMATS, 'JPEG'))


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
def decoder_errors(name: str | Path) -> Iterator[None]:
    """Turn what decoders raise into errors that name the file."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # decoders of damaged files raise almost anything
        if 'truncated' in str(error).lower():
            raise InputError(f'image {name}: the file is cut short; copy or download it again') from error
        raise InputError(
            f'image {name}: cannot be decoded; it is damaged or not an image, copy or download it again'
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
