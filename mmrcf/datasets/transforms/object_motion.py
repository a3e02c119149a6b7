"""Objects of a still image that move on their own, apart from the camera."""

import math

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.mask import BitmapMasks

from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS
from mmrcf.structures import IGNORED_LABEL

from ..clips import clip_rng
from .copy_paste.compositing import CutOut, Layer, composite, is_connected
from .motion import shows_one_image, smooth_path

LARGEST_PART = 0.25
"""Of the image; behind a larger object nothing could be filled in."""
MOST_CONTACT = 0.1
"""Part of an object's outline that may border on other objects: where more does, one of them is likely to be cut."""
RIM = 4
"""Pixels round the object that are filled too: they hold its soft edge."""
REDUCED_SIDE = 64
"""Longer side of the picture that is inpainted; the time grows with its square."""
KNOWN_PART = 0.9
GRAIN_SIGMA = 1.5
GRAIN_LEVELS = 24
"""Coarser or stronger patterns are not grain but shapes, of letters for example, and would appear twice."""


@TRANSFORMS.register_module()
class ObjectMotion(BaseTransform):
    """Move some objects along smooth paths of their own; for clips whose frames are copies of one image.

    It comes before ``ClipMotion``. The place that an object leaves is filled from its surroundings: background, known
    to hold no object and no ignored region, also where an ignored region lies all round, as in partly labelled images.
    A moving object lies over what it comes upon. Objects that a border of the image or another object may cut, those
    that share a pixel with another object or an ignored region, those of several parts, small ones, and those of over a
    quarter of the image stay.

    Args:
        max_objects: Most objects that move; a clip in which any moves gets 1 to ``max_objects``, if it has them.
        prob: Probability that any moves, in [0, 1].
        translate: Largest movement over the clip, as a part of the longer side of the object.
        rotate: Largest rotation over the clip, in degrees.
        scale: Largest ratio of sizes over the clip, at least 1.
        min_pixels: Least pixels of an object that moves, at least 1.
        stills_only: Leave a clip of a video as it is: for a pipeline that videos and images share. False refuses it.
    """

    def __init__(
        self,
        max_objects: int = 2,
        prob: float = 0.5,
        translate: float = 0.6,
        rotate: float = 10.0,
        scale: float = 1.15,
        min_pixels: int = 64,
        stills_only: bool = False,
    ) -> None:
        if not 0 <= prob <= 1:
            raise InputError(f'ObjectMotion: prob={prob}, expected a number from 0 to 1')
        if max_objects < 0 or min_pixels < 1:
            raise InputError(
                f'ObjectMotion: max_objects={max_objects} (at least 0), min_pixels={min_pixels} (at least 1); '
                'correct the config'
            )
        if translate < 0 or rotate < 0 or scale < 1:
            raise InputError(
                f'ObjectMotion: translate={translate}, rotate={rotate} (at least 0), scale={scale} (at least 1); '
                'correct the config'
            )
        self.max_objects = max_objects
        self.prob = prob
        self.reach = np.array([translate, translate, rotate, math.log(scale)])
        self.min_pixels = min_pixels
        self.stills_only = stills_only

    def transform(self, results: dict) -> dict:
        """Move objects in ``img`` and ``gt_masks``.

        Raises:
            InputError: The clip has no annotations, or its frames differ.
        """
        if 'gt_masks' not in results:
            raise InputError('ObjectMotion: the clip has no gt_masks; put it behind LoadClipAnnotations')
        if self.stills_only and not shows_one_image(results):
            return results
        if not _are_copies(results):
            raise InputError(
                'ObjectMotion: the frames of the clip differ; it is for clips of copies of one image, put it before '
                'ClipMotion'
            )
        rng = clip_rng(results)
        if self.max_objects == 0 or rng.random() >= self.prob:
            return results
        masks, labels = results['gt_masks'][0].masks, results['gt_bboxes_labels'][0]
        wanted = int(rng.integers(1, self.max_objects + 1))
        rows = [row for row in rng.permutation(len(masks)).tolist() if self._can_move(masks, labels, row)][:wanted]
        return self._move(rng, results, rows) if rows else results

    def _can_move(self, masks: np.ndarray, labels: np.ndarray, row: int) -> bool:
        if labels[row] == IGNORED_LABEL:
            return False
        pixels, size = cv2.countNonZero(masks[row]), masks[row].shape
        left, top, width, height = cv2.boundingRect(masks[row])
        within = left > 1 and top > 1 and left + width < size[1] - 1 and top + height < size[0] - 1
        if not within or not self.min_pixels <= pixels <= LARGEST_PART * masks[row].size:
            return False
        window = (slice(top - 2, top + height + 2), slice(left - 2, left + width + 2))
        mask = masks[(row, *window)]
        others = np.delete(masks[(slice(None), *window)], row, axis=0)
        if others[:, mask != 0].any():
            return False  # the place it leaves would not be empty
        # An ignored region is often all that is not labelled: that it borders on the object means nothing.
        objects = others[np.delete(labels, row) != IGNORED_LABEL].any(axis=0)
        outline = cv2.dilate(mask, np.ones((5, 5), np.uint8)) != mask
        return bool(objects[outline].mean() <= MOST_CONTACT) and is_connected(mask)

    def _move(self, rng: np.random.Generator, results: dict, rows: list[int]) -> dict:
        """Move the objects of some rows, the first one on top."""
        image, masks = results['img'][0].copy(), results['gt_masks'][0].masks.copy()
        length, (height, width) = len(results['img']), image.shape[:2]
        objects = results['gt_bboxes_labels'][0] != IGNORED_LABEL
        occupied = (masks[objects] != 0).any(axis=0).astype(np.uint8)
        cut_outs = [CutOut.from_frame(image, masks[row]) for row in rows]
        for row in rows:
            fill_hole(image, masks[row], occupied)
        masks[rows] = 0
        layers = [
            Layer([item.warp(matrix, height, width) for matrix in self._path(rng, item, length)]) for item in cut_outs
        ]
        images = [image.copy() for _ in range(length)]
        beneath = [masks.copy() for _ in range(length)]
        shown = composite(images, beneath, [np.zeros((height, width), np.uint8)] * length, layers)
        for row, seen in zip(rows, shown, strict=True):
            if seen is not None:
                for frame, moved in zip(beneath, seen, strict=True):
                    frame[row] = moved
        results['img'] = images
        results['gt_masks'] = [BitmapMasks(frame, height, width) for frame in beneath]
        return results

    def _path(self, rng: np.random.Generator, item: CutOut, length: int) -> list[np.ndarray]:
        left, top, right, bottom = item.box
        centre = np.array([left + right - 1, top + bottom - 1]) / 2
        unit = max(right - left, bottom - top)
        matrices = []
        for shift_x, shift_y, degrees, log_scale in smooth_path(rng, length, self.reach).tolist():
            matrix = cv2.getRotationMatrix2D(centre.tolist(), degrees, math.exp(log_scale))
            matrix[:, 2] += np.array([shift_x, shift_y]) * unit
            matrices.append(matrix)
        return matrices


def _are_copies(results: dict) -> bool:
    """True if the frames of a clip, and their objects, are equal; those of a still image are often the same arrays."""
    first, *others = results['img']
    objects, *more = (masks.masks for masks in results['gt_masks'])
    return all(image is first or np.array_equal(image, first) for image in others) and all(
        masks is objects or np.array_equal(masks, objects) for masks in more
    )


def fill_hole(image: np.ndarray, hole: np.ndarray, objects: np.ndarray) -> None:
    """Fill the place of an object in an image, in place.

    The colours are inpainted on a reduced picture; the texture comes from beside the hole. Nothing is taken from where
    an object is, and the other objects stay as they are.

    Args:
        image: (H, W, 3) uint8.
        hole: (H, W) uint8, not 0 on the object; it has a pixel.
        objects: (H, W) uint8, 1 on all objects, this one included.
    """
    height, width = hole.shape
    left, top, hole_width, hole_height = cv2.boundingRect(hole)
    margin = 2 * RIM + max(hole_width, hole_height) // 4
    rows = slice(max(top - margin, 0), min(top + hole_height + margin, height))
    columns = slice(max(left - margin, 0), min(left + hole_width + margin, width))
    window = (rows, columns)
    inside = (hole[window] != 0).astype(np.uint8)
    others = objects[window] * (1 - inside)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM + 1, 2 * RIM + 1))
    # The rim of the others is as little known as they are.
    unknown = cv2.dilate(inside | others, disc)
    filled = _inpaint(image[window], unknown)
    detail = _detail_beside(image, objects, window)
    if detail is not None:
        filled = np.clip(filled.astype(np.int16) + detail, 0, 255).astype(np.uint8)
    weight = cv2.blur(cv2.dilate(inside, disc).astype(np.float32), (RIM + 1, RIM + 1))
    weight[inside != 0] = 1
    weight[others != 0] = 0
    region = image[window]
    blended = cv2.blendLinear(filled, np.ascontiguousarray(region), weight, 1 - weight)
    cv2.copyTo(blended, (weight > 0).view(np.uint8), region)


def _inpaint(image: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """The colours of an image where they are not known, without detail."""
    height, width = unknown.shape
    factor = min(1.0, REDUCED_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    missing = (cv2.resize(unknown * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    small = cv2.inpaint(small, missing, 3, cv2.INPAINT_TELEA)
    # Inpainting leaves streaks; they are taken off where nothing is known.
    smooth = cv2.GaussianBlur(small, (0, 0), 1.5)
    cv2.copyTo(smooth, missing, small)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def _detail_beside(image: np.ndarray, objects: np.ndarray, window: tuple[slice, slice]) -> np.ndarray | None:
    """The fine texture of a window beside this one, (h, w, 3) int16; None where objects are on all sides."""
    rows, columns = window
    size = np.array([rows.stop - rows.start, columns.stop - columns.start])
    best, best_known = None, KNOWN_PART
    for direction in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        wanted = np.array([rows.start, columns.start]) + direction * size
        top, left = np.clip(wanted, 0, np.array(objects.shape) - size)
        beside = (slice(top, top + size[0]), slice(left, left + size[1]))
        known = 1 - objects[beside].mean()
        if known > best_known:
            best, best_known = beside, known
    if best is None:
        return None
    texture = image[best]
    detail = cv2.subtract(texture, cv2.GaussianBlur(texture, (0, 0), GRAIN_SIGMA), dtype=cv2.CV_16S)
    detail[objects[best] != 0] = 0
    return np.clip(detail, -GRAIN_LEVELS, GRAIN_LEVELS)
