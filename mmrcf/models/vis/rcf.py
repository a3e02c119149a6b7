"""Online video instance segmentation via robust context fusion: the network of Fig. 2, one frame after the other.

features = extract_feat(frame)                 # once a frame; references are features of earlier frames
outputs = fuse_decode(features, references)    # the neck, the mask decoder, the instance-query head
result, state = step(frame, state)             # the above plus track IDs: evaluation, demo and camera call this
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from mmdet.structures import TrackDataSample
from torch import Tensor

from mmrcf.errors import InputError
from mmrcf.registry import MODELS
from mmrcf.structures import AudioPatch, FrameResult, SlotPredictions, StreamState
from mmrcf.utils import counted

from ..audio_encoders.streaming import clip_tokens, stream_tokens
from ..backbones import TimmBackbone, build_backbone
from ..heads import SlotOutputs
from ..layers import TokenGroup, valid_cells
from ..task_modules import frame_targets
from .online_model import OnlineModel
from .postprocess import logit, mask_quality, select_instances, slot_predictions, valid_masks


@MODELS.register_module()
class RCF(OnlineModel):
    """Backbone, neck, mask decoder, head and tracker.

    Args:
        backbone: Gives feature levels, fine to coarse; the last one is tokenised, the others go to the mask decoder. Of
            mmdet (``type='mmdet.ResNet'``) or of timm (``type='timm.convnext_tiny'``,
            :class:`~mmrcf.models.backbones.TimmBackbone`).
        neck: A :class:`~mmrcf.models.necks.BaseContextNeck`.
        mask_decoder: Makes the segmentation map.
        head: Makes class and mask of each instance query.
        tracker: Gives track IDs; used in inference only.
        audio_encoder: A :class:`~mmrcf.models.audio_encoders.BaseAudioEncoder`, which makes context tokens of the audio
            (Section III-C); None for a visual-only model.
        data_preprocessor: Batches clips.
        score_thr: Lowest score of an object, its best non-empty class probability (Section IV-A: 0.4).
        mask_thr: Probability above which a pixel belongs to the mask (Section IV-A: 0.5).
        score_masks: Whether class probabilities are multiplied with the confidence of the mask; see
            :func:`~mmrcf.models.vis.postprocess.mask_quality`. False (the paper): the class alone.
        missing_references: What replaces missing references at the start of a stream, which the paper does not specify:
            the ``'oldest'`` reference (the target itself at the first frame), always the ``'target'``, or ``'zeros'``.
            In inference only: training clips repeat the oldest frame.
        init_cfg: Weights to start from, as in MMEngine.
    """

    allows_half = True

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        mask_decoder: dict,
        head: dict,
        tracker: dict,
        audio_encoder: dict | None = None,
        data_preprocessor: dict | None = None,
        score_thr: float = 0.4,
        mask_thr: float = 0.5,
        score_masks: bool = False,
        missing_references: str = 'oldest',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        for name, value in (('score_thr', score_thr), ('mask_thr', mask_thr)):
            if not 0.0 < value < 1.0:
                raise ValueError(f'model.{name}={value}: expected a number between 0 and 1')
        if missing_references not in ('oldest', 'target', 'zeros'):
            raise ValueError(f'model.missing_references={missing_references!r}: expected "oldest", "target" or "zeros"')
        self.backbone = build_backbone(backbone)
        self.neck = MODELS.build(neck)
        self.mask_decoder = MODELS.build(mask_decoder)
        self.head = MODELS.build(head)
        self.tracker = MODELS.build(tracker)
        self.audio_encoder = MODELS.build(audio_encoder) if audio_encoder else None
        self.score_thr = score_thr
        self.mask_thr = mask_thr
        self.score_masks = score_masks
        self.missing_references = missing_references
        self._check_parts()
        if isinstance(self.backbone, TimmBackbone):
            _check_levels(self.backbone, mask_decoder, neck)

    def _check_parts(self) -> None:
        """Raise an :class:`InputError` if two connected parts do not fit together."""
        pairs = [
            (('neck.embed_dims', self.neck.embed_dims), ('mask_decoder.token_dims', self.mask_decoder.token_dims)),
            (('neck.embed_dims', self.neck.embed_dims), ('head.embed_dims', self.head.embed_dims)),
            (('mask_decoder.out_channels', self.mask_decoder.out_channels), ('head.mask_dims', self.head.mask_dims)),
        ]
        if self.audio_encoder is not None:
            pairs += [
                ((f'neck.{key}', getattr(self.neck, key)), (f'audio_encoder.{key}', getattr(self.audio_encoder, key)))
                for key in ('embed_dims', 'num_references')
            ]
        for (one, first), (other, second) in pairs:
            if first != second:
                raise InputError(f'model.{one}={first} and model.{other}={second} must be equal; correct one of them')
        if self.head.local_content is not None and self.neck.position_mode == 'tokens':
            # Which tokens are around an anchor follows from positions that are apart from the tokens.
            raise InputError(
                "model.head.local_content=True needs model.neck.position_mode='attention', got 'tokens'; change one"
            )

    @property
    def num_classes(self) -> int:
        """Number of classes, without the empty one."""
        return self.head.num_classes

    @property
    def uses_audio(self) -> bool:
        """Whether audio is part of the input."""
        return self.audio_encoder is not None

    def extract_feat(self, frames: Tensor) -> tuple[Tensor, ...]:
        """Backbone levels, fine to coarse, of frames (B, 3, H_in, W_in)."""
        # Convolutions are faster with the channels last, on CPUs and on tensor cores; the values are the same.
        return tuple(self.backbone(frames.contiguous(memory_format=torch.channels_last)))

    def fuse_decode(
        self,
        features: Sequence[Tensor],
        references: Sequence[Tensor],
        extents: Sequence[tuple[int, int]],
        extra: TokenGroup | None = None,
        all_layers: bool = False,
    ) -> list[SlotOutputs]:
        """Fuse the context into the target frames and decode them (Fig. 2).

        Training and inference both call this.

        Args:
            features: Levels of the target frames, each (B, C_l, H_l, W_l); the last is tokenised.
            references: Token-level features of the frames before, newest first, each (B, C, H, W), delta at most. See
                ``missing_references`` for what replaces those that are missing.
            extents: B pairs: valid height and width of the token-level map, in cells.
            extra: Further context tokens.
            all_layers: Whether to return the outputs of all decoder layers, or only of the last.
        """
        context = list(references)[: self.neck.num_references]
        if len(context) < self.neck.num_references:
            target = features[-1]
            stand_in = {
                'oldest': context[-1] if context else target,
                'target': target,
                'zeros': torch.zeros_like(target),
            }[self.missing_references]
            context += [stand_in] * (self.neck.num_references - len(context))
        fused = self.neck(features[-1], context, extents, extra)
        segmentation_map = self.mask_decoder(fused.target_map, features[:-1], extents)
        return self.head(fused, segmentation_map, all_layers)

    def forward(self, inputs: dict, data_samples: list[TrackDataSample] | None = None, mode: str = 'tensor'):
        """MMEngine's entry.

        Args:
            inputs: ``img`` (B, T, 3, H_in, W_in), normalised and padded; for an audio-visual model also ``audio``
                (B, T, 96, 64) and ``audio_valid`` (B, T) bool, the patch that ends at each frame.
            data_samples: One a clip.
            mode: ``'loss'``: losses by name. ``'predict'``: :meth:`predict`. ``'tensor'``: :class:`SlotOutputs` of the
                last decoder layer for the target frames of all clips, ordered clip by clip.
        """
        if mode == 'tensor':
            return self._decode_clips(inputs, data_samples, all_layers=False)[-1]
        return super().forward(inputs, data_samples, mode)

    def loss(self, inputs: dict, data_samples: list[TrackDataSample]) -> dict[str, Tensor]:
        """Losses (Eq. 4) over the target frames of a batch of clips: all frames but the first delta.

        Args:
            inputs: ``img`` (B, delta + S, 3, H_in, W_in), each clip in order of time; audio as in :meth:`forward`.
            data_samples: Ground truth of every frame.
        """
        frames = inputs['img']
        num_targets = self._num_targets(frames)
        if self.head.order_supervision and num_targets < 2:
            raise InputError(
                f'head.order_supervision needs clips with at least 2 target frames, got {num_targets}; '
                'raise num_targets of the training dataset'
            )
        outputs = self._decode_clips(inputs, data_samples, all_layers=self.head.auxiliary_loss)
        stride = frames.shape[-2] // outputs[-1].mask_logits.shape[-2]
        targets = [
            frame_targets(sample, frames.shape[-2:], stride, frames.device)
            for clip in data_samples
            for sample in clip.video_data_samples[-num_targets:]
        ]
        return self.head.loss(outputs, targets, num_targets)

    def init_state(self) -> StreamState:
        """The state of a stream before its first frame."""
        device = next(self.parameters()).device
        return StreamState(references=(), track=self.tracker.init_state(self.head.num_queries, device))

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
        started = time.perf_counter()
        extra, memory = None, state.audio_memory
        if self.audio_encoder is not None:
            extra, memory = stream_tokens(self.audio_encoder, audio, memory)
        output, feature = self.decode_frame(frame, state.references, img_shape, extra)
        slots = self.slot_predictions(output, img_shape, frame.shape[-2:])
        decoded = self.part_time(frame.device)
        ids, active, track = self.tracker.update(state.track, slots)
        tracked = time.perf_counter()
        result = select_instances(
            slots=slots,
            mask_logits=output.mask_logits[0],
            ids=ids,
            active=active,
            mask_logit_thr=self.mask_logit_thr,
            padded_shape=tuple(frame.shape[-2:]),
            img_shape=tuple(img_shape),
            ori_shape=tuple(ori_shape),
            classes=self.dataset_meta.get('classes'),
            frame_index=state.frame_index,
        )
        finished = time.perf_counter()
        result.timings.update(
            network=1e3 * (decoded - started), track=1e3 * (tracked - decoded), masks=1e3 * (finished - tracked)
        )
        references = self.newest_references(feature, state.references)
        index = state.frame_index + 1
        return result, replace(state, references=references, track=track, frame_index=index, audio_memory=memory)

    def decode_frame(
        self,
        frame: Tensor,
        references: Sequence[Tensor],
        img_shape: tuple[int, int],
        extra: TokenGroup | None = None,
    ) -> tuple[SlotOutputs, Tensor]:
        """The network's part of :meth:`step`.

        Args:
            frame: (1, 3, H_in, W_in), normalised and padded.
            references: As in :meth:`fuse_decode`.
            img_shape: Height and width of the frame without its padding.
            extra: Further context tokens: the audio tokens.

        Returns:
            The outputs of the slots, and the token-level feature (1, C, H, W) of the frame: a reference for later
            frames.
        """
        features = self.extract_feat(frame)
        extents = [valid_cells(img_shape, frame.shape[-2:], features[-1].shape[-2:])]
        return self.fuse_decode(features, references, extents, extra)[-1], features[-1]

    def newest_references(self, feature: Tensor, references: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The references of the next frame: ``feature`` before the others, delta at most."""
        return (feature, *references)[: self.neck.num_references]

    @property
    def mask_logit_thr(self) -> float:
        """``mask_thr`` as a logit, so that masks need no sigmoid."""
        return logit(self.mask_thr)

    def class_probs(self, output: SlotOutputs, masks: Tensor) -> Tensor:
        """Probabilities (N, K) of the classes, without the empty one.

        Args:
            output: The outputs of one frame.
            masks: (N, H_o, W_o) bool, its binary masks.
        """
        probabilities = _class_alone(output)
        if self.score_masks:
            probabilities *= _quality(output, masks, slice(None))
        return probabilities

    def slot_predictions(
        self, output: SlotOutputs, img_shape: tuple[int, int], padded_shape: tuple[int, int]
    ) -> SlotPredictions:
        """The predictions of the N slots for one frame, the input of the tracker.

        A slot whose class alone is below the threshold cannot become an object, since ``score_masks`` only lowers a
        score. It has no mask here, and the probabilities of its class alone.

        Args:
            output: The outputs of one frame.
            img_shape: Height and width of the frame without its padding; masks are cut to it.
            padded_shape: Height and width of the network's input.
        """
        probabilities = _class_alone(output)
        slots = (probabilities.amax(-1) >= self.score_thr).nonzero().flatten()
        logits = output.mask_logits[0]
        masks = logits.new_zeros(logits.shape, dtype=torch.bool)
        masks[slots] = valid_masks(logits[slots], self.mask_logit_thr, img_shape, padded_shape)
        if self.score_masks:
            probabilities[slots] *= _quality(output, masks[slots], slots)
        return slot_predictions(masks, probabilities, output.codes[0].float(), self.score_thr)

    def _num_targets(self, frames: Tensor) -> int:
        """Number of target frames S of clips (B, T, 3, H_in, W_in)."""
        num_targets = frames.shape[1] - self.neck.num_references
        if num_targets < 1:
            raise InputError(
                f'clips of {counted(frames.shape[1], "frame")} have no target beside the {self.neck.num_references} '
                'references of the neck; make num_references of the dataset and of the neck equal'
            )
        return num_targets

    def _decode_clips(
        self, inputs: dict, data_samples: list[TrackDataSample] | None, all_layers: bool
    ) -> list[SlotOutputs]:
        """Outputs for all target frames of clips (B, delta + S, 3, H_in, W_in).

        The backbone processes each frame once, and the audio encoder each patch of audio.
        """
        frames = inputs['img']
        batch, length = frames.shape[:2]
        num_targets, delta = self._num_targets(frames), self.neck.num_references
        levels = [level.unflatten(0, (batch, length)) for level in self.extract_feat(frames.flatten(0, 1))]
        targets = [level[:, delta:].flatten(0, 1) for level in levels]
        references = [
            levels[-1][:, delta - age : delta - age + num_targets].flatten(0, 1) for age in range(1, delta + 1)
        ]
        full = tuple(frames.shape[-2:])
        shapes = (
            [full] * batch if data_samples is None else [s.video_data_samples[-1].img_shape[:2] for s in data_samples]
        )
        extra = None if self.audio_encoder is None else clip_tokens(self.audio_encoder, inputs)
        cells = levels[-1].shape[-2:]
        extents = [valid_cells(shape, full, cells) for shape in shapes for _ in range(num_targets)]
        return self.fuse_decode(targets, references, extents, extra, all_layers)


def _class_alone(output: SlotOutputs) -> Tensor:
    """Probabilities (N, K) of the classes of one frame, without the empty one, whatever the masks are."""
    return output.cls_logits[0].float().softmax(-1)[:, :-1]


def _quality(output: SlotOutputs, masks: Tensor, slots: Tensor | slice) -> Tensor:
    """(n, 1), the factor of the class probabilities of n slots with ``score_masks``; see :func:`mask_quality`.

    Args:
        output: The outputs of one frame.
        masks: (n, H_o, W_o) bool.
        slots: Which of the N slots.
    """
    foreground = None if output.foreground is None else output.foreground[0]
    return mask_quality(output.mask_logits[0][slots], masks, foreground)[:, None]


def _check_levels(backbone: TimmBackbone, mask_decoder: dict, neck: dict) -> None:
    """Raise an :class:`InputError` if a level of the backbone has not the width that the next part expects."""
    expected = (*mask_decoder['in_channels'], neck['in_channels'])
    if backbone.out_channels != expected:
        *levels, last = backbone.out_channels
        raise InputError(
            f'model.backbone timm.{backbone.name} gives levels of {list(backbone.out_channels)} channels, but '
            f'mask_decoder and neck take {list(expected)}; set model.mask_decoder.in_channels={levels} and '
            f'model.neck.in_channels={last}'
        )
