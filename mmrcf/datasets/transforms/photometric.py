"""Colour changes of a clip: constant over it, so that they do not flicker, or slow, as of a camera that adapts."""

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


@TRANSFORMS.register_module()
class ClipPhotometricDistortion(BaseTransform):
    """Change brightness, contrast, saturation and hue of a clip, the same for all its frames.

    Args:
        brightness: Largest shift, in grey levels of 255.
        contrast: Smallest and largest factor.
        saturation: Smallest and largest factor.
        hue: Largest shift in degrees. The default leaves hue alone, because it tells some classes apart.
        prob: Probability of each of the changes.
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
