"""Puts cut-out objects over the frames of a clip: soft edges in the picture, exact masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

EDGE_SIGMA = 0.8
EDGE_MARGIN = 3
"""Pixels round an object in which its soft edge ends."""
EDGE_SQUARE = np.ones((5, 5), np.uint8)
HALF = 128
WHOLE_PART = 0.85
"""Of an object, in its largest connected part."""
# From a blurred mask to an opacity: the edge lies a little inside the mask, so that no rim of what surrounded the
# object comes along, and whatever is well inside is opaque.
_OPACITY = np.clip(2.0 * np.arange(256) - 0.6 * 255, 0, 255).astype(np.uint8)


def is_connected(mask: np.ndarray) -> bool:
    """Whether an object (H, W) uint8 is whole: one that something lies across makes no sense elsewhere."""
    _, _, statistics, _ = cv2.connectedComponentsWithStats(mask)
    areas = statistics[1:, cv2.CC_STAT_AREA]  # the first is the background
    return bool(areas.max(initial=0) >= WHOLE_PART * areas.sum())


@dataclass(frozen=True)
class Patch:
    """The part of an object that lies within a frame.

    Attributes:
        left: Column of the frame at which the arrays begin.
        top: Row of the frame at which they begin.
        image: (h, w, 3) uint8.
        alpha: (h, w) uint8, from 0 (nothing of the object) to 255 (opaque).
    """

    left: int
    top: int
    image: np.ndarray
    alpha: np.ndarray

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the frame."""
        height, width = self.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @property
    def mask(self) -> np.ndarray:
        """(h, w) bool, where the object is."""
        return self.alpha >= HALF


@dataclass(frozen=True)
class CutOut:
    """An object cut out of a frame.

    Attributes:
        image: (h, w, 3) uint8, the object's box and a margin where the frame has one.
        mask: (h, w) uint8, 255 on the object and 0 elsewhere.
        origin: Column and row of the frame at which the arrays begin.
        box: x1, y1, x2, y2 of the object in the frame; x2 and y2 are exclusive.
    """

    image: np.ndarray
    mask: np.ndarray
    origin: tuple[int, int]
    box: tuple[int, int, int, int]

    @classmethod
    def from_frame(cls, image: np.ndarray, mask: np.ndarray) -> 'CutOut':
        """Cut an object out of an image (H, W, 3); ``mask`` (H, W) uint8 has at least one pixel that is not 0."""
        left, top, width, height = cv2.boundingRect(mask)
        rows = slice(max(top - EDGE_MARGIN, 0), top + height + EDGE_MARGIN)
        columns = slice(max(left - EDGE_MARGIN, 0), left + width + EDGE_MARGIN)
        opaque = np.where(mask[rows, columns], np.uint8(255), np.uint8(0))
        box = (left, top, left + width, top + height)
        return cls(image[rows, columns].copy(), opaque, (columns.start, rows.start), box)

    def warp(self, matrix: np.ndarray, height: int, width: int) -> Patch | None:
        """Move the object.

        Args:
            matrix: (2, 3), from coordinates of its own frame to those of the new one; pixel centres are whole numbers.
            height: Of the new frame.
            width: Of the new frame.

        Returns:
            What lies within the new frame, or None where nothing does.
        """
        image, mask = self.image, self.mask
        linear, shift = matrix[:, :2], matrix[:, :2] @ np.array(self.origin) + matrix[:, 2]
        size = np.array(mask.shape[::-1])
        factor = np.sqrt(abs(np.linalg.det(linear)))
        if factor < 0.5:  # bilinear sampling would skip pixels
            reduced = np.maximum(np.rint(size * factor), 1).astype(int)
            image, mask = (cv2.resize(part, tuple(reduced), interpolation=cv2.INTER_AREA) for part in (image, mask))
            step = size / reduced
            shift = shift + linear @ (step / 2 - 0.5)
            linear = linear * step
            size = reduced
        corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * size - 0.5
        reached = corners @ linear.T + shift
        left, top = np.clip(np.floor(reached.min(axis=0)) - EDGE_MARGIN, 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(reached.max(axis=0)) + EDGE_MARGIN, 0, (width, height)).astype(int)
        if right <= left or bottom <= top:
            return None
        moved = np.column_stack([linear, shift - (left, top)])
        area = (int(right - left), int(bottom - top))
        alpha = cv2.GaussianBlur(cv2.warpAffine(mask, moved, area), (0, 0), EDGE_SIGMA)
        colours = cv2.warpAffine(image, moved, area, borderMode=cv2.BORDER_REPLICATE)
        return Patch(int(left), int(top), colours, cv2.LUT(alpha, _OPACITY))


@dataclass(frozen=True)
class Layer:
    """An object over a clip.

    Attributes:
        patches: One a frame; None where it is outside.
        behind: It lies behind the objects of the clip: seen only where none of them is.
    """

    patches: Sequence[Patch | None]
    behind: bool = False


def composite(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    shields: Sequence[np.ndarray],
    layers: Sequence[Layer],
    min_pixels: int = 1,
    min_visible: float = 0.0,
) -> list[np.ndarray | None]:
    """Put layers over the T frames of a clip.

    Every pixel belongs to one layer at most, and is taken from the masks beneath.

    Args:
        images: T arrays (H, W, 3) uint8; painted over in place.
        masks: T arrays (n, H, W) uint8, of everything beneath; what gets covered is set to 0 in place.
        shields: T arrays (H, W) uint8, 1 on the objects that the layers ``behind`` do not cover.
        layers: The topmost first, those ``behind`` last.
        min_pixels: A layer is left out, and not painted, where no frame shows so many pixels of it.
        min_visible: And where no frame shows this part of what it has in the frame, from 0 to 1.

    Returns:
        For each layer its masks (T, H, W) uint8; None if it was left out.
    """
    shown: list[np.ndarray | None] = []
    taken = np.zeros((len(images), *images[0].shape[:2]), np.uint8)
    for layer in layers:
        seen = np.zeros_like(taken)
        kept = False
        for patch, *planes in zip(layer.patches, seen, taken, shields, strict=True):
            if patch is not None:
                target, above, shield = (plane[patch.window] for plane in planes)
                target[:] = patch.mask & (above == 0)
                if layer.behind:
                    target[shield != 0] = 0
                kept |= int(target.sum()) >= max(min_pixels, min_visible * int(patch.mask.sum()))
        shown.append(seen if kept else None)
        if kept:
            taken |= seen
    for layer, seen in zip(reversed(layers), reversed(shown), strict=True):
        if seen is not None:
            for patch, *planes in zip(layer.patches, images, seen, shields, strict=True):
                if patch is not None:
                    image, mask, shield = (plane[patch.window] for plane in planes)
                    _paint(image, patch, mask, shield if layer.behind else None)
    for beneath, covered in zip(masks, taken, strict=True):
        beneath[:, covered != 0] = 0
    return shown


def _paint(region: np.ndarray, patch: Patch, mask: np.ndarray, shield: np.ndarray | None) -> None:
    """Blend a patch over a region of an image, in place, near the pixels (h, w) that its object has there."""
    weight = patch.alpha.astype(np.float32) / 255
    # What is too thin to be in the mask would be left as a ghost that is no object.
    weight[cv2.dilate(mask, EDGE_SQUARE) == 0] = 0
    if shield is not None:
        weight *= 1 - cv2.blur(shield.astype(np.float32), (3, 3))
    blended = cv2.blendLinear(patch.image, np.ascontiguousarray(region), weight, 1 - weight)
    cv2.copyTo(blended, (weight > 0).view(np.uint8), region)
