"""The outlines of the objects: closed polygons of equal area, and their exact coverage of a patch of pixels."""

import functools

import cv2
import numpy as np

SUPERSAMPLING = 4
_SUBPIXEL_BITS = 4


def _turns(count: int, start: float = 0.0, stop: float = 1.0) -> np.ndarray:
    return 2 * np.pi * np.linspace(start, stop, count)


def _circle(radius: float, count: int = 64) -> np.ndarray:
    angles = _turns(count + 1)[:-1]
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _star(points: int = 5, inner: float = 0.46) -> np.ndarray:
    angles = _turns(2 * points + 1)[:-1]
    radii = np.where(np.arange(2 * points) % 2 == 0, 1.0, inner)
    return radii[:, None] * np.stack([np.sin(angles), -np.cos(angles)], axis=1)


def _cross(arm: float = 0.34) -> np.ndarray:
    quarter = np.array([[arm, 1.0], [arm, arm], [1.0, arm]])
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    corners = [quarter[::-1] @ np.linalg.matrix_power(turn, k).T for k in range(4)]
    return np.concatenate(corners)


def _crescent(shift: float = 0.55, bite: float = 0.8) -> np.ndarray:
    # The unit disc without a disc of radius `bite` whose centre lies `shift` to the right; they meet at x = meet.
    meet = (1 + shift**2 - bite**2) / (2 * shift)
    outer = np.arccos(meet)
    inner = np.arccos((meet - shift) / bite)
    back = np.linspace(outer, 2 * np.pi - outer, 48)
    front = np.linspace(2 * np.pi - inner, inner, 32)[1:-1]
    return np.concatenate([
        np.stack([np.cos(back), np.sin(back)], axis=1),
        np.stack([shift + bite * np.cos(front), bite * np.sin(front)], axis=1),
    ])  # fmt: skip


def _heart() -> np.ndarray:
    t = _turns(65)[:-1]
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x, -y], axis=1)


def _raw_outline(name: str) -> list[np.ndarray]:
    corners = 0.125 + np.arange(4) / 4
    return {
        'disc': lambda: [_circle(1.0)],
        'square': lambda: [np.stack([np.cos(2 * np.pi * corners), np.sin(2 * np.pi * corners)], axis=1)],
        'triangle': lambda: [np.stack([np.sin(_turns(4)[:-1]), -np.cos(_turns(4)[:-1])], axis=1)],
        'star': lambda: [_star()],
        'cross': lambda: [_cross()],
        'ring': lambda: [_circle(1.0), _circle(0.55, 40)],
        'crescent': lambda: [_crescent()],
        'heart': lambda: [_heart()],
    }[name]()


def _area(polygon: np.ndarray) -> float:
    x, y = polygon.T
    return abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))) / 2


@functools.cache
def unit_outline(name: str) -> tuple[np.ndarray, ...]:
    """The outline of a shape with the area of the unit disc, its box centred on the origin.

    Returns:
        Polygons float64 [p, 2] as (x, y), y down; with two, the second is a hole.
    """
    polygons = _raw_outline(name)
    area = _area(polygons[0]) - sum(_area(hole) for hole in polygons[1:])
    centre = (polygons[0].min(axis=0) + polygons[0].max(axis=0)) / 2
    scale = np.sqrt(np.pi / area)
    return tuple((polygon - centre) * scale for polygon in polygons)


@functools.cache
def reach(name: str) -> float:
    """Distance of the outline's farthest point from its centre, in equal-area radii."""
    return float(max(np.linalg.norm(polygon, axis=1).max() for polygon in unit_outline(name)))


def coverage(name: str, centre: np.ndarray, radius: float, angle: float, shape: tuple[int, int]) -> np.ndarray:
    """The share of every pixel of a patch that the shape covers.

    Args:
        name: The outline.
        centre: (x, y) in the patch, in pixels; (0, 0) is the centre of the first pixel.
        radius: Equal-area radius in pixels.
        angle: Turn in radians, clockwise on the screen.
        shape: (height, width) of the patch.

    Returns:
        uint8 [height, width], 255 where a pixel is covered wholly.
    """
    height, width = shape
    canvas = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint8)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = radius * np.array([[cos, sin], [-sin, cos]])
    polygons = [
        np.round((((outline @ turn + centre) + 0.5) * SUPERSAMPLING - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32)
        for outline in unit_outline(name)
    ]
    cv2.fillPoly(canvas, polygons, 255, shift=_SUBPIXEL_BITS)
    return cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
