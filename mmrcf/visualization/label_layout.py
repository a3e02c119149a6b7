"""Labels that lie on the frame, near what they name, and not over each other where there is room."""

from collections.abc import Sequence

import numpy as np

from .label_text import draw_text, text_size
from .track_colors import text_color

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, the last two exclusive."""


def draw_label(
    canvas: np.ndarray,
    texts: Sequence[str],
    box: Rectangle,
    color: tuple[int, int, int],
    size: int,
    taken: list[Rectangle],
) -> None:
    """Draw a label above its box, or as near as there is room.

    Args:
        canvas: (H, W, 3) uint8 RGB, changed in place.
        texts: What it says, from long to short: the first that is not wider than the frame is drawn.
        box: Of the object.
        color: Of the background, RGB.
        size: Of the font, in pixels.
        taken: Rectangles of the labels so far; that of this one is added.
    """
    height, width = canvas.shape[:2]
    margin = max(2, size // 4)
    for text in texts:
        text_width, above, below = text_size(text, size)
        label_width, label_height = text_width + 2 * margin, above + below
        if label_width <= width:
            break
    left, top = place_label((label_width, label_height), box, (width, height), taken)
    taken.append((left, top, left + label_width, top + label_height))
    canvas[top : top + label_height, left : left + label_width] = color
    draw_text(canvas, text, (left + margin, top + above), size, text_color(color))


def place_label(
    size: tuple[int, int], box: Rectangle, frame: tuple[int, int], taken: Sequence[Rectangle]
) -> tuple[int, int]:
    """Left and top of a label of ``size`` (width, height) in a ``frame`` (width, height).

    It is above the box, else inside it at its upper edge, else below it; where other labels are there, the nearest free
    position; where none is free, the nearest of those that cover least.
    """
    last = np.maximum(np.subtract(frame, size), 0)
    wanted = np.array([(box[0], box[1] - size[1]), (box[0], box[1]), (box[0], box[3])])
    wanted = wanted[(wanted[:, 1] >= 0) & (wanted[:, 1] <= last[1])]
    near = np.clip(wanted if len(wanted) else [(box[0], box[1])], 0, last)
    covered = _covered(near, size, taken)
    if covered.min() > 0:
        ends = zip(last, size, strict=True)
        steps = [np.unique(np.append(np.arange(0, end, max(1, side // 2)), end)) for end, side in ends]
        grid = np.stack(np.meshgrid(*steps), -1).reshape(-1, 2)
        grid = grid[np.argsort(np.abs(grid - near[0]).sum(1), kind='stable')]
        near, covered = grid, _covered(grid, size, taken)
    left, top = near[covered.argmin()].tolist()
    return left, top


def _covered(corners: np.ndarray, size: tuple[int, int], taken: Sequence[Rectangle]) -> np.ndarray:
    """Pixels of ``taken`` that labels with these left upper corners (n, 2) cover: (n,)."""
    others = np.array(taken, int).reshape(-1, 4)
    starts = np.maximum(corners[:, None], others[None, :, :2])
    ends = np.minimum(corners[:, None] + size, others[None, :, 2:])
    return np.maximum(ends - starts, 0).prod(-1).sum(-1)
