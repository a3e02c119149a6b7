"""What we and mmdet's models exchange: configs and samples in, objects out."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import Tensor

from mmrcf.errors import InputError
from mmrcf.registry import MODELS
from mmrcf.structures import FrameResult
from mmrcf.utils import mask_boxes


def build_mmdet_part(config: dict) -> Any:
    """Build a part of mmdet in mmdet's scope, since its defaults name further parts without their package.

    Args:
        config: The part; left as it is, while mmdet writes into the configs that it builds from.
    """
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(ConfigDict(copy.deepcopy(config)))


def frame_metainfo(
    img_shape: Sequence[int], ori_shape: Sequence[int], padded_shape: Sequence[int], frame_index: int
) -> dict:
    """What mmdet's heads and trackers ask about a frame.

    Args:
        img_shape: Height and width of the frame without its padding.
        ori_shape: Height and width of the masks to make.
        padded_shape: Height and width of the network's input.
        frame_index: Index of the frame in its stream or clip.
    """
    height, width = img_shape[:2]
    return dict(
        img_shape=(height, width),
        ori_shape=tuple(ori_shape[:2]),
        pad_shape=tuple(padded_shape),
        batch_input_shape=tuple(padded_shape),
        scale_factor=(width / ori_shape[1], height / ori_shape[0]),
        frame_id=frame_index,
    )


def training_samples(clips: Sequence[TrackDataSample], padded_shape: Sequence[int]) -> list[TrackDataSample]:
    """Ground truth as mmdet's losses read it; ``clips`` stay as they are.

    Args:
        clips: Each frame with ``img_shape``, ``ori_shape`` and ``gt_instances`` (labels, masks as ``BitmapMasks``,
            instances_ids).
        padded_shape: Height and width of the batch; masks are padded to it.

    Returns:
        One sample a clip, the newest frame as its key and the oldest as its reference. Boxes are those around the
        masks.
    """
    samples = []
    for clip in clips:
        frames = []
        for index, frame in enumerate(clip.video_data_samples):
            if 'ignored_instances' in frame:
                raise InputError(
                    'the training data have ignored regions, which this model would take for background; '
                    "set crowds='drop', overflow='drop' and partly_labelled=None on the data set"
                )
            truth = frame.gt_instances
            boxes = torch.from_numpy(mask_boxes(truth.masks.masks)).to(truth.labels.device)
            metainfo = frame_metainfo(frame.img_shape, frame.ori_shape, padded_shape, index)
            objects = InstanceData(
                labels=truth.labels,
                bboxes=boxes,
                masks=truth.masks.pad(tuple(padded_shape)),
                instances_ids=truth.instances_ids,
            )
            frames.append(DetDataSample(metainfo=metainfo, gt_instances=objects))
        sample = TrackDataSample(metainfo=dict(key_frames_inds=[len(frames) - 1], ref_frames_inds=[0]))
        sample.video_data_samples = frames
        samples.append(sample)
    return samples


def frame_result(
    masks: Tensor, track_ids: Tensor, class_probs: Tensor, classes: Sequence[str] | None, frame_index: int
) -> FrameResult:
    """The objects of a frame, best first; those without a pixel are left out.

    Args:
        masks: (n, H, W) bool at the size of the original frame.
        track IDs: (n,) int64 from 0 on, all different; the result counts them from 1 on, and as slots from 0 on.
        class_probs: (n, K).
        classes: Class names; None gives the numbers as names.
        frame_index: Index of the frame in its stream.
    """
    pixels = masks.cpu().numpy()
    boxes = mask_boxes(pixels)
    probs = class_probs.float().cpu().numpy()
    scores = probs.max(axis=1)
    order = np.argsort(-scores, kind='stable')
    order = order[boxes[order, 2] > 0]
    labels = probs[order].argmax(axis=1)
    tracks = track_ids.cpu().numpy().astype(np.int64)[order]
    return FrameResult(
        frame_index=frame_index,
        ids=tracks + 1,
        labels=labels,
        scores=scores[order],
        masks=pixels[order],
        boxes=boxes[order],
        class_names=tuple(classes[label] if classes else str(label) for label in labels),
        class_probs=probs[order],
        queries=tracks,
    )
