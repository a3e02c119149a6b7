"""Colour changes of a clip: one draw for all frames, so that they do not flicker."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS

from .clip_random import clip_rng


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
