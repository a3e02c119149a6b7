"""Resize, flip and crop a clip: one draw for all frames, images and masks alike."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.mask import BitmapMasks

from mmrcf.defaults import MAX_PIXELS
from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS

from ..clips import clip_rng


def _check_scale(scale: tuple[int, int]) -> tuple[int, int]:
    sides = scale if isinstance(scale, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and 0 < side < 2**31 for side in sides):
        raise InputError(f'scale={str(scale)[:100]}: expected (width, height) in pixels')
    return tuple(scale)


def _target_size(shape: tuple[int, int], scale: tuple[int, int], keep_ratio: bool) -> tuple[int, int]:
    """Height and width that an image of ``shape`` (height, width) gets; see :class:`ClipResize`."""
    if not keep_ratio:
        return scale[1], scale[0]
    height, width = shape
    factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    return max(1, int(height * factor + 0.5)), max(1, int(width * factor + 0.5))


def _resize_masks(masks: BitmapMasks, height: int, width: int) -> BitmapMasks:
    if (masks.height, masks.width) == (height, width):
        return masks
    resized = np.zeros((len(masks), height, width), np.uint8)
    for source, target in zip(masks.masks, resized, strict=True):
        cv2.resize(source, (width, height), dst=target, interpolation=cv2.INTER_NEAREST_EXACT)
    return BitmapMasks(resized, height, width)


def resize_clip(results: dict, scale: tuple[int, int], keep_ratio: bool) -> dict:
    """Resize all frames and masks of a clip; see :class:`ClipResize`."""
    images, factors = [], []
    for image in results['img']:
        height, width = _target_size(image.shape[:2], scale, keep_ratio)
        if height * width > MAX_PIXELS:
            raise InputError(f'scale={scale}: makes {width}x{height} pixels of a frame; {MAX_PIXELS} is the limit')
        factors.append((width / image.shape[1], height / image.shape[0]))
        if image.shape[:2] != (height, width):
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        images.append(image)
    results['img'] = images
    results['img_shape'] = [image.shape[:2] for image in images]
    results['scale_factor'] = factors
    if 'gt_masks' in results:
        pairs = zip(results['gt_masks'], results['img_shape'], strict=True)
        results['gt_masks'] = [_resize_masks(masks, *shape) for masks, shape in pairs]
    return results


@TRANSFORMS.register_module()
class ClipResize(BaseTransform):
    """Resize a clip.

    Args:
        scale: Width and height in pixels. With ``keep_ratio`` the larger number bounds the longer side of the frames
            and the smaller one their shorter side, so portrait videos are treated as landscape ones.
        keep_ratio: Keep the aspect ratio.
    """

    def __init__(self, scale: tuple[int, int], keep_ratio: bool = True) -> None:
        self.scale = _check_scale(scale)
        self.keep_ratio = keep_ratio

    def transform(self, results: dict) -> dict:
        """Resize ``img`` (bilinear) and ``gt_masks`` (nearest); adds ``scale_factor`` (width, height)."""
        return resize_clip(results, self.scale, self.keep_ratio)


@TRANSFORMS.register_module()
class RandomClipResize(BaseTransform):
    """Multi-scale training: resize a clip to one of several scales.

    Args:
        scales: As ``scale`` of :class:`ClipResize`; one is drawn for all frames.
        keep_ratio: Keep the aspect ratio.
    """

    def __init__(self, scales: list[tuple[int, int]], keep_ratio: bool = True) -> None:
        self.scales = [_check_scale(scale) for scale in scales]
        if not self.scales:
            raise InputError('RandomClipResize: scales is empty; give at least one')
        self.keep_ratio = keep_ratio

    def transform(self, results: dict) -> dict:
        """Draw a scale and resize as :class:`ClipResize` does."""
        scale = self.scales[int(clip_rng(results).integers(len(self.scales)))]
        return resize_clip(results, scale, self.keep_ratio)


@TRANSFORMS.register_module()
class RandomClipFlip(BaseTransform):
    """Mirror a clip left to right, all frames or none.

    Args:
        prob: Probability, in [0, 1].
    """

    def __init__(self, prob: float = 0.5) -> None:
        if not 0 <= prob <= 1:
            raise InputError(f'RandomClipFlip: prob={prob}, expected a number from 0 to 1')
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Mirror ``img`` and ``gt_masks``; adds ``flip`` and ``flip_direction``."""
        flip = bool(clip_rng(results).random() < self.prob)
        if flip:
            results['img'] = [cv2.flip(image, 1) for image in results['img']]
            if 'gt_masks' in results:
                results['gt_masks'] = [
                    BitmapMasks(np.ascontiguousarray(masks.masks[:, :, ::-1]), masks.height, masks.width)
                    for masks in results['gt_masks']
                ]
        results['flip'] = [flip] * len(results['img'])
        results['flip_direction'] = ['horizontal' if flip else None] * len(results['img'])
        return results


@TRANSFORMS.register_module()
class RandomClipWindow(BaseTransform):
    """Cut a window of a size in pixels out of all frames of a clip, where the frames are larger.

    After :class:`RandomClipResize` with scales up to twice as large and more (large-scale jitter): objects are seen in
    many sizes, and a batch costs the same for all of them.

    Args:
        size: Largest width and height of a frame, in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = _check_scale(size)

    def transform(self, results: dict) -> dict:
        """Crop ``img`` and ``gt_masks``; the frames of a clip are of one size."""
        height, width = results['img'][0].shape[:2]
        return _cut_out(results, clip_rng(results), min(height, self.size[1]), min(width, self.size[0]))


def _cut_out(results: dict, rng: np.random.Generator, crop_h: int, crop_w: int) -> dict:
    """Cut a window of this height and width out of all frames, at one random place."""
    height, width = results['img'][0].shape[:2]
    top, left = int(rng.integers(height - crop_h + 1)), int(rng.integers(width - crop_w + 1))
    window = np.s_[top : top + crop_h, left : left + crop_w]
    results['img'] = [np.ascontiguousarray(image[window]) for image in results['img']]
    results['img_shape'] = [(crop_h, crop_w)] * len(results['img'])
    if 'gt_masks' in results:
        results['gt_masks'] = [
            BitmapMasks(np.ascontiguousarray(masks.masks[(slice(None), *window)]), crop_h, crop_w)
            for masks in results['gt_masks']
        ]
    return results
