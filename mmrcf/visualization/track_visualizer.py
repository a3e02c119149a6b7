"""Draws the objects of a frame: masks in the colour of the track ID, outlines, labels, boxes and trails."""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from mmrcf.errors import InputError
from mmrcf.structures import FrameResult

from .label_layout import Rectangle, draw_label
from .label_text import class_text
from .track_colors import track_color

MAX_TRAIL = 1000


@dataclass(frozen=True)
class TrackStyle:
    """How objects are drawn.

    Attributes:
        opacity: Of the masks, from 0 (only outlines) to 1.
        labels: Class and track ID.
        boxes: The box around each mask.
        trail: The centres of an object in so many last frames are joined by a line, up to 1000; 0: no line.
        scores: Whether labels have the score.

    Raises:
        InputError: A value is out of range.
    """

    opacity: float = 0.45
    labels: bool = True
    boxes: bool = False
    trail: int = 0
    scores: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise InputError(f'opacity {self.opacity}: expected a number from 0 to 1')
        if not 0 <= self.trail <= MAX_TRAIL:
            raise InputError(f'trail {self.trail}: expected a number of frames from 0 to {MAX_TRAIL}')


DEFAULT_STYLE = TrackStyle()


@dataclass(frozen=True)
class DrawingScale:
    """Sizes in pixels that suit a frame.

    Attributes:
        line: Thickness of an outline.
        text: Size of the font.
    """

    line: int
    text: int

    @classmethod
    def for_frame(cls, height: int, width: int) -> 'DrawingScale':
        """Sizes for a frame: they grow with its shorter side, and text stays readable on a small one."""
        side = min(height, width)
        return cls(line=max(1, round(side / 540)), text=max(12, round(side / 42)))


class TrackPainter:
    """Draws the objects of one stream, frame by frame.

    Args:
        style: What is drawn.
    """

    def __init__(self, style: TrackStyle = DEFAULT_STYLE) -> None:
        self._style = style
        self._trails: dict[int, deque[tuple[int, int] | None]] = {}

    def draw(self, image: np.ndarray, result: FrameResult, taken: list[Rectangle] | None = None) -> np.ndarray:
        """Draw the objects of the next frame over it; objects with higher scores lie on top.

        Args:
            image: (H, W, 3) uint8 RGB; not changed.
            result: Prediction for the frame, masks (n, H, W).
            taken: Rectangles that labels keep clear of; those of the labels are added.

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            ValueError: The masks are not of the size of the image.
        """
        if len(result) and result.masks.shape[1:] != image.shape[:2]:
            raise ValueError(f'masks are {result.masks.shape[1:]}, the image is {image.shape[:2]}; expected one size')
        canvas, style = image.copy(), self._style
        scale = DrawingScale.for_frame(*image.shape[:2])
        order = np.argsort(result.scores, kind='stable')
        boxes: list[Rectangle] = [tuple(int(side) for side in box) for box in result.boxes]
        colors = [track_color(int(track_id)) for track_id in result.ids]
        for index in order:
            _draw_mask(canvas, result.masks[index], boxes[index], colors[index], style.opacity, scale)
        if style.trail:
            self._add_centres(result, boxes)
            self._draw_trails(canvas, scale)
        if style.boxes:
            for index in order:
                left, top, right, bottom = boxes[index]
                cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), colors[index], scale.line)
        taken = [] if taken is None else taken
        for index in order[::-1] if style.labels else ():
            name, track_id = class_text(result.class_names[index], int(result.labels[index])), result.ids[index]
            texts = (f'{name} {track_id}  {result.scores[index]:.2f}', f'{name} {track_id}', f'{track_id}')
            texts = texts if style.scores else texts[1:]
            draw_label(canvas, texts, boxes[index], colors[index], scale.text, taken)
        return canvas

    def _add_centres(self, result: FrameResult, boxes: list[Rectangle]) -> None:
        """Continue the trails by one frame; those without a centre left are dropped."""
        for trail in self._trails.values():
            trail.append(None)
        for track_id, (left, top, right, bottom) in zip(result.ids.tolist(), boxes, strict=True):
            if right > left:
                trail = self._trails.setdefault(track_id, deque([None], maxlen=self._style.trail + 1))
                trail[-1] = ((left + right) // 2, (top + bottom) // 2)
        self._trails = {key: trail for key, trail in self._trails.items() if any(trail)}

    def _draw_trails(self, canvas: np.ndarray, scale: DrawingScale) -> None:
        """Lines become thicker towards the newest centre; frames without the object are left out."""
        for track_id, trail in self._trails.items():
            points = [point for point in trail if point is not None]
            for place, (start, end) in enumerate(zip(points, points[1:], strict=False), start=1):
                thickness = max(1, round(3 * scale.line * place / len(points)))
                cv2.line(canvas, start, end, track_color(track_id), thickness, cv2.LINE_AA)


def draw_tracks(
    image: np.ndarray, result: FrameResult, style: TrackStyle = DEFAULT_STYLE, taken: list[Rectangle] | None = None
) -> np.ndarray:
    """Draw the objects of a single frame over it, without trails; as :meth:`TrackPainter.draw`."""
    return TrackPainter(style).draw(image, result, taken)


def _draw_mask(
    canvas: np.ndarray,
    mask: np.ndarray,
    box: Rectangle,
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
    # Not antialiased, which would colour pixels beside the mask.
    cv2.drawContours(canvas, outlines, -1, color, scale.line, cv2.LINE_8, offset=(left, top))
