"""The end of a pipeline: a clip as tensors and data samples, or the crops of its objects."""

import io
import pickle

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmrcf.registry import TRANSFORMS
from mmrcf.structures import AUDIO_KEYS, IGNORED_LABEL
from mmrcf.utils import mask_boxes

from ..clips import clip_rng

META_KEYS = (
    'img_path',
    'video_id',
    'frame_id',
    'video_length',
    'ori_shape',
    'img_shape',
    'scale_factor',
    'flip',
    'flip_direction',
)


def _pack_objects(sample: DetDataSample, masks: BitmapMasks, labels: np.ndarray, ids: np.ndarray) -> None:
    """Put in what still has a pixel after the transforms, objects and ignored regions each in their place."""
    seen = masks.masks.any(axis=(1, 2)) if len(masks) else np.zeros(0, bool)
    ignored = seen & (labels == IGNORED_LABEL)
    sample.gt_instances = _objects(masks, labels, ids, seen & ~ignored)
    if ignored.any():
        sample.ignored_instances = InstanceData(masks=BitmapMasks(masks.masks[ignored], masks.height, masks.width))


def _objects(masks: BitmapMasks, labels: np.ndarray, ids: np.ndarray, kept: np.ndarray) -> InstanceData:
    array = masks.masks if kept.all() else masks.masks[kept]
    return InstanceData(
        masks=BitmapMasks(array, masks.height, masks.width),
        labels=torch.from_numpy(labels[kept]),
        instances_ids=torch.from_numpy(ids[kept]),
        bboxes=torch.from_numpy(mask_boxes(array)),
    )


@TRANSFORMS.register_module()
class PackClip(BaseTransform):
    """Pack a clip of T frames.

    Args:
        meta_keys: Keys of the pipeline's dict that go into each frame's metainfo, where they are there.
    """

    def __init__(self, meta_keys: tuple[str, ...] = META_KEYS) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack it.

        Returns:
            ``inputs``: dict(img=uint8 (T, 3, H, W), BGR), and where ``AudioPatches`` came before, ``audio`` float32
            (T, 96, 64) and ``audio_valid`` bool (T,); ``data_samples``: ClipDataSample with T frames. Where ground
            truth was loaded, ``gt_instances`` of a frame holds ``masks`` (BitmapMasks), ``labels``, ``instances_ids``
            ((n,) int64) and ``bboxes`` ((n, 4) float32, around the masks); a frame with ignored regions has
            ``ignored_instances`` with their ``masks``.
        """
        frames = np.ascontiguousarray(np.stack(results['img']).transpose(0, 3, 1, 2))
        clip = ClipDataSample()
        # Set before ground truth is in: mmdet's setter formats the whole first sample for a message that it does not
        # show.
        clip.video_data_samples = [
            DetDataSample(metainfo={key: results[key][index] for key in self.meta_keys if key in results})
            for index in range(len(frames))
        ]
        if 'gt_masks' in results:
            objects = (results[key] for key in ('gt_masks', 'gt_bboxes_labels', 'gt_instances_ids'))
            for sample, *parts in zip(clip.video_data_samples, *objects, strict=True):
                _pack_objects(sample, *parts)
        audio = {key: results[key] for key in AUDIO_KEYS if key in results}
        return dict(inputs=dict(img=torch.from_numpy(frames), **audio), data_samples=clip)


def _unpack_masks(bits: np.ndarray, height: int, width: int) -> BitmapMasks:
    return BitmapMasks(np.unpackbits(bits, axis=-1, count=width), height, width)


class _ClipPickler(pickle.Pickler):
    """Writes small tensors as arrays, not as a shared-memory file each, and masks with one bit a pixel."""

    def reducer_override(self, obj: object) -> object:
        if isinstance(obj, torch.Tensor) and obj.device.type == 'cpu' and not obj.requires_grad:
            return torch.from_numpy, (obj.numpy(),)
        if isinstance(obj, BitmapMasks) and obj.masks.dtype == np.uint8:
            return _unpack_masks, (np.packbits(obj.masks, axis=-1), obj.height, obj.width)
        return NotImplemented


def _load(content: bytes) -> 'ClipDataSample':
    sample = ClipDataSample.__new__(ClipDataSample)
    sample.__dict__.update(pickle.loads(content))
    return sample


class ClipDataSample(TrackDataSample):
    """A ``TrackDataSample`` in all respects but how it is pickled.

    A clip of four frames holds a dozen tensors of a few numbers. PyTorch passes each as a shared-memory file, which
    takes longer than reading the clip from disk does.
    """

    def __reduce__(self) -> tuple:
        """Its content as one string of bytes."""
        buffer = io.BytesIO()
        _ClipPickler(buffer, protocol=5).dump(self.__dict__)
        return _load, (buffer.getvalue(),)


@TRANSFORMS.register_module()
class PackObjectCrops(BaseTransform):
    """Pack square crops of all objects of a clip, to train a backbone on the classes.

    Each crop is rotated, mirrored, scaled and shifted at random.

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
