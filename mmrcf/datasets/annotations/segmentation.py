"""One object in one frame: every way COCO and YouTube-VIS write a mask, as one compact compressed RLE."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.structures import IGNORED_LABEL

# Bounds of a polygon, whose rasterisation takes memory by the length of its outline.
FAR = 100  # a coordinate further out than this many sides of the image is an error
MARGIN = 1  # further out than this many sides, the polygon is cut off
MAX_OUTLINE = 2_000_000  # length of an outline in pixels; about 240 MB


class SegmentationError(ValueError):
    """A segmentation that cannot be decoded. The message names the fault, not where it was found."""


def decode_counts(counts: bytes) -> np.ndarray:
    """Run lengths of a compressed COCO RLE string: alternating background and foreground, background first.

    A run is written in characters of six bits above 48: five of value, low ones first, and one that is set if more
    follow; its sign is in the last one. From the third on, a run is written as the difference to the run two before.

    Returns:
        (r,) int64.

    Raises:
        SegmentationError: A character is outside the alphabet, or the string ends inside a run.
    """
    codes = np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - 48
    if len(codes) == 0:
        return np.zeros(0, np.int64)
    if codes.min() < 0 or codes.max() > 63:
        raise SegmentationError('RLE counts hold a character outside the alphabet of compressed RLE')
    last = (codes & 32) == 0
    if not last[-1]:
        raise SegmentationError('RLE counts end inside a number; the string is cut')
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    shifts = 5 * (np.arange(len(codes)) - np.repeat(starts, ends - starts + 1))
    if shifts.max() > 35:
        raise SegmentationError('RLE counts hold a number too large for an image')
    runs = np.add.reduceat((codes & 31) << shifts, starts)
    negative = (codes[ends] & 16) != 0
    runs -= np.where(negative, np.int64(1) << (shifts[ends] + 5), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def _check_runs(runs: np.ndarray, height: int, width: int) -> None:
    if len(runs) and runs.min() < 0:
        raise SegmentationError('RLE counts hold a negative run')
    if runs.sum() != height * width:
        raise SegmentationError(f'RLE counts add up to {runs.sum()}, expected {height} x {width} = {height * width}')


def _rle_to_rle(rle: dict, height: int, width: int) -> dict | None:
    """A checked RLE with compressed counts, from one with compressed counts or a list of runs; None if it is empty."""
    for key in ('size', 'counts'):
        if key not in rle:
            raise SegmentationError(f'RLE without {key!r}')
    if rle['size'] != [height, width]:
        raise SegmentationError(f'RLE size is {rle["size"]}, expected [height, width] = [{height}, {width}]')
    counts = rle['counts']
    if isinstance(counts, list):
        if not all(isinstance(run, int) for run in counts):
            raise SegmentationError('RLE counts hold something that is not a whole number')
        if any(run > height * width for run in counts):  # also a number that no array holds
            raise SegmentationError('RLE counts hold a number too large for the image')
        if any(run < 0 for run in counts):
            raise SegmentationError('RLE counts hold a negative run')
        runs = np.asarray(counts, dtype=np.int64)
        _check_runs(runs, height, width)
        compressed = mask_utils.frPyObjects({'size': [height, width], 'counts': counts}, height, width)
    elif isinstance(counts, (str, bytes)):
        if isinstance(counts, str):
            counts = counts.encode('utf-8', 'surrogatepass')
        runs = decode_counts(counts)
        _check_runs(runs, height, width)
        compressed = {'size': [height, width], 'counts': counts}
    else:
        raise SegmentationError(f'RLE counts are {type(counts).__name__}, expected a string or a list of runs')
    return compressed if runs[1::2].sum() > 0 else None


def _polygons_to_rle(polygons: list, height: int, width: int) -> dict | None:
    """The RLE of what any of the polygons covers; None if that has no pixel."""
    for index, polygon in enumerate(polygons):
        if not isinstance(polygon, list) or not all(isinstance(number, (int, float)) for number in polygon):
            raise SegmentationError(f'polygon {index} is not a list of numbers, expected [[x1, y1, x2, y2, ...], ...]')
        if len(polygon) < 6 or len(polygon) % 2:
            raise SegmentationError(f'polygon {index} has {len(polygon)} numbers, expected x and y of 3 or more points')
        if not (np.abs(polygon) <= FAR * max(height, width)).all():
            raise SegmentationError(f'polygon {index} has a coordinate far outside the image, or not a number')
    polygons = [_cut_off(polygon, height, width) for polygon in polygons]
    outlines = [np.asarray(polygon).reshape(-1, 2) for polygon in polygons if polygon]
    length = sum(float(np.abs(points - np.roll(points, 1, axis=0)).max(1).sum()) for points in outlines)
    if length > MAX_OUTLINE:
        raise SegmentationError(f'polygons have an outline of {length:.0f} pixels, expected at most {MAX_OUTLINE}')
    if not outlines:
        return None
    merged = mask_utils.merge(mask_utils.frPyObjects([polygon for polygon in polygons if polygon], height, width))
    return merged if mask_utils.area(merged) > 0 else None


def _cut_off(polygon: list[float], height: int, width: int) -> list[float]:
    """The part of a polygon within ``MARGIN`` of the image (Sutherland and Hodgman); itself where it is all within."""
    points = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    margin = MARGIN * max(height, width)
    low, high = np.array([-margin, -margin]), np.array([width + margin, height + margin])
    if (points >= low).all() and (points <= high).all():
        return polygon
    for axis, sign, limit in ((0, 1, low[0]), (0, -1, high[0]), (1, 1, low[1]), (1, -1, high[1])):
        if len(points) == 0:
            break
        inside = sign * (points[:, axis] - limit)  # at least 0 within the line
        before, before_inside = np.roll(points, 1, axis=0), np.roll(inside, 1)
        crossing = (inside < 0) != (before_inside < 0)
        share = np.divide(before_inside, before_inside - inside, out=np.zeros_like(inside), where=crossing)
        crossings = before + share[:, None] * (points - before)
        # Each edge gives the point where it crosses the line, then its end where that is within.
        both = np.stack([crossings, points], axis=1).reshape(-1, 2)
        points = both[np.stack([crossing, inside >= 0], axis=1).reshape(-1)]
    return points.reshape(-1).tolist() if len(points) >= 3 else []


def segmentation_to_rle(segmentation: Any, height: int, width: int) -> dict | None:
    """Bring any COCO segmentation to compressed RLE.

    Args:
        segmentation: None, a list of polygons ``[x1, y1, x2, y2, ...]``, or RLE with counts as a string or as a list
            of runs.
        height: Height of the image.
        width: Width of the image.

    Returns:
        ``dict(size=[height, width], counts=bytes)``, or None where the object is not in the frame (null or no pixel).

    Raises:
        SegmentationError: It cannot be decoded, or is of another size.
    """
    if segmentation is None or segmentation == []:
        return None
    if isinstance(segmentation, dict):
        return _rle_to_rle(segmentation, height, width)
    if isinstance(segmentation, list):
        return _polygons_to_rle(segmentation, height, width)
    raise SegmentationError(f'segmentation is {type(segmentation).__name__}, expected null, polygons or RLE')


def ignored_record(counts: bytes) -> dict:
    """The record of an ignored region of this compressed RLE."""
    return dict(instance_id=0, label=IGNORED_LABEL, counts=counts)


def outside_record(objects: Sequence[dict], height: int, width: int) -> dict:
    """The record of all that none of the objects covers.

    Args:
        objects: Records with ``counts``, compressed RLE.
        height: Height of the frame.
        width: Width of the frame.
    """
    outside = np.ones((height, width), np.uint8, order='F')
    if objects:
        merged = mask_utils.merge([dict(size=[height, width], counts=item['counts']) for item in objects])
        outside -= mask_utils.decode(merged)
    return ignored_record(mask_utils.encode(outside)['counts'])
