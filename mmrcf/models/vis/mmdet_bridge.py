"""Conversions between our data and mmdet's: configs and samples in, objects out."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmcv.ops import MultiScaleDeformableAttention
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmrcf.compat import require_operators
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
    """The metainfo of a frame that mmdet's heads and trackers read.

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


class ClassifierWithQueries(nn.Linear):
    """A head's class layer that hands on the queries which it classifies, after the class logits, in inference."""

    def forward(self, queries: Tensor) -> Tensor:
        """Class logits (..., K + 1) of queries (..., C), and in inference the queries after them, (..., K + 1 + C)."""
        logits = super().forward(queries)
        return logits if self.training else torch.cat([logits, queries], dim=-1)


def keep_queries(head: nn.Module) -> None:
    """Let a head of the MaskFormer family give its decoder's outputs too, in inference; its weights keep their names.

    mmdet's heads return class and mask logits only.

    Raises:
        InputError: The head has no single linear class layer.
    """
    layer = getattr(head, 'cls_embed', None)
    if not isinstance(layer, nn.Linear):
        raise InputError(
            f'model: {type(head).__name__} has no queries to track by; give a Mask2FormerHead or a MaskFormerHead'
        )
    head.cls_embed = ClassifierWithQueries(layer.in_features, layer.out_features)
    head.cls_embed.load_state_dict(layer.state_dict())


def split_queries(head: nn.Module, outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Class logits (..., K + 1) and queries (..., C) of the class outputs of a head with :func:`keep_queries`."""
    return outputs.split([head.cls_embed.out_features, head.cls_embed.in_features], dim=-1)


def require_deformable_attention(network: nn.Module, frames: Tensor) -> None:
    """Raise :class:`InputError` where deformable attention on the device of ``frames`` has to be compiled and is not.

    Args:
        network: The network, or its head; one without deformable attention needs no operators.
        frames: Its input.
    """
    if frames.is_cuda and any(isinstance(part, MultiScaleDeformableAttention) for part in network.modules()):
        require_operators('Mask2Former on a GPU')


def frame_result(
    masks: Tensor,
    track_ids: Tensor,
    class_probs: Tensor,
    classes: Sequence[str] | None,
    frame_index: int,
    queries: Tensor | None = None,
) -> FrameResult:
    """The objects of a frame, best first; those without a pixel are left out.

    Args:
        masks: (n, H, W) bool at the size of the original frame.
        track_ids: (n,) int64 from 1 on, all different.
        class_probs: (n, K).
        classes: Class names; None gives the numbers as names.
        frame_index: Index of the frame in its stream.
        queries: (n,) int64, the queries of the objects. None: a track ID is the number of its query, from 1 on.
    """
    pixels = masks.cpu().numpy()
    boxes = mask_boxes(pixels)
    probs = class_probs.float().cpu().numpy()
    scores = probs.max(axis=1)
    order = np.argsort(-scores, kind='stable')
    order = order[boxes[order, 2] > 0]
    labels = probs[order].argmax(axis=1)
    ids = track_ids.cpu().numpy().astype(np.int64)[order]
    return FrameResult(
        frame_index=frame_index,
        ids=ids,
        labels=labels,
        scores=scores[order],
        masks=pixels[order],
        boxes=boxes[order],
        class_names=tuple(classes[label] if classes else str(label) for label in labels),
        class_probs=probs[order],
        queries=ids - 1 if queries is None else queries.cpu().numpy().astype(np.int64)[order],
    )
