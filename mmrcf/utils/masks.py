"""Arithmetic on binary masks."""

import numpy as np


def mask_boxes(masks: np.ndarray) -> np.ndarray:
    """Tight boxes around masks.

    Args:
        masks: (n, H, W), non-zero where the object is.

    Returns:
        (n, 4) float32 x1, y1, x2, y2, with x2 and y2 exclusive; zeros for an empty mask.
    """
    boxes = np.zeros((len(masks), 4), np.float32)
    if len(masks) == 0:
        return boxes
    columns, rows = masks.any(axis=1), masks.any(axis=2)
    present = columns.any(axis=1)
    for low, high, line in ((0, 2, columns), (1, 3, rows)):
        boxes[:, low] = line.argmax(axis=1)
        boxes[:, high] = line.shape[1] - line[:, ::-1].argmax(axis=1)
    return boxes * present[:, None]
