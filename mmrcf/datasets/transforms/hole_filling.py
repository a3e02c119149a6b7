"""What may have been behind an object: its place in the image, filled from the surroundings."""

import cv2
import numpy as np

RIM = 4
"""Pixels round the object that are filled too: they hold its soft edge."""
REDUCED_SIDE = 64
"""Longer side of the picture that is inpainted; the time grows with its square."""
KNOWN_PART = 0.9
GRAIN_SIGMA = 1.5
GRAIN_LEVELS = 24
"""What is coarser or stronger is no grain but a shape, of letters for example, and would be seen twice."""


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
