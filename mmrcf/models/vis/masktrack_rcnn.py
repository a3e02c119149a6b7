"""MaskTrack R-CNN, a peer: mmdet's network and tracker under the contract of an online model.

Paper: Yang, Fan, Xu, "Video Instance Segmentation", ICCV 2019. The parts have the names that they have in mmdet's
``MaskTrackRCNN``, so checkpoints of its model zoo load. It needs the compiled operators of mmcv (RoIAlign, NMS).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from mmrcf.compat import require_operators
from mmrcf.errors import InputError
from mmrcf.models.trackers import BaseTracker
from mmrcf.models.vis.online_model import OnlineModel
from mmrcf.registry import MODELS
from mmrcf.structures import AudioPatch, FrameResult, SlotPredictions, StreamState, TrackState

if TYPE_CHECKING:
    from mmdet.models.trackers import MaskTrackRCNNTracker

from .mmdet_bridge import build_mmdet_part, frame_metainfo, frame_result, training_samples

FRAMES_OF_A_CLIP = 2
MASK_STEP = 4
"""Every so many rows and columns of a mask decide on duplicates."""


@dataclass(frozen=True, eq=False)
class MaskTracks:
    """The state of mmdet's tracker. It drops a track that was not seen for ``num_frames_retain`` frames.

    Attributes:
        tracks: For each live track, by its number, lists of what is known of it (``bboxes``, ``labels``,
            ``roi_feats``, ``frame_ids``, ...); the last entry is the newest and the only one that is used.
        count: Number of tracks so far.
    """

    tracks: Mapping[int, Mapping[str, list[Tensor]]] = field(default_factory=dict)
    count: int = 0


@MODELS.register_module()
class OnlineMaskTrackRCNN(OnlineModel):
    """A two-stage detector, a head that compares its detections with those before, and mmdet's tracker.

    A detection has one class, so its other class probabilities are 0. All detections that ``detector.test_cfg`` lets
    through are results; to keep only high scores, raise ``detector.test_cfg.rcnn.score_thr``.

    Args:
        detector: A two-stage detector of mmdet with masks.
        track_head: mmdet's ``RoITrackHead``.
        tracker: mmdet's ``MaskTrackRCNNTracker``, or one of ours that matches by instance codes, as
            ``HungarianTracker``: the codes are the embeddings of the track head.
        data_preprocessor: Batches clips.
        init_cfg: Weights to start from, as in MMEngine.

    Raises:
        InputError: mmcv has no compiled operators.
    """

    def __init__(
        self,
        detector: dict,
        track_head: dict,
        tracker: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        require_operators('MaskTrack R-CNN')
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.detector = build_mmdet_part(detector)
        self.track_head = build_mmdet_part(track_head)
        is_ours = not str(tracker.get('type')).startswith('mmdet.')
        self.tracker: MaskTrackRCNNTracker | BaseTracker = (
            MODELS.build(tracker) if is_ours else build_mmdet_part(tracker)
        )

    @property
    def num_classes(self) -> int:
        """Number of classes, without the empty one."""
        return self.detector.roi_head.bbox_head.num_classes

    def loss(self, inputs: dict, data_samples: list[TrackDataSample]) -> dict[str, Tensor]:
        """mmdet's losses: detection on the newer frame of each clip, matching to the objects of the older one.

        Args:
            inputs: ``img`` (B, 2, 3, H_in, W_in), each clip in order of time.
            data_samples: Ground truth of both frames.

        Raises:
            InputError: The clips have another length.
        """
        clips = inputs['img']
        if clips.shape[1] != FRAMES_OF_A_CLIP:
            raise InputError(
                f'MaskTrack R-CNN learns from clips of {FRAMES_OF_A_CLIP} frames, got {clips.shape[1]}; '
                'set num_references=0 and num_targets=2 in the training dataset'
            )
        samples = training_samples(data_samples, clips.shape[-2:])
        keys = [sample.get_key_frames()[0] for sample in samples]
        references, targets = (self.detector.extract_feat(frames.contiguous()) for frames in clips.unbind(1))
        losses, proposals = self.detector.rpn_head.loss_and_predict(
            targets, keys, proposal_cfg=self.detector.train_cfg.rpn_proposal
        )
        losses |= self.detector.roi_head.loss(targets, proposals, keys)
        losses |= self.track_head.loss(targets, references, proposals, samples)
        return losses

    def init_state(self) -> StreamState:
        """The state of a stream before its first frame; ``track`` is a :class:`MaskTracks`, or that of our tracker."""
        if isinstance(self.tracker, BaseTracker):
            most = self.detector.test_cfg.rcnn.max_per_img
            return StreamState((), self.tracker.init_state(most, next(self.parameters()).device))
        return StreamState(references=(), track=MaskTracks())

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
        """See :class:`OnlineModel`. Full-size masks are part of the network's time: mmdet makes them in its head."""
        started = time.perf_counter()
        sample = DetDataSample(metainfo=frame_metainfo(img_shape, ori_shape, frame.shape[-2:], state.frame_index))
        features = self.detector.extract_feat(frame)
        proposals = self.detector.rpn_head.predict(features, [sample])
        sample.pred_instances = self.detector.roi_head.predict(features, proposals, [sample], rescale=True)[0]
        detected = self.part_time(frame.device)
        track = self._track_of_codes if isinstance(self.tracker, BaseTracker) else self._track_of_mmdet
        objects, memory = track(features, sample, state.track)
        tracked = time.perf_counter()
        class_probs = objects.scores.new_zeros(len(objects), self.num_classes)
        class_probs.scatter_(1, objects.labels[:, None], objects.scores[:, None])
        result = frame_result(
            masks=objects.masks,
            track_ids=objects.instances_id + 1,
            class_probs=class_probs,
            classes=self.dataset_meta.get('classes'),
            frame_index=state.frame_index,
        )
        finished = time.perf_counter()
        result.timings.update(
            network=1e3 * (detected - started), track=1e3 * (tracked - detected), masks=1e3 * (finished - tracked)
        )
        return result, replace(state, track=memory, frame_index=state.frame_index + 1)

    def _track_of_mmdet(
        self, features: Sequence[Tensor], sample: DetDataSample, memory: MaskTracks
    ) -> tuple[InstanceData, MaskTracks]:
        """The detections with ``instances_id``, from 0 on, by mmdet's tracker, and its new state."""
        tracker = self._tracker_of(memory)
        objects = _one_of_each(tracker.track(model=self, feats=features, data_sample=sample))
        return objects, MaskTracks(tracker.tracks, tracker.num_tracks)

    def _track_of_codes(
        self, features: Sequence[Tensor], sample: DetDataSample, memory: TrackState
    ) -> tuple[InstanceData, TrackState]:
        """As :meth:`_track_of_mmdet`, by our tracker; a frame without detections leaves its state as it is."""
        objects = sample.pred_instances
        if not len(objects):
            return InstanceData(instances_id=objects.labels.new_zeros(0), **dict(objects.items())), memory
        boxes = objects.bboxes * objects.bboxes.new_tensor(sample.metainfo['scale_factor']).repeat(1, 2)
        roi_feats, counts = self.track_head.extract_roi_feats(features, [boxes])
        class_probs = objects.scores.new_zeros(len(objects), self.num_classes)
        class_probs.scatter_(1, objects.labels[:, None], objects.scores[:, None])
        slots = SlotPredictions(
            masks=objects.masks[:, ::MASK_STEP, ::MASK_STEP],
            scores=objects.scores,
            class_probs=class_probs,
            above_thr=objects.masks.flatten(1).any(-1),
            codes=self.track_head.embed_head.extract_feat(roi_feats, counts)[0],
        )
        ids, active, memory = self.tracker.update(memory, slots)
        return InstanceData(instances_id=ids - 1, **dict(objects.items()))[active], memory

    def _tracker_of(self, memory: MaskTracks) -> MaskTrackRCNNTracker:
        """A tracker that continues from ``memory`` and leaves it as it is.

        mmdet's keeps all of a track's past, masks included, and reads the newest entry only: only that goes along.
        """
        tracker = copy.copy(self.tracker)
        tracker.tracks = {
            number: {key: [] if key == 'masks' else entries[-1:] for key, entries in track.items()}
            for number, track in memory.tracks.items()
        }
        tracker.num_tracks = memory.count
        return tracker


def _one_of_each(objects: InstanceData) -> InstanceData:
    """``objects`` with every track ID once.

    mmdet's tracker gives a track ID to a detection and then to a later one that fits better; the later one counts, as
    in its memory and in its evaluation.
    """
    last = {track_id: index for index, track_id in enumerate(objects.instances_id.tolist())}
    return objects[torch.tensor(list(last.values()), dtype=torch.long)]
