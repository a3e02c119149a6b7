"""Shapes of annotation tools as compressed RLE. Coordinates are pixels; (0, 0) is the corner of the first pixel."""

import math
from collections.abc import Sequence

import numpy as np

from mmrcf.datasets.annotations.segmentation import SegmentationError, segmentation_to_rle
from mmrcf.errors import InputError

from .writer import RLE, encode

Points = Sequence[tuple[float, float]]
ELLIPSE_CORNERS = 64


def polygon_rle(points: Points, size: tuple[int, int], where: str) -> RLE | None:
    """Mask of a polygon of three or more points; None if it covers no pixel of the image.

    Raises:
        InputError: It has fewer points, or one far outside the image; ``where`` names the shape.
    """
    try:
        return segmentation_to_rle([[float(value) for point in points for value in point]], *size)
    except SegmentationError as error:
        raise InputError(f'{where}: {error}; correct the shape') from error


def box_points(left: float, top: float, right: float, bottom: float, degrees: float = 0.0) -> Points:
    """Corners of a box that is turned clockwise around its centre."""
    return _turned([(left, top), (right, top), (right, bottom), (left, bottom)], degrees)


def ellipse_points(x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0.0) -> Points:
    """Polygon of 64 corners in place of an ellipse that is turned clockwise around its centre."""
    angles = [2 * math.pi * index / ELLIPSE_CORNERS for index in range(ELLIPSE_CORNERS)]
    return _turned([(x + radius_x * math.cos(angle), y + radius_y * math.sin(angle)) for angle in angles], degrees)


def _turned(points: Points, degrees: float) -> Points:
    if not degrees:
        return points
    corners = np.array(points)
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    centre = corners.mean(axis=0)
    # y points down, so this turns clockwise as seen.
    return ((corners - centre) @ np.array([[cosine, sine], [-sine, cosine]]) + centre).tolist()


def check_inside(left: int, top: int, width: int, height: int, size: tuple[int, int], where: str) -> None:
    """Raise :class:`InputError` if a part is empty or goes beyond the image, of ``size`` (height, width)."""
    if min(width, height) < 1 or min(left, top) < 0 or left + width > size[1] or top + height > size[0]:
        raise InputError(
            f'{where}: mask of {width} x {height} pixels at ({left}, {top}) is empty or goes beyond the image of '
            f'{size[1]} x {size[0]}; correct the shape'
        )


def pasted_rle(mask: np.ndarray, left: int, top: int, size: tuple[int, int], where: str) -> RLE | None:
    """Mask of an image from the mask of a part of it.

    Args:
        mask: (h, w), non-zero where the object is.
        left: First column.
        top: First row.
        size: Height and width of the image.
        where: Names the shape.

    Raises:
        InputError: The part goes beyond the image.
    """
    height, width = mask.shape
    check_inside(left, top, width, height, size, where)
    whole = np.zeros(size, np.uint8)
    whole[top : top + height, left : left + width] = mask != 0
    return encode(whole)
