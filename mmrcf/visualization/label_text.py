"""Text of labels: OpenCV draws ASCII; any other script needs a font of this machine that has its letters."""

import functools
import unicodedata
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONT = cv2.FONT_HERSHEY_SIMPLEX
PIXELS = 30
"""Size of another font that looks like OpenCV's at font scale 1."""
NO_LETTERS = 'LastResort'
"""Part of the names of fonts that have a box for every letter."""


def class_text(name: str, label: int) -> str:
    """What a label says of a class: its name where that can be drawn, else that in ASCII, else its number from 1."""
    name = ''.join(letter if letter.isprintable() else ' ' for letter in name).strip()
    if name and (name.isascii() or font_file(name) is not None):
        return name
    plain = unicodedata.normalize('NFKD', name).encode('ascii', 'ignore').decode().strip()
    # Letters without a counterpart in ASCII vanish, so a short rest says nothing.
    return plain if 2 * len(plain) > len(name) else f'class {label + 1}'


def text_size(text: str, scale: float, stroke: int) -> tuple[int, int, int]:
    """Width, height above the baseline and depth below it, in pixels; arguments as :func:`draw_text`."""
    if text.isascii():
        (width, height), baseline = cv2.getTextSize(text, FONT, scale, stroke)
        return width, height, baseline
    _, top, right, bottom = _font(text, scale).getbbox(text, anchor='ls')
    return round(right), round(-top), round(max(bottom, 0))


def draw_text(
    canvas: np.ndarray, text: str, origin: tuple[int, int], scale: float, stroke: int, color: tuple[int, int, int]
) -> None:
    """Draw one line of text into an image.

    Args:
        canvas: (H, W, 3) uint8 RGB, changed in place.
        text: ASCII, or of letters that a font of this machine has, see :func:`class_text`.
        origin: Column and row of the left end of the baseline.
        scale: Font scale as OpenCV counts it.
        stroke: Thickness of the strokes of ASCII letters.
        color: RGB.
    """
    if text.isascii():
        cv2.putText(canvas, text, origin, FONT, scale, color, stroke, cv2.LINE_AA)
        return
    width, height, baseline = text_size(text, scale, stroke)
    left, top = max(origin[0], 0), max(origin[1] - height, 0)
    region = canvas[top : origin[1] + baseline + 1, left : origin[0] + width + 1]
    if region.size:
        image = Image.fromarray(np.ascontiguousarray(region))
        place = (origin[0] - left, origin[1] - top)
        ImageDraw.Draw(image).text(place, text, color, _font(text, scale), anchor='ls')
        region[:] = np.asarray(image)


def _font(text: str, scale: float) -> ImageFont.FreeTypeFont:
    letters = ''.join(sorted({letter for letter in text if not letter.isascii()}))
    return _open(str(font_file(letters)), max(round(PIXELS * scale), 6))


@functools.lru_cache(maxsize=64)
def _open(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@functools.lru_cache(maxsize=256)
def font_file(text: str) -> Path | None:
    """A font of this machine that has all letters of ``text`` that are not ASCII, and ASCII; None: there is none."""
    import matplotlib  # takes a while, and most labels are ASCII
    from matplotlib import font_manager

    letters = {ord(letter) for letter in text} | set(range(33, 127))
    own = Path(matplotlib.get_data_path()) / 'fonts/ttf/DejaVuSans.ttf'
    for path in (own, *sorted(Path(entry.fname) for entry in font_manager.fontManager.ttflist)):
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
