"""Text of labels, in the font that matplotlib brings; scripts that it lacks need a font of this machine."""

import functools
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PIXELS = 30
"""A size to try a font with."""
NO_LETTERS = 'LastResort'
"""Part of the names of fonts that have a box for every letter."""


def drawable_text(name: str) -> str:
    """A name where it can be drawn, else what ASCII has of it where that is most of it, else nothing."""
    name = ''.join(letter if letter.isprintable() else ' ' for letter in name).strip()
    if name and font_file(name) is not None:
        return name
    plain = unicodedata.normalize('NFKD', name).encode('ascii', 'ignore').decode().strip()
    # Letters without a counterpart in ASCII vanish, so a short rest says nothing.
    return plain if 2 * len(plain) > len(name) else ''


def class_text(name: str, label: int) -> str:
    """The text of a class in a label: :func:`drawable_text` of its name, else its number from 1."""
    return drawable_text(name) or f'class {label + 1}'


def text_size(text: str, size: int) -> tuple[int, int, int]:
    """Width, height above the baseline and depth below it, in pixels; arguments as :func:`draw_text`.

    Height and depth are those of the font: lines of text are equally high whatever their letters.
    """
    font = _font(text, size)
    ascent, descent = font.getmetrics()
    return round(font.getlength(text)), ascent, descent


def draw_text(canvas: np.ndarray, text: str, origin: tuple[int, int], size: int, color: tuple[int, int, int]) -> None:
    """Draw one line of text into an image.

    Args:
        canvas: (H, W, 3) uint8 RGB, changed in place.
        text: Of letters that a font of this machine has, see :func:`class_text`.
        origin: Column and row of the left end of the baseline.
        size: Of the font, in pixels.
        color: RGB.
    """
    width, height, baseline = text_size(text, size)
    left, top = max(origin[0], 0), max(origin[1] - height, 0)
    region = canvas[top : origin[1] + baseline + 1, left : origin[0] + width + 1]
    if region.size:
        image = Image.fromarray(np.ascontiguousarray(region))
        place = (origin[0] - left, origin[1] - top)
        ImageDraw.Draw(image).text(place, text, color, _font(text, size), anchor='ls')
        region[:] = np.asarray(image)


def _font(text: str, size: int) -> ImageFont.FreeTypeFont:
    letters = ''.join(sorted({letter for letter in text if not letter.isascii()}))
    return _open(str(font_file(letters)), size)


@functools.lru_cache(maxsize=64)
def _open(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@functools.lru_cache(maxsize=256)
def font_file(text: str) -> Path | None:
    """A font of this machine that has all letters of ``text`` that are not ASCII, and ASCII; None: there is none."""
    import matplotlib  # takes a while
    from matplotlib import font_manager

    letters = {ord(letter) for letter in text} | set(range(33, 127))
    own = Path(matplotlib.get_data_path()) / 'fonts/ttf/DejaVuSans.ttf'
    bold = own.with_name('DejaVuSans-Bold.ttf')  # easier to read where letters are small
    for path in (bold, own, *sorted(Path(entry.fname) for entry in font_manager.fontManager.ttflist)):
        if NO_LETTERS not in path.name and letters <= _letters_of(path):
            return path
    return None


@functools.lru_cache(maxsize=1024)
def _letters_of(path: Path) -> frozenset[int]:
    """The code points that a font has; none where Pillow cannot draw with it."""
    from matplotlib.ft2font import FT2Font

    try:
        ImageFont.truetype(str(path), PIXELS)
        return frozenset(FT2Font(str(path)).get_charmap())
    except (OSError, RuntimeError):  # of fixed sizes, or damaged
        return frozenset()
