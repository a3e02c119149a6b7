"""An image segmenter with queries, frame by frame, and track IDs by the similarity of its queries: MinVIS.

Paper: Huang, Yu, Anandkumar, "MinVIS: A Minimal Video Instance Segmentation Framework without Video-based Training",
NeurIPS 2022 (arXiv:2208.02245), Section 3.2: the queries of one object are alike in different frames, so that matching
the decoder's outputs gives the tracks. The network is mmdet's and its parts have mmdet's names, so the checkpoints of
its model zoo load. Two things differ from the paper. Only objects above the score threshold are matched, where MinVIS
matches all queries. The tracker also keeps absent objects, while MinVIS compares only with the frame before.
"""

import time
from dataclasses import replace

import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from mmrcf.errors import InputError
from mmrcf.models.vis.online_model import OnlineModel
from mmrcf.registry import MODELS
from mmrcf.structures import AudioPatch, FrameResult, SlotPredictions, StreamState

from .mmdet_bridge import (
    build_mmdet_part,
    frame_metainfo,
    frame_result,
    keep_queries,
    require_deformable_attention,
    split_queries,
)
from .postprocess import mask_quality, resize_logits, valid_masks


@MODELS.register_module()
class OnlineMask2Former(OnlineModel):
    """Backbone, pixel decoder and transformer decoder of an image segmenter, and a tracker for its queries.

    A query is one object: its class is the most probable one, and its score is that probability times the mean
    probability of its mask, as mmdet scores instances. Masks are those of mmdet at the size of the frame.

    Args:
        backbone: A backbone of mmdet with the levels that the head takes.
        panoptic_head: mmdet's ``Mask2FormerHead`` or ``MaskFormerHead``; of its classes, the things become objects.
        tracker: A tracker; the instance codes of the slots are the outputs of the last decoder layer.
        neck: A neck of mmdet between backbone and head, or None.
        score_thr: Lowest score of an object, in [0, 1].
        max_objects: Of all pairs of query and class, things or not, so many of the most probable ones can become
            objects, at least 1. mmdet takes 100.
        data_preprocessor: Batches clips.
        init_cfg: Weights to start from, as in MMEngine.
    """

    def __init__(
        self,
        backbone: dict,
        panoptic_head: dict,
        tracker: dict,
        neck: dict | None = None,
        score_thr: float = 0.3,
        max_objects: int = 100,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if not 0 <= score_thr <= 1:
            raise InputError(f'model.score_thr={score_thr}: expected a probability in [0, 1]')
        if max_objects < 1:
            raise InputError(f'model.max_objects={max_objects}: expected a number of at least 1')
        self.backbone = build_mmdet_part(backbone)
        self.neck = None if neck is None else build_mmdet_part(neck)
        self.panoptic_head = build_mmdet_part(panoptic_head)
        keep_queries(self.panoptic_head)
        self.tracker = MODELS.build(tracker)
        self.score_thr = score_thr
        self.max_objects = max_objects

    @property
    def num_classes(self) -> int:
        """Number of classes of things."""
        return self.panoptic_head.num_things_classes

    def init_state(self) -> StreamState:
        """The state of a stream before its first frame: the tracker's."""
        device = next(self.parameters()).device
        return StreamState(references=(), track=self.tracker.init_state(self.panoptic_head.num_queries, device))

    @torch.no_grad()
    def step(
        self,
        frame: Tensor,
        state: StreamState,
        *,
        img_shape: tuple[int, int],
        ori_shape: tuple[int, int],
        audio: AudioPatch | None = None,
    ) -> tuple[FrameResult, StreamState]:
        """See :class:`OnlineModel`. Full-size masks of the candidates are part of the network's time."""
        require_deformable_attention(self.panoptic_head, frame)
        started = time.perf_counter()
        padded_shape = tuple(frame.shape[-2:])
        class_probs, mask_logits, codes = self._decode(frame, state.frame_index, img_shape, ori_shape)
        queries = self._candidates(class_probs)
        logits = resize_logits(mask_logits[queries], padded_shape, img_shape, ori_shape)
        masks = logits > 0
        probs = class_probs.new_zeros(len(class_probs), self.num_classes)
        probs[queries] = class_probs[queries, : self.num_classes] * mask_quality(logits, masks)[:, None]
        scores = probs.max(-1).values
        above_thr = torch.zeros_like(scores, dtype=torch.bool)
        above_thr[queries] = (scores[queries] >= self.score_thr) & masks.flatten(1).any(-1)
        small_masks = valid_masks(mask_logits, 0.0, img_shape, padded_shape) & above_thr[:, None, None]
        decoded = self.part_time(frame.device)
        slots = SlotPredictions(masks=small_masks, scores=scores, class_probs=probs, above_thr=above_thr, codes=codes)
        ids, active, track = self.tracker.update(state.track, slots)
        tracked = time.perf_counter()
        shown = active[queries]
        result = frame_result(
            masks=masks[shown],
            track_ids=ids[queries][shown],
            class_probs=probs[queries][shown],
            classes=self.dataset_meta.get('classes'),
            frame_index=state.frame_index,
            queries=queries[shown],
        )
        finished = time.perf_counter()
        result.timings.update(
            network=1e3 * (decoded - started), track=1e3 * (tracked - decoded), masks=1e3 * (finished - tracked)
        )
        return result, replace(state, track=track, frame_index=state.frame_index + 1)

    def _decode(
        self, frame: Tensor, frame_index: int, img_shape: tuple[int, int], ori_shape: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Class probabilities (N, K) of things and stuff, mask logits (N, h, w) and queries (N, C) of a frame."""
        levels = self.backbone(frame)
        if self.neck is not None:
            levels = self.neck(levels)
        sample = DetDataSample(metainfo=frame_metainfo(img_shape, ori_shape, frame.shape[-2:], frame_index))
        outputs, mask_logits = (layers[-1][0] for layers in self.panoptic_head(levels, [sample]))
        class_logits, codes = split_queries(self.panoptic_head, outputs.float())
        return class_logits.softmax(-1)[:, :-1], mask_logits, codes

    def _candidates(self, class_probs: Tensor) -> Tensor:
        """Queries (n,) that may become objects, of class_probs (N, K): the score is the probability at most."""
        pairs = class_probs.flatten().topk(min(self.max_objects, class_probs.numel())).indices
        queries, labels = pairs // class_probs.shape[1], pairs % class_probs.shape[1]
        queries = queries[labels < self.num_classes].unique()
        return queries[class_probs[queries, : self.num_classes].max(-1).values >= self.score_thr]
