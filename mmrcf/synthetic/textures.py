"""Textures: backgrounds (smooth, with soft distractor patches) and the skins of objects (finer, of any colour)."""

import cv2
import numpy as np

SKIN_SIZE = 64


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cell: float, channels: int) -> np.ndarray:
    """Noise in [-1, 1] whose features are about ``cell`` pixels wide: float32 [height, width, channels]."""
    height, width = shape
    grid = rng.uniform(-1, 1, (max(2, round(height / cell) + 1), max(2, round(width / cell) + 1), channels))
    image = cv2.resize(grid.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return image.reshape(height, width, channels)


def _pattern(rng: np.random.Generator, shape: tuple[int, int], period: float) -> np.ndarray:
    """Stripes, checks, dots or speckle in [0, 1] at any angle: float32 [height, width]."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    u = (x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period)
    v = (y * np.cos(angle) - x * np.sin(angle)) * (2 * np.pi / period)
    kind = rng.integers(4)
    if kind == 0:
        wave = np.sin(u)
    elif kind == 1:
        wave = np.sin(u) * np.sin(v) * 2
    elif kind == 2:
        wave = np.cos(u) + np.cos(v) - 0.6
    else:
        wave = 2 * _smooth_noise(rng, shape, period / 2, 1)[..., 0]
    return (0.5 + 0.5 * np.clip(2 * wave, -1, 1)).astype(np.float32)


def background_colour(rng: np.random.Generator) -> np.ndarray:
    """The mean colour of a background: float64 [3], BGR in 0..255."""
    return rng.uniform(50, 190, 3)


def background(rng: np.random.Generator, shape: tuple[int, int], colour: np.ndarray, unit: float) -> np.ndarray:
    """A canvas to move a camera over.

    Args:
        rng: Source of randomness.
        shape: (height, width) of the canvas.
        colour: Mean colour, BGR.
        unit: Pixels a unit of length, 1 at frames 160 pixels high.

    Returns:
        uint8 [height, width, 3], BGR.
    """
    channels = [np.full(shape, value, np.float32) for value in colour]
    for cell, strength in ((90, 22), (36, 12), (14, 6)):
        grey, *tints = cv2.split(_smooth_noise(rng, shape, cell * unit, 4))
        for channel, tint in zip(channels, tints, strict=True):
            channel += np.float32(strength) * (grey + np.float32(0.6) * tint)
    canvas = cv2.merge(channels)
    for _ in range(rng.integers(3, 7)):
        _add_distractor(rng, canvas, unit)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _add_distractor(rng: np.random.Generator, canvas: np.ndarray, unit: float) -> None:
    """Lay a patch of an object-like pattern on the canvas, faint and without an edge; in place."""
    height, width = canvas.shape[:2]
    sigma = rng.uniform(14, 34) * unit
    side = int(6 * sigma) + 1
    weights = np.exp(-0.5 * ((np.arange(side) - side / 2) / sigma) ** 2)
    pattern = _pattern(rng, (side, side), rng.uniform(9, 16) * unit) - 0.5
    patch = (weights[:, None] * weights * pattern).astype(np.float32)
    top, left = int(rng.uniform(0, height) - side / 2), int(rng.uniform(0, width) - side / 2)
    rows = slice(max(top, 0), min(top + side, height))
    columns = slice(max(left, 0), min(left + side, width))
    inner = patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    canvas[rows, columns] += inner[..., None] * rng.uniform(-55, 55, 3).astype(np.float32)


def distinct_colour(rng: np.random.Generator, others: list[np.ndarray], brightest: float) -> np.ndarray:
    """A colour far from every one of ``others``: one of the best of a few random ones. float64 [3], BGR."""
    candidates = rng.uniform(20, brightest, (12, 3))
    distances = np.stack([np.linalg.norm(candidates - other, axis=1) for other in others]).min(axis=0)
    return candidates[rng.choice(np.argsort(distances)[-4:])]


def skin(rng: np.random.Generator, colour: np.ndarray, radius: float) -> np.ndarray:
    """The texture of an object of about ``radius`` pixels: float32 [SKIN_SIZE, SKIN_SIZE, 3], BGR.

    It spans two equal-area radii to each side of the centre.
    """
    pixels_a_texel = 4 * radius / SKIN_SIZE
    pattern = _pattern(rng, (SKIN_SIZE, SKIN_SIZE), rng.uniform(5, 12) / pixels_a_texel)
    second = np.clip(colour + rng.uniform(-95, 95, 3), 0, 255)
    shade = 14 * _smooth_noise(rng, (SKIN_SIZE, SKIN_SIZE), 24, 1)
    mix = pattern[..., None]
    return np.clip(colour * (1 - 0.7 * mix) + second * 0.7 * mix + shade, 0, 255).astype(np.float32)
