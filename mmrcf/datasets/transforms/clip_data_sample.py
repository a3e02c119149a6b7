"""A clip's data sample that is cheap to hand from a loader process to the training process."""

import io
import pickle

import numpy as np
import torch
from mmdet.structures import TrackDataSample
from mmdet.structures.mask import BitmapMasks


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
