"""Colour changes and blur of a clip: constant over it, so that nothing flickers, or along a smooth path."""

import math

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS

from ..clips import clip_rng
from .motion import smooth_path

GREY = np.array([0.114, 0.587, 0.299])  # BGR
MIDDLE = 127.5
LEAST_LENGTH = 1.5
LEAST_SIGMA = 0.3
"""Weaker blur is not visible, in pixels."""


@TRANSFORMS.register_module()
class ClipPhotometricDistortion(BaseTransform):
    """Change brightness, contrast, saturation and hue of a clip, the same for all its frames.

    Args:
        brightness: Largest shift, in grey levels, at most 255.
        contrast: Smallest and largest factor.
        saturation: Smallest and largest factor.
        hue: Largest shift in degrees, at most 180. The default leaves hue alone, because it tells some classes apart.
        prob: Probability of each of the changes, in [0, 1].
    """

    def __init__(
        self,
        brightness: float = 32.0,
        contrast: tuple[float, float] = (0.7, 1.3),
        saturation: tuple[float, float] = (0.7, 1.3),
        hue: float = 0.0,
        prob: float = 0.5,
    ) -> None:
        for name, (low, high) in dict(contrast=contrast, saturation=saturation).items():
            if not 0 <= low <= high:
                raise InputError(f'ClipPhotometricDistortion: {name}={(low, high)}, expected 0 <= smallest <= largest')
        for name, value, largest in (('brightness', brightness, 255), ('hue', hue, 180), ('prob', prob, 1)):
            if not 0 <= value <= largest:
                raise InputError(f'ClipPhotometricDistortion: {name}={value}, expected a number from 0 to {largest}')
        self.brightness = brightness
        self.contrast = tuple(contrast)
        self.saturation = tuple(saturation)
        self.hue = hue
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Change the colours of ``img``; masks are not touched."""
        rng = clip_rng(results)
        wanted = rng.random(4) < self.prob
        shift = rng.uniform(-self.brightness, self.brightness) if wanted[0] else 0.0
        contrast = rng.uniform(*self.contrast) if wanted[1] else 1.0
        saturation = rng.uniform(*self.saturation) if wanted[2] else 1.0
        hue = rng.uniform(-self.hue, self.hue) if wanted[3] else 0.0
        levels = np.clip(np.arange(256) * contrast + shift, 0, 255).astype(np.uint8)
        results['img'] = [_distort(image, levels, saturation, hue) for image in results['img']]
        return results


def _distort(image: np.ndarray, levels: np.ndarray, saturation: float, hue: float) -> np.ndarray:
    """Apply a table of 256 levels to an image (H, W, 3), then saturation and hue in HSV."""
    image = cv2.LUT(image, levels)
    if saturation == 1.0 and hue == 0.0:
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    hues = ((np.arange(256) + hue / 2) % 180).astype(np.uint8)  # OpenCV counts two degrees a step
    saturations = np.clip(np.arange(256) * saturation, 0, 255).astype(np.uint8)
    tables = np.stack([hues, saturations, np.arange(256, dtype=np.uint8)], axis=-1)[None]
    return cv2.cvtColor(cv2.LUT(hsv, tables), cv2.COLOR_HSV2BGR)


@TRANSFORMS.register_module()
class ClipPhotometricDrift(BaseTransform):
    """Let brightness, contrast, saturation and colour temperature of a clip drift along smooth paths.

    Each frame differs a little from the one before; the changes have their middle at no change, so that this goes with
    ``ClipPhotometricDistortion``, which changes all frames alike.

    Args:
        brightness: Largest shift over the clip, in grey levels of 255.
        contrast: Largest ratio over the clip, at least 1.
        saturation: Largest ratio over the clip, at least 1.
        temperature: Largest ratio over the clip of red to blue, at least 1.
        prob: Probability, in [0, 1].
    """

    def __init__(
        self,
        brightness: float = 24.0,
        contrast: float = 1.2,
        saturation: float = 1.2,
        temperature: float = 1.15,
        prob: float = 0.5,
    ) -> None:
        if brightness < 0:
            raise InputError(f'ClipPhotometricDrift: brightness={brightness}, expected at least 0')
        for name, value in dict(contrast=contrast, saturation=saturation, temperature=temperature).items():
            if value < 1:
                raise InputError(f'ClipPhotometricDrift: {name}={value}, expected a ratio of at least 1')
        if not 0 <= prob <= 1:
            raise InputError(f'ClipPhotometricDrift: prob={prob}, expected a number from 0 to 1')
        self.reach = np.array([brightness, math.log(contrast), math.log(saturation), math.log(temperature)])
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Change the colours of ``img``; masks are not touched."""
        rng = clip_rng(results)
        if rng.random() >= self.prob:
            return results
        path = smooth_path(rng, len(results['img']), self.reach)
        results['img'] = [
            cv2.transform(image, colour_matrix(*levels)) for image, levels in zip(results['img'], path, strict=True)
        ]
        return results


def colour_matrix(brightness: float, log_contrast: float, log_saturation: float, log_temperature: float) -> np.ndarray:
    """A change of light and colour as one linear map.

    Args:
        brightness: Shift in grey levels.
        log_contrast: Logarithm of the factor about the middle grey.
        log_saturation: Logarithm of the factor about the grey of a pixel.
        log_temperature: Logarithm of the factor between red and blue; above 0 is warmer.

    Returns:
        (3, 4), from a pixel (blue, green, red, 1) to the new one.
    """
    contrast, saturation = math.exp(log_contrast), math.exp(log_saturation)
    tint = np.exp(np.array([-0.5, 0.0, 0.5]) * log_temperature)
    linear = contrast * tint[:, None] * (saturation * np.eye(3) + (1 - saturation) * GREY)
    return np.column_stack([linear, np.full(3, MIDDLE * (1 - contrast) + brightness)])


@TRANSFORMS.register_module()
class ClipBlur(BaseTransform):
    """Blur a clip with a strength that drifts along a smooth path.

    Args:
        motion: Largest length of the motion blur, as a part of the frame's shorter side; its direction is random, one
            for the clip.
        defocus: Largest standard deviation of the blur of a lens out of focus, as a part of the frame's shorter side.
        motion_prob: Probability of motion blur, in [0, 1].
        defocus_prob: Probability of defocus, in [0, 1].
    """

    def __init__(
        self, motion: float = 0.03, defocus: float = 0.006, motion_prob: float = 0.2, defocus_prob: float = 0.1
    ) -> None:
        for name, value in dict(motion=motion, defocus=defocus).items():
            if not 0 <= value <= 0.2:
                raise InputError(f'ClipBlur: {name}={value}, expected a part of the frame from 0 to 0.2')
        for name, value in dict(motion_prob=motion_prob, defocus_prob=defocus_prob).items():
            if not 0 <= value <= 1:
                raise InputError(f'ClipBlur: {name}={value}, expected a number from 0 to 1')
        self.motion = motion
        self.defocus = defocus
        self.motion_prob = motion_prob
        self.defocus_prob = defocus_prob

    def transform(self, results: dict) -> dict:
        """Blur ``img``; masks are not touched."""
        rng = clip_rng(results)
        moves, defocused = rng.random(2) < (self.motion_prob, self.defocus_prob)
        length, side = len(results['img']), min(results['img'][0].shape[:2])
        if moves:
            angle = rng.uniform(0, math.pi)
            strengths = self.motion * side * _strengths(rng, length)
            results['img'] = [_smear(*pair, angle) for pair in zip(results['img'], strengths.tolist(), strict=True)]
        if defocused:
            strengths = self.defocus * side * _strengths(rng, length)
            results['img'] = [
                cv2.GaussianBlur(image, (0, 0), sigma) if sigma >= LEAST_SIGMA else image
                for image, sigma in zip(results['img'], strengths.tolist(), strict=True)
            ]
        return results


def _strengths(rng: np.random.Generator, length: int) -> np.ndarray:
    """(T,) from 0 to 1: a level, and a drift over the clip."""
    return np.clip(rng.uniform(0, 1) + smooth_path(rng, length, np.ones(1))[:, 0], 0, 1)


def _smear(image: np.ndarray, length: float, angle: float) -> np.ndarray:
    return cv2.filter2D(image, -1, line_kernel(length, angle)) if length >= LEAST_LENGTH else image


def line_kernel(length: float, angle: float) -> np.ndarray:
    """The kernel of a motion blur.

    Args:
        length: In pixels, above 0.
        angle: Of the direction, in radians.

    Returns:
        (k, k) float32 with an odd k; not negative, sum 1, centred.
    """
    half = math.ceil(length / 2) + 1
    steps = (np.arange(8 * half) + 0.5) / (8 * half) - 0.5
    points = half + length * steps[:, None] * (math.cos(angle), math.sin(angle))
    corner = np.floor(points).astype(int)
    part = points - corner
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for right in (0, 1):
        for down in (0, 1):
            weights = np.abs(1 - right - part[:, 0]) * np.abs(1 - down - part[:, 1])
            np.add.at(kernel, (corner[:, 1] + down, corner[:, 0] + right), weights)
    return kernel / kernel.sum()
