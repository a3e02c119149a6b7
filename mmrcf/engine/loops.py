"""Validation and test, frame by frame: the loop owns the stream, as an application would.

The dataset hands out single frames, those of a video one after the other. A frame goes through ``RCF.step``; its masks
become RLE at once, so memory does not grow with the length of a video.
"""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
import torch
from mmengine.model import is_model_wrapper
from mmengine.runner import TestLoop, ValLoop
from mmengine.runner.amp import autocast
from pycocotools import mask as mask_utils
from torch import nn

from mmrcf.errors import InputError
from mmrcf.registry import LOOPS
from mmrcf.structures import FrameResult, StreamState


class FrameStream:
    """Feeds single-frame batches to a model's ``step`` and starts afresh at each new video.

    Args:
        model: An RCF, maybe wrapped for distributed work.

    Attributes:
        step_seconds: What ``model.step`` took for all frames so far.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model.module if is_model_wrapper(model) else model
        self.state: StreamState | None = None
        self.position: tuple[int, int] | None = None
        self.step_seconds = 0.0

    @torch.no_grad()
    def process(self, data_batch: dict) -> dict:
        """Run one frame.

        Args:
            data_batch: A collated batch of one single-frame sample.

        Returns:
            What the metrics read: video_id, frame_id, video_length, ori_shape, ids, queries, labels, scores,
            class_probs and rles.

        Raises:
            InputError: The batch holds more than one frame, or the frames of a video do not come in order.
        """
        batch = self.model.data_preprocessor(data_batch, False)
        shape, sample = tuple(batch['inputs']['img'].shape[:2]), batch['data_samples'][0]
        if shape != (1, 1):
            raise InputError(f'expected one frame a batch, got {shape}; set batch_size=1 and test_mode=True')
        meta = sample.video_data_samples[0].metainfo
        position = (meta['video_id'], meta['frame_id'])
        if meta['frame_id'] == 0:
            self.state = self.model.init_state()
        elif self.position != (meta['video_id'], meta['frame_id'] - 1):
            raise InputError(f'frame {position} came after {self.position}; use sampler type="VideoFrameSampler"')
        self.position = position
        started = perf_counter()
        result, self.state = self.model.step_batch(batch, self.state)
        self.step_seconds += perf_counter() - started
        return metric_record(result, meta)


def metric_record(result: FrameResult, meta: Mapping[str, Any]) -> dict:
    """The record of a frame for the metrics; masks as compressed RLE.

    Args:
        result: Prediction for the frame.
        meta: ``video_id``, ``frame_id``, ``video_length`` and ``ori_shape`` of the frame.
    """
    rles = mask_utils.encode(np.asfortranarray(result.masks.transpose(1, 2, 0).astype(np.uint8))) if len(result) else []
    return {
        'video_id': int(meta['video_id']),
        'frame_id': int(meta['frame_id']),
        'video_length': int(meta['video_length']),
        'ori_shape': tuple(meta['ori_shape'][:2]),
        'ids': result.ids,
        'queries': result.queries,
        'labels': result.labels,
        'scores': result.scores,
        'class_probs': result.class_probs,
        'rles': [{'size': rle['size'], 'counts': rle['counts'].decode()} for rle in rles],
    }


def run_frame(loop: ValLoop | TestLoop, stage: str, index: int, data_batch: dict) -> None:
    """One iteration of a loop that owns a stream: the frame, the metrics, and the hooks around them."""
    loop.runner.call_hook(f'before_{stage}_iter', batch_idx=index, data_batch=data_batch)
    with torch.no_grad(), autocast(enabled=loop.fp16):
        outputs = [loop.stream.process(data_batch)]
    loop.evaluator.process(data_samples=outputs, data_batch=data_batch)
    loop.runner.call_hook(f'after_{stage}_iter', batch_idx=index, data_batch=data_batch, outputs=outputs)


@LOOPS.register_module()
class OnlineValLoop(ValLoop):
    """Validation through ``RCF.step``. Arguments as MMEngine's ``ValLoop``."""

    def run(self) -> dict:
        """Validate once, with a fresh stream."""
        self.stream = FrameStream(self.runner.model)
        return super().run()

    def run_iter(self, idx: int, data_batch: dict) -> None:
        """Run one frame."""
        run_frame(self, 'val', idx, data_batch)


@LOOPS.register_module()
class OnlineTestLoop(TestLoop):
    """Test through ``RCF.step``. Arguments as MMEngine's ``TestLoop``."""

    def run(self) -> dict:
        """Test once, with a fresh stream."""
        self.stream = FrameStream(self.runner.model)
        return super().run()

    def run_iter(self, idx: int, data_batch: dict) -> None:
        """Run one frame."""
        run_frame(self, 'test', idx, data_batch)
