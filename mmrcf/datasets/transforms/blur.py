"""Blur that comes and goes over a clip: a camera that moves, or is out of focus."""

import math

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS

from ..clips import clip_rng
from .motion import smooth_path

LEAST_LENGTH = 1.5
LEAST_SIGMA = 0.3
"""What is blurred less looks the same, in pixels."""


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
