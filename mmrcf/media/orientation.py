"""The display matrix of a video: phones store a portrait as a landscape and a matrix that turns it."""

import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame


def read_display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The linear part (a, b, c, d) of the frame's display matrix, None without one.

    The pixel in column p and row q is shown in column a*p + c*q and row b*p + d*q (up to scale and shift).
    """
    try:
        side_data = frame.side_data[SideDataType.DISPLAYMATRIX]
    except KeyError:
        return None
    matrix = np.frombuffer(bytes(side_data), dtype=np.int32)
    return int(matrix[0]), int(matrix[1]), int(matrix[3]), int(matrix[4])


def orient(image: np.ndarray, matrix: tuple[int, int, int, int] | None) -> np.ndarray:
    """Apply a display matrix: quarter turns and mirrors; another angle is rounded to the nearest quarter turn.

    Args:
        image: (H, W, 3).
        matrix: As :func:`read_display_matrix` gives it.

    Returns:
        (H, W, 3) or (W, H, 3), contiguous.
    """
    if matrix is None:
        return image
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):
        image = image.transpose(1, 0, 2)
        mirror_columns, mirror_rows = c < 0, b < 0
    else:
        mirror_columns, mirror_rows = a < 0, d < 0
    image = image[:: -1 if mirror_rows else 1, :: -1 if mirror_columns else 1]
    return np.ascontiguousarray(image)


def swaps_sides(matrix: tuple[int, int, int, int] | None) -> bool:
    """Whether the matrix turns rows into columns."""
    return matrix is not None and abs(matrix[1]) + abs(matrix[2]) > abs(matrix[0]) + abs(matrix[3])
