"""Ignored regions as records of a data set, beside those of its objects."""

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.structures import IGNORED_LABEL


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
