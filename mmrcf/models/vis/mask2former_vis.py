"""Mask2Former for video, a peer: mmdet's network under the contract of an online model.

Paper: Cheng et al., "Mask2Former for Video Instance Segmentation", 2021 (arXiv:2112.10764). It is a model of whole
clips: a query segments one object in all frames of a clip at once, so the answer for a frame waits for the frames after
it. Here each frame is answered from a clip that ends with it, of one frame unless the config has more, which is the
least that the model can cost; a track ID is the query that found the object, or that of a tracker that matches queries
by their similarity, as MinVIS does (:mod:`.online_mask2former`). The parts have the names that they have in mmdet's
``Mask2FormerVideo``, so checkpoints of its model zoo load. On a GPU it needs the compiled operators of mmcv
(deformable attention); on a CPU mmcv itself computes them with PyTorch.
"""

import time
from dataclasses import replace

import torch
from mmdet.structures import TrackDataSample
from torch import Tensor

from mmrcf.errors import InputError
from mmrcf.models.vis.online_model import OnlineModel
from mmrcf.models.vis.postprocess import resize_logits, valid_masks
from mmrcf.registry import MODELS
from mmrcf.structures import AudioPatch, FrameResult, SlotPredictions, StreamState

from .mmdet_bridge import (
    build_mmdet_part,
    frame_result,
    keep_queries,
    require_deformable_attention,
    split_queries,
    training_samples,
)


@MODELS.register_module()
class OnlineMask2FormerVIS(OnlineModel):
    """A backbone, and a head whose queries attend to all frames of a clip.

    Args:
        backbone: A backbone of mmdet with four levels.
        track_head: mmdet's ``Mask2FormerTrackHead``.
        clip_length: Frames of a clip in inference, at least 1: the newest one and those before it. The features of the
            earlier ones are kept, not computed again.
        max_objects: Of all queries and classes, so many of the most probable pairs become objects; a query that is in
            more than one pair is one object. mmdet takes 10.
        tracker: Gives the track IDs, by the similarity of queries; None: each query has one.
        data_preprocessor: Batches clips.
        init_cfg: Weights to start from, as in MMEngine; those of an image model of mmdet too.
    """

    def __init__(
        self,
        backbone: dict,
        track_head: dict,
        clip_length: int = 1,
        max_objects: int = 10,
        tracker: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        for name, value in (('clip_length', clip_length), ('max_objects', max_objects)):
            if value < 1:
                raise ValueError(f'model.{name}={value}: expected a number of at least 1')
        self.backbone = build_mmdet_part(backbone)
        self.track_head = build_mmdet_part(track_head)
        self.clip_length = clip_length
        self.max_objects = max_objects
        self.tracker = None if tracker is None else MODELS.build(tracker)
        if self.tracker is not None:
            keep_queries(self.track_head)
        self.register_load_state_dict_pre_hook(_take_image_head)

    @property
    def num_classes(self) -> int:
        """Number of classes, without the empty one."""
        return self.track_head.num_classes

    def loss(self, inputs: dict, data_samples: list[TrackDataSample]) -> dict[str, Tensor]:
        """mmdet's losses over clips of ``track_head.num_frames`` frames.

        Args:
            inputs: ``img`` (B, T, 3, H_in, W_in), each clip in order of time.
            data_samples: Ground truth of every frame.

        Raises:
            InputError: The clips have another length, or the operators for a GPU are not compiled.
        """
        clips = inputs['img']
        expected = self.track_head.num_frames
        if clips.shape[1] != expected:
            raise InputError(
                f'model.track_head.num_frames={expected}, but the training clips have {clips.shape[1]} frames; '
                f'set num_references=0 and num_targets={expected} in the training dataset'
            )
        require_deformable_attention(self.track_head, clips)
        samples = training_samples(data_samples, clips.shape[-2:])
        return self.track_head.loss(self.backbone(clips.flatten(0, 1)), samples)

    def init_state(self) -> StreamState:
        """The state of a stream before its first frame; without a tracker ``track`` is None.

        ``references`` will hold the backbone levels, fine to coarse, of the last ``clip_length`` - 1 frames, newest
        first.
        """
        track = None
        if self.tracker is not None:
            track = self.tracker.init_state(self.track_head.num_queries, next(self.parameters()).device)
        return StreamState(references=(), track=track)

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
        """See :class:`OnlineModel`."""
        require_deformable_attention(self.track_head, frame)
        started = time.perf_counter()
        clip = (tuple(self.backbone(frame)), *state.references)
        levels = [level[0] if len(level) == 1 else torch.cat(level[::-1]) for level in zip(*clip, strict=True)]
        class_logits, mask_logits = (layers[-1][0] for layers in self.track_head(levels, None))
        codes = None
        if self.tracker is not None:
            class_logits, codes = split_queries(self.track_head, class_logits)
        class_probs = class_logits.softmax(-1)[:, :-1]
        queries = self._best_queries(class_probs)
        decoded = self.part_time(frame.device)
        ids, track = queries + 1, state.track
        if self.tracker is not None:
            slots = self._slots(queries, class_probs, mask_logits[:, -1], codes, img_shape, tuple(frame.shape[-2:]))
            all_ids, active, track = self.tracker.update(track, slots)
            queries = queries[active[queries]]
            ids = all_ids[queries]
        tracked = time.perf_counter()
        # mmdet enlarges the masks of all queries before it chooses; chosen first, they are the same.
        logits = resize_logits(mask_logits[queries, -1], tuple(frame.shape[-2:]), img_shape, ori_shape)
        result = frame_result(
            masks=logits > 0,
            track_ids=ids,
            class_probs=class_probs[queries],
            classes=self.dataset_meta.get('classes'),
            frame_index=state.frame_index,
            queries=queries,
        )
        finished = time.perf_counter()
        result.timings.update(
            network=1e3 * (decoded - started), track=1e3 * (tracked - decoded), masks=1e3 * (finished - tracked)
        )
        references = clip[: self.clip_length - 1]
        return result, replace(state, references=references, track=track, frame_index=state.frame_index + 1)

    def _slots(
        self,
        queries: Tensor,
        class_probs: Tensor,
        mask_logits: Tensor,
        codes: Tensor,
        img_shape: tuple[int, int],
        padded_shape: tuple[int, int],
    ) -> SlotPredictions:
        """All N queries as a tracker takes them; those of ``queries`` (n,) with a mask are above the threshold."""
        masks = valid_masks(mask_logits, 0.0, img_shape, padded_shape)
        above_thr = torch.zeros(len(masks), dtype=torch.bool, device=masks.device)
        above_thr[queries] = masks[queries].flatten(1).any(-1)
        scores = class_probs.max(-1).values
        return SlotPredictions(masks & above_thr[:, None, None], scores, class_probs, above_thr, codes.float())

    def _best_queries(self, class_probs: Tensor) -> Tensor:
        """Queries (n,) of the ``max_objects`` most probable pairs of query and class, of class_probs (N, K)."""
        pairs = class_probs.flatten().topk(min(self.max_objects, class_probs.numel())).indices
        return (pairs // self.num_classes).unique()


def _take_image_head(_module: torch.nn.Module, state_dict: dict[str, Tensor], prefix: str, *_args: object) -> None:
    """Give the head of an image model, which starts a training, the name that it has in a video model."""
    old, new = f'{prefix}panoptic_head.', f'{prefix}track_head.'
    for key in [key for key in state_dict if key.startswith(old)]:
        state_dict[new + key.removeprefix(old)] = state_dict.pop(key)
