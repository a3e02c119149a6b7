"""Areas and boxes of an annotation file are copies of what its masks say; whether they are right ones."""

from typing import Any

import numpy as np
from pycocotools import mask as mask_utils


def area_differs(area: Any, rle: dict | None) -> bool:
    """True if an area is not that of the mask, up to what a polygon loses when it becomes pixels."""
    if rle is None or area is None:
        return rle is not None or bool(area)
    if not isinstance(area, (int, float)):
        return True
    true_area = int(mask_utils.area(rle))
    return abs(area - true_area) > max(10.0, 0.05 * true_area)


def box_differs(box: Any, rle: dict | None) -> bool:
    """True if a box (x, y, width, height) is not around the mask, up to two pixels."""
    if rle is None or box is None:
        return rle is not None or (box is not None and box != [] and box != [0, 0, 0, 0])
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(value, (int, float)) for value in box):
        return True
    return bool(np.abs(np.array(box) - mask_utils.toBbox(rle)).max() > 2.0)
