"""From a frame with masks to square pictures of its objects, for teaching a backbone what the classes look like."""

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmrcf.registry import TRANSFORMS
from mmrcf.structures import IGNORED_LABEL
from mmrcf.utils import mask_boxes

from ..clips import clip_rng


@TRANSFORMS.register_module()
class PackObjectCrops(BaseTransform):
    """Cut every object out of the clip, each turned, mirrored, scaled and shifted at random.

    Args:
        size: Height and width of a crop, in pixels.
        scale: Smallest and largest factor by which the picture is scaled.
        shift: Largest distance, in pixels of the crop, from its centre to that of the object.
        min_area: Objects with fewer visible pixels are left out.
    """

    def __init__(
        self, size: int = 48, scale: tuple[float, float] = (0.6, 1.2), shift: float = 8.0, min_area: int = 64
    ) -> None:
        self.size = size
        self.scale = tuple(scale)
        self.shift = shift
        self.min_area = min_area

    def transform(self, results: dict) -> dict:
        """Cut them.

        Returns:
            ``inputs``: dict(img=uint8 (n, 3, size, size), BGR); ``labels``: (n,) int64.
        """
        rng = clip_rng(results)
        crops, labels = [], []
        for image, masks, classes in zip(results['img'], results['gt_masks'], results['gt_bboxes_labels'], strict=True):
            boxes = mask_boxes(masks.masks)
            for box, mask, label in zip(boxes, masks.masks, classes, strict=True):
                if label != IGNORED_LABEL and np.count_nonzero(mask) >= self.min_area:
                    crops.append(self._crop(image, (box[:2] + box[2:]) / 2, rng))
                    labels.append(label)
        stacked = np.stack(crops) if crops else np.zeros((0, self.size, self.size, 3), np.uint8)
        return dict(
            inputs=dict(img=torch.from_numpy(np.ascontiguousarray(stacked.transpose(0, 3, 1, 2)))),
            labels=torch.from_numpy(np.array(labels, np.int64)),
        )

    def _crop(self, image: np.ndarray, centre: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        angle, scale = rng.uniform(0, 2 * np.pi), rng.uniform(*self.scale)
        matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix[0] *= rng.choice([-1.0, 1.0])
        place = self.size / 2 + rng.uniform(-self.shift, self.shift, 2)
        affine = np.concatenate([matrix, (place - matrix @ centre)[:, None]], axis=1)
        return cv2.warpAffine(image, affine, (self.size, self.size), borderMode=cv2.BORDER_REFLECT_101)
