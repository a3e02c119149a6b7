"""Pictures with a title, side by side or one below the other: the layout of figures that are drawn frame by frame."""

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX
WIDTH, HEIGHT = 640, 360
"""Largest size of a panel in pixels."""
TITLE_HEIGHT = 30
GAP = 6
_TITLE_FONT = 0.75
_MARGIN = 8


def fit(image: np.ndarray, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """``image`` (H, W, 3) uint8 as large as fits into ``width`` and ``height``; its proportions stay."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (max(1, round(scale * image.shape[1])), max(1, round(scale * image.shape[0])))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def panel(image: np.ndarray, title: str) -> np.ndarray:
    """``image`` (H, W, 3) uint8 under a black bar of 30 pixels with a title; a long one is written smaller."""
    bar = np.zeros((TITLE_HEIGHT, image.shape[1], 3), np.uint8)
    (width, _), _ = cv2.getTextSize(title, FONT, _TITLE_FONT, 2)
    font = _TITLE_FONT * min(1.0, (image.shape[1] - 2 * _MARGIN) / max(width, 1))
    if font > 0.2:
        origin = (_MARGIN, TITLE_HEIGHT // 2 + round(11 * font))
        cv2.putText(bar, title, origin, FONT, font, (255, 255, 255), 2 if font > 0.5 else 1, cv2.LINE_AA)
    return np.vstack((bar, image))


def side_by_side(*pictures: np.ndarray) -> np.ndarray:
    """Pictures (h, w, 3) uint8 of any size in a row on black."""
    height = max(picture.shape[0] for picture in pictures)
    padded = [
        np.pad(picture, ((0, height - picture.shape[0]), (0, GAP * (index < len(pictures))), (0, 0)))
        for index, picture in enumerate(pictures, start=1)
    ]
    return np.hstack(padded)


def stacked(*pictures: np.ndarray) -> np.ndarray:
    """Pictures (h, w, 3) uint8 of any size one below the other on black."""
    width = max(picture.shape[1] for picture in pictures)
    padded = [
        np.pad(picture, ((0, GAP * (index < len(pictures))), (0, width - picture.shape[1]), (0, 0)))
        for index, picture in enumerate(pictures, start=1)
    ]
    return np.vstack(padded)


def heat_map(values: np.ndarray, size: tuple[int, int], least_span: float = 0.0) -> np.ndarray:
    """Values (h, w) as colours, dark where they are lowest and bright where they are highest.

    Args:
        values: Finite; equal values are dark.
        size: Height and width of the picture.
        least_span: Difference of the values for dark and bright, at least: values that hardly differ have colours that
            hardly differ.

    Returns:
        (*size, 3) uint8 RGB.
    """
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) / max(high - low, least_span) if high > low else np.zeros_like(values)
    levels = cv2.resize(scaled.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    colors = cv2.applyColorMap(np.rint(255 * levels.clip(0, 1)).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return cv2.cvtColor(colors, cv2.COLOR_BGR2RGB)
