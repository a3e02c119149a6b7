"""Light and colour that change slowly over a clip, as when a camera adapts or a cloud passes."""

import math

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS

from .clip_random import clip_rng
from .motion import smooth_path

GREY = np.array([0.114, 0.587, 0.299])  # BGR
MIDDLE = 127.5


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
