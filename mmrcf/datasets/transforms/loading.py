"""Reads the frames and masks of a clip.

A clip travels through the pipeline as a dict of lists with one entry a frame (``img``, ``img_path``, ``frame_id``
...), which is also what ``mmcv.TransformBroadcaster`` expects; every transform here treats all frames of a clip
alike.
"""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.mask import BitmapMasks
from pycocotools import mask as mask_utils

from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS
from mmrcf.utils import read_image

from ..orientation import as_stored, file_orientation


@TRANSFORMS.register_module()
class LoadClipFrames(BaseTransform):
    """Read the frames of a clip from ``img_path``; a path that is a duplicate is read once.

    Added keys: ``img`` (T arrays, (H, W, 3) uint8 BGR), ``img_shape``, ``ori_shape``.

    Args:
        orientation: What becomes of the EXIF orientation of a file: 'apply' reads the picture as it is displayed,
            'ignore' as it is stored, for labels that were drawn so.
    """

    def __init__(self, orientation: str = 'apply') -> None:
        if orientation not in ('apply', 'ignore'):
            raise InputError(f"LoadClipFrames: orientation is {orientation!r}, expected 'apply' or 'ignore'")
        self.orientation = orientation

    def _read(self, path: str) -> np.ndarray:
        image = read_image(path)
        return image if self.orientation == 'apply' else as_stored(image, file_orientation(path))

    def transform(self, results: dict) -> dict:
        """Read them. Raises :class:`InputError` where a file is unusable or not of the size the annotations give."""
        images = {path: self._read(path) for path in dict.fromkeys(results['img_path'])}
        results['img'] = [images[path] for path in results['img_path']]
        shapes = [image.shape[:2] for image in results['img']]
        for path, shape, expected in zip(results['img_path'], shapes, results.get('ori_shape', shapes), strict=True):
            if tuple(shape) != tuple(expected):
                raise InputError(
                    f'image {path}: is {shape[0]} x {shape[1]} (height x width), but the annotation file has '
                    f'{expected[0]} x {expected[1]}; use the images the annotations were made for'
                )
        results['img_shape'] = shapes
        results['ori_shape'] = list(shapes)
        return results


@TRANSFORMS.register_module()
class LoadClipAnnotations(BaseTransform):
    """Decode the objects of every frame of a clip.

    Required keys: ``instances``: per frame a list of dicts with ``instance_id``, ``label`` and ``counts`` (compressed
    RLE). Added keys, each with one entry a frame: ``gt_masks`` (BitmapMasks of n objects), ``gt_bboxes_labels`` and
    ``gt_instances_ids`` ((n,) int64).
    """

    def transform(self, results: dict) -> dict:
        """Decode them; boxes are not made here but from the final masks, when the clip is packed."""
        frames = results['instances']
        # A frame that is a duplicate holds the same list, and is decoded once.
        distinct = {id(frame): (frame, shape) for frame, shape in zip(frames, results['ori_shape'], strict=True)}
        decoded = {key: _decode(frame, *shape) for key, (frame, shape) in distinct.items()}
        results['gt_masks'] = [decoded[id(frame)] for frame in frames]
        for target, key in (('gt_bboxes_labels', 'label'), ('gt_instances_ids', 'instance_id')):
            results[target] = [np.array([item[key] for item in frame], np.int64) for frame in frames]
        return results


def _decode(instances: list[dict], height: int, width: int) -> BitmapMasks:
    masks = np.zeros((len(instances), height, width), np.uint8)
    rles = [{'size': [height, width], 'counts': item['counts']} for item in instances]
    if rles:
        for columns, mask in zip(mask_utils.decode(rles).T, masks, strict=True):  # RLE runs down the columns
            cv2.transpose(columns, dst=mask)
    return BitmapMasks(masks, height, width)
