"""How objects and the camera move: smooth curves through random knots, a knot a second."""

import numpy as np
from scipy.interpolate import CubicSpline

FRAMES_A_KNOT = 6


def num_knots(num_frames: int) -> int:
    """Number of knots of a curve over ``num_frames`` frames."""
    return max(2, -(-(num_frames - 1) // FRAMES_A_KNOT) + 1)


def curve(knots: np.ndarray, num_frames: int) -> np.ndarray:
    """A smooth curve through knots [k, ...] at equal distances: values at every frame, float64 [num_frames, ...]."""
    times = np.arange(len(knots)) * FRAMES_A_KNOT
    return CubicSpline(times, knots, axis=0, bc_type='natural')(np.arange(num_frames))


def walk(rng: np.random.Generator, num_frames: int, size: tuple[int, int], radius: float, unit: float) -> np.ndarray:
    """The path of an object: mostly inside the frame, sometimes out over a border and back.

    Args:
        rng: Source of randomness.
        num_frames: Length of the path.
        size: (height, width) of the frame.
        radius: Equal-area radius of the object in pixels.
        unit: Pixels a unit of length, 1 at frames 160 pixels high.

    Returns:
        Centres (x, y), float64 [num_frames, 2]; up to about 10 units a frame as a rule.
    """
    height, width = size
    margin = min(0.7 * radius, 0.3 * min(size))
    low = np.array([margin, margin])
    high = np.array([width - 1 - margin, height - 1 - margin])
    knots = [rng.uniform(low, high)]
    if rng.random() < 0.1:
        knots[0] = _beyond_nearest_border(knots[0], size, radius)
    for _ in range(num_knots(num_frames) - 1):
        here = knots[-1]
        inside = bool(np.all((here >= low) & (here <= high)))
        outside = _beyond_nearest_border(here, size, radius)
        if inside and rng.random() < 0.16 and np.linalg.norm(outside - here) < 66 * unit:
            knots.append(outside)
            continue
        angle = rng.uniform(0, 2 * np.pi)
        step = rng.uniform(6, 38) * unit * np.array([np.cos(angle), np.sin(angle)])
        # A step that ends outside is turned back: a clipped one would pile objects up along the border.
        target = np.where((here + step < low) | (here + step > high), here - step, here + step)
        knots.append(np.clip(target, low, high))
    return curve(np.array(knots), num_frames)


def _beyond_nearest_border(point: np.ndarray, size: tuple[int, int], radius: float) -> np.ndarray:
    """The point straight over the nearest border where the object has left the frame."""
    height, width = size
    x, y = point
    distance = 1.9 * radius
    candidates = np.array([[-distance, y], [width + distance, y], [x, -distance], [x, height + distance]])
    return candidates[np.argmin(np.linalg.norm(candidates - point, axis=1))]


def camera(rng: np.random.Generator, num_frames: int, size: tuple[int, int], canvas: tuple[int, int]) -> np.ndarray:
    """The camera's way over the background: frame coordinates -> canvas coordinates, float64 [num_frames, 2, 3]."""
    count = num_knots(num_frames)
    middle = np.array([canvas[1], canvas[0]]) / 2
    slack = 0.12 * np.array([size[1], size[0]])
    centres = middle + curve(rng.uniform(-slack, slack, (count, 2)), num_frames)
    angles = curve(rng.uniform(-0.08, 0.08, count), num_frames)
    zooms = np.exp(curve(rng.uniform(-0.06, 0.06, count), num_frames))
    cos, sin = zooms * np.cos(angles), zooms * np.sin(angles)
    linear = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], axis=1)
    shift = centres - linear @ (np.array([size[1], size[0]]) / 2)
    return np.concatenate([linear, shift[..., None]], axis=2)
