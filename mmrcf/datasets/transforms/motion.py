"""Motion for clips that have none: copies of one image, seen by a camera that moves smoothly."""

import math

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.mask import BitmapMasks

from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS

from ..clips import clip_rng


def smooth_path(rng: np.random.Generator, length: int, reach: np.ndarray) -> np.ndarray:
    """A smooth random path through some parameters: a velocity and an acceleration.

    Args:
        rng: Source of randomness.
        length: T, number of points.
        reach: (p,) largest distance between two points of the path, per parameter.

    Returns:
        (T, p), centred: the smallest and the largest value of a parameter differ in sign only.
    """
    times = np.linspace(0, 1, length)[:, None]
    path = times * rng.uniform(-1, 1, len(reach)) + times**2 * rng.uniform(-1, 1, len(reach))
    path *= reach / np.maximum(np.ptp(path, axis=0), 1.0)
    return path - (path.min(axis=0) + path.max(axis=0)) / 2


def motion_matrices(
    path: np.ndarray, height: int, width: int, corner_shifts: np.ndarray | None = None
) -> list[np.ndarray]:
    """The maps of a path over an image, all enlarged by one factor so that every frame lies within the image.

    Args:
        path: (T, 4) shift in x and y as parts of width and height, rotation in degrees, logarithm of the scale.
        height: Of the image, and of the frames.
        width: Of the image, and of the frames.
        corner_shifts: (T, 4, 2) where the corners of a frame, clockwise from the upper left, look beside where they
            would without perspective, in x and y as parts of width and height. None for no perspective.

    Returns:
        T arrays from image to frame coordinates: (2, 3) affine, or (3, 3) with perspective.
    """
    half = np.array([(width - 1) / 2, (height - 1) / 2])
    corners = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    looks = [corners] * len(path) if corner_shifts is None else corners + corner_shifts * (width, height)
    turns, shifts, zoom = [], [], 1.0
    for (shift_x, shift_y, degrees, log_scale), look in zip(path.tolist(), looks, strict=True):
        turn = cv2.getRotationMatrix2D((0, 0), degrees, math.exp(log_scale))[:, :2]
        shift = np.array([shift_x * width, shift_y * height])
        seen = (look - shift) @ np.linalg.inv(turn).T  # the frame's corners in the image, from its centre
        zoom = max(zoom, float((np.abs(seen) / np.maximum(half, 0.5)).max()))
        turns.append(turn)
        shifts.append(shift)
    affine = [
        np.column_stack([zoom * turn, half + shift - zoom * turn @ half])
        for turn, shift in zip(turns, shifts, strict=True)
    ]
    if corner_shifts is None:
        return affine
    straight = np.float32(half + corners)
    return [
        cv2.getPerspectiveTransform(np.float32(half + look), straight) @ np.vstack([matrix, [0, 0, 1]])
        for matrix, look in zip(affine, looks, strict=True)
    ]


def _warp(image: np.ndarray, matrix: np.ndarray, flags: int, border: int) -> np.ndarray:
    """Move an image by an affine (2, 3) or a projective (3, 3) map; the size stays."""
    warp = cv2.warpAffine if len(matrix) == 2 else cv2.warpPerspective
    return warp(image, matrix, image.shape[1::-1], flags=flags, borderMode=border)


def _warp_masks(masks: BitmapMasks, matrix: np.ndarray) -> BitmapMasks:
    moved = np.zeros_like(masks.masks)
    for source, target in zip(masks.masks, moved, strict=True):
        target[:] = _warp(source, matrix, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    return BitmapMasks(moved, masks.height, masks.width)


def shows_one_image(results: dict) -> bool:
    """Whether all frames of a clip come from one image file: a still image, not a video."""
    return len(set(results['img_path'])) == 1


@TRANSFORMS.register_module()
class ClipMotion(BaseTransform):
    """Move the frames of a clip along a smooth path; for clips whose frames are copies of one image.

    The image is enlarged so far that no frame shows anything beyond its border. Objects that leave are dropped when the
    clip is packed.

    Args:
        translate: Largest movement over the clip, as a part of width and height.
        rotate: Largest rotation over the clip, in degrees.
        scale: Largest ratio of sizes over the clip, at least 1.
        perspective: Largest movement of a frame's corners against one another over the clip, as a part of width and
            height, from 0 (none) to 0.4.
        stills_only: Leave a clip of a video as it is: for a pipeline that videos and images share.
    """

    def __init__(
        self,
        translate: float = 0.15,
        rotate: float = 10.0,
        scale: float = 1.2,
        perspective: float = 0.0,
        stills_only: bool = False,
    ) -> None:
        if translate < 0 or rotate < 0 or scale < 1:
            raise InputError(
                f'ClipMotion: translate={translate}, rotate={rotate} (at least 0), scale={scale} (at least 1); '
                'correct the config'
            )
        if not 0 <= perspective <= 0.4:
            raise InputError(f'ClipMotion: perspective={perspective}, expected a part of the frame from 0 to 0.4')
        self.reach = np.array([translate, translate, rotate, math.log(scale)])
        self.perspective = perspective
        self.stills_only = stills_only

    def transform(self, results: dict) -> dict:
        """Move ``img`` (bilinear) and ``gt_masks`` (nearest) with one matrix a frame; sizes stay."""
        if self.stills_only and not shows_one_image(results):
            return results
        images, rng = results['img'], clip_rng(results)
        height, width = images[0].shape[:2]
        path, corner_shifts = smooth_path(rng, len(images), self.reach), None
        if self.perspective > 0:  # without, nothing more is drawn: clips stay what they were under a seed
            corner_shifts = smooth_path(rng, len(images), np.full(8, self.perspective)).reshape(-1, 4, 2)
        matrices = motion_matrices(path, height, width, corner_shifts)
        results['img'] = [
            _warp(image, matrix, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
            for image, matrix in zip(images, matrices, strict=True)
        ]
        if 'gt_masks' in results:
            pairs = zip(results['gt_masks'], matrices, strict=True)
            results['gt_masks'] = [_warp_masks(masks, matrix) for masks, matrix in pairs]
        return results
