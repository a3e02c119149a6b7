"""Draws the objects of a frame: masks in the colour of the track ID, outlines and labels."""

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

from mmrcf.structures import FrameResult

from .label_text import class_text, draw_text, text_size

MASK_OPACITY = 0.45
# Bright and far apart from one another, in an order in which neighbours differ most (RGB).
BASE_COLORS = (
    (255, 99, 71),
    (30, 144, 255),
    (255, 215, 0),
    (60, 200, 90),
    (238, 110, 238),
    (0, 225, 225),
    (255, 150, 30),
    (150, 110, 255),
    (190, 245, 60),
    (255, 120, 170),
    (0, 165, 150),
    (205, 150, 95),
)
GOLDEN_RATIO = 0.6180339887498949


@dataclass(frozen=True)
class DrawingScale:
    """Sizes in pixels that suit a frame.

    Attributes:
        line: Thickness of an outline.
        font: Font scale as OpenCV counts it.
        stroke: Thickness of a letter's strokes.
        margin: Space around the text of a label.
    """

    line: int
    font: float
    stroke: int
    margin: int

    @classmethod
    def for_frame(cls, height: int, width: int) -> 'DrawingScale':
        """Sizes for a frame: they grow with its shorter side and stay readable on a small one."""
        side = min(height, width)
        font = float(np.clip(side / 900, 0.34, 3.0))
        return cls(
            line=max(1, round(side / 300)), font=font, stroke=max(1, round(1.6 * font)), margin=max(2, round(5 * font))
        )


def draw_tracks(image: np.ndarray, result: FrameResult, *, opacity: float = MASK_OPACITY) -> np.ndarray:
    """Draw the objects of a frame over it; objects with higher scores lie on top.

    Args:
        image: (H, W, 3) uint8 RGB; not changed.
        result: Prediction for the frame, masks (n, H, W).
        opacity: Of the masks, from 0 (only outlines) to 1.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: The masks are not of the size of the image.
    """
    if len(result) and result.masks.shape[1:] != image.shape[:2]:
        raise ValueError(f'masks are {result.masks.shape[1:]}, the image is {image.shape[:2]}; expected one size')
    canvas = image.copy()
    scale = DrawingScale.for_frame(*image.shape[:2])
    order = np.argsort(result.scores, kind='stable')
    boxes = [tuple(int(side) for side in box) for box in result.boxes]
    for index in order:
        _draw_mask(canvas, result.masks[index], boxes[index], track_color(int(result.ids[index])), opacity, scale)
    taken: list[tuple[int, int, int, int]] = []
    for index in order[::-1]:
        name = class_text(result.class_names[index], int(result.labels[index]))
        text = f'{name} {result.ids[index]} {result.scores[index]:.2f}'
        taken.append(draw_label(canvas, text, boxes[index], track_color(int(result.ids[index])), scale, taken))
    return canvas


def track_color(track_id: int) -> tuple[int, int, int]:
    """Colour (RGB, 0 to 255) of a track ID: the same in every frame, video and run."""
    if 0 <= track_id < len(BASE_COLORS):
        return BASE_COLORS[track_id]
    hue = (track_id * GOLDEN_RATIO) % 1.0
    lightness = (0.6, 0.72, 0.5)[track_id % 3]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.85)
    return round(255 * red), round(255 * green), round(255 * blue)


def text_color(background: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, the one with more contrast on ``background`` (RGB)."""
    red, green, blue = background
    return (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 130 else (255, 255, 255)


def _draw_mask(
    canvas: np.ndarray,
    mask: np.ndarray,
    box: tuple[int, int, int, int],
    color: tuple[int, int, int],
    opacity: float,
    scale: DrawingScale,
) -> None:
    """Tint a mask and draw its outline; only the pixels in ``box`` (x1, y1, x2, y2) are looked at."""
    left, top, right, bottom = box
    if right <= left or bottom <= top:
        return
    region = canvas[top:bottom, left:right]
    inside = np.ascontiguousarray(mask[top:bottom, left:right]).view(np.uint8)
    tinted = cv2.addWeighted(region, 1 - opacity, np.full_like(region, color), opacity, 0)
    cv2.copyTo(tinted, inside, region)
    outlines, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, outlines, -1, color, scale.line, cv2.LINE_AA, offset=(left, top))


def draw_label(
    canvas: np.ndarray,
    text: str,
    box: tuple[int, int, int, int],
    color: tuple[int, int, int],
    scale: DrawingScale,
    taken: list[tuple[int, int, int, int]],
) -> tuple[int, int, int, int]:
    """Draw a label above its box, or as near as there is room. Returns the rectangle it takes."""
    text_width, text_height, baseline = text_size(text, scale.font, scale.stroke)
    width, height = text_width + 2 * scale.margin, text_height + baseline + scale.margin
    left = min(max(box[0], 0), max(canvas.shape[1] - width, 0))
    lowest = max(canvas.shape[0] - height, 0)
    top = min(max(box[1] - height, 0), lowest)
    for candidate in range(top, lowest + 1, max(1, height // 2)):
        if not any(_overlap((left, candidate, left + width, candidate + height), other) for other in taken):
            top = candidate
            break
    cv2.rectangle(canvas, (left, top), (left + width - 1, top + height - 1), color, cv2.FILLED)
    origin = (left + scale.margin, top + height - baseline - (scale.margin + 1) // 2)
    draw_text(canvas, text, origin, scale.font, scale.stroke, text_color(color))
    return left, top, left + width, top + height


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
