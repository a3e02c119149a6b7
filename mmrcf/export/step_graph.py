"""One step of RCF as a function of tensors, for export."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmrcf.errors import InputError
from mmrcf.models import RCF, MatchingFreeTracker, RCFDataPreprocessor
from mmrcf.models.audio_encoders import PATCH_SHAPE
from mmrcf.models.layers import TokenGroup, valid_cells

from .step_info import padded_shape

# Height and width of the frame that a graph for any size is traced with: both are padded, and no two sides are equal.
TRACED_SHAPE = (153, 251)
# Up to so many queries the overlaps are part of the graph. All pairs of 192 masks would take an eighth of its time, the
# few active ones outside of it next to none.
MAX_OVERLAPPING = 64


class StepGraph(nn.Module):
    """The network's part of ``RCF.step``, from the uint8 frame on; the state of the stream goes in and comes out.

    In training and evaluation the same parts run: this class only lays out the tensors around ``fuse_decode``.

    Inputs, by name; those of the state are zeros at the first frame, see ``STATE_OUTPUTS`` for the frames after it:

    - ``frame`` (1, 3, h, w) uint8: channels as the pipeline of the config leaves them (BGR), not padded.
    - ``seen`` () int64: frames before this one, at most delta.
    - ``references`` (delta, C, H, W): newest first; of them the first ``seen`` are looked at.
    - ``previous_masks`` (N, H_o, W_o) bool: ``masks`` of the frame before. With the matching-free tracker and at most
      ``MAX_OVERLAPPING`` queries only.
    - ``log_mel`` (1, 96, 64) and ``has_audio`` (1,) bool: the audio that ends at the frame. Audio-visual models only.
    - ``audio_features`` (delta, D) and ``audio_valid`` (delta,) bool: of the patches before, newest first.

    Outputs:

    - ``class_probs`` (N, K) and ``scores`` (N,): probabilities of the classes, and the best one; with
      ``score_masks`` those of the masks are part of them.
    - ``mask_logits`` (N, H_o, W_o), and ``masks``, bool, which are those above the threshold within the frame.
    - ``codes`` (N, C_e): the instance codes.
    - ``overlaps`` and ``previous_overlaps`` (N, N) float64: IoU of the masks with each other, and of each (rows) with
      ``previous_masks`` (columns). What the matching-free tracker needs; where ``previous_masks`` is an input.
    - ``next_seen``, ``next_references``, ``next_audio_features``, ``next_audio_valid``: the state.

    Where delta is 0 there are no references, and no features of earlier audio.

    Args:
        model: The model; it is not changed.
        frame_shape: Height and width of the frame, where it is fixed. None: any size.

    Raises:
        InputError: The model is no RCF, or its parts are of another kind than this graph has.
    """

    def __init__(self, model: RCF, frame_shape: tuple[int, int] | None = None) -> None:
        super().__init__()
        if not isinstance(model, RCF) or not isinstance(model.data_preprocessor, RCFDataPreprocessor):
            raise InputError(
                f'export: the model is a {type(model).__name__} with a {type(model.data_preprocessor).__name__}; '
                'only an RCF with an RCFDataPreprocessor can be exported'
            )
        self.model = model
        self.frame_shape = frame_shape
        self.delta = model.neck.num_references
        self.overlaps = isinstance(model.tracker, MatchingFreeTracker) and model.head.num_queries <= MAX_OVERLAPPING

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Run the step; see the class."""
        frame = inputs['frame']
        shape = tuple(frame.shape[-2:])
        image = self.padded(frame)
        features = self.model.extract_feat(image)
        outputs: dict[str, Tensor] = {}
        references, extra = [], None
        if self.delta:
            newest = torch.cat([features[-1], inputs['references']])  # the frame's own feature is at 0
            references = list(newest[self._ages(inputs['seen'])].split(1))
            outputs['next_references'] = newest[: self.delta]
            outputs['next_seen'] = (inputs['seen'] + 1).clamp(max=self.delta)
        if self.model.uses_audio:
            extra, memory = self._audio_tokens(inputs)
            outputs |= memory
        extents = self._extents(shape, image, features[-1])
        slots = self.model.fuse_decode(features, references, extents, extra)[-1]

        outputs['mask_logits'] = slots.mask_logits[0]
        outputs['masks'] = self._masks(slots.mask_logits[0], shape, image)
        outputs['class_probs'] = self.model.class_probs(slots, outputs['masks'])
        outputs['scores'] = outputs['class_probs'].amax(-1)
        outputs['codes'] = slots.codes[0]
        if self.overlaps:
            outputs['overlaps'], outputs['previous_overlaps'] = mask_overlaps(
                outputs['masks'], inputs['previous_masks']
            )
        return {name: outputs[name] for name in self.output_names}

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, in order."""
        names = ['class_probs', 'scores', 'mask_logits', 'masks', 'codes']
        if self.overlaps:
            names += ['overlaps', 'previous_overlaps']
        if self.delta:
            names += ['next_seen', 'next_references']
            if self.model.uses_audio:
                names += ['next_audio_features', 'next_audio_valid']
        return names

    @torch.no_grad()
    def example(self) -> dict[str, Tensor]:
        """Inputs of the right kinds and sizes, in order: those of a frame in the middle of a stream."""
        frame = torch.randint(0, 256, (1, 3, *(self.frame_shape or TRACED_SHAPE)), dtype=torch.uint8)
        levels = self.model.extract_feat(self.padded(frame))
        inputs = {'frame': frame}
        if self.delta:
            inputs['seen'] = torch.tensor(self.delta)
            inputs['references'] = levels[-1].repeat(self.delta, 1, 1, 1).contiguous()
        if self.overlaps:
            inputs['previous_masks'] = torch.rand(self.model.head.num_queries, *levels[0].shape[-2:]) < 0.5
        if self.model.uses_audio:
            inputs |= {'log_mel': torch.randn(1, *PATCH_SHAPE), 'has_audio': torch.ones(1, dtype=torch.bool)}
            if self.delta:
                width = self.model.audio_encoder.feature_dims
                inputs['audio_features'] = torch.randn(self.delta, width)
                inputs['audio_valid'] = torch.ones(self.delta, dtype=torch.bool)
        return inputs

    def padded(self, frame: Tensor) -> Tensor:
        """The frame as ``RCFDataPreprocessor`` makes it, value by value."""
        settings = self.model.data_preprocessor
        frame = frame.flip(1) if settings.bgr_to_rgb else frame
        frame = (frame.float() - settings.mean) / settings.std
        height, width = frame.shape[-2:]
        padded_height, padded_width = padded_shape((height, width), settings.pad_size_divisor)
        return F.pad(frame, (0, padded_width - width, 0, padded_height - height))

    def _ages(self, seen: Tensor) -> Tensor:
        """(delta,) int64, which frames are the references; past ``seen`` as ``RCF.missing_references`` has it."""
        ages = torch.arange(1, 1 + self.delta)
        if self.model.missing_references == 'oldest':
            return torch.minimum(ages, seen)
        if self.model.missing_references == 'target':
            return torch.where(ages <= seen, ages, 0)
        return ages  # the state is zeros there

    def _audio_tokens(self, inputs: dict[str, Tensor]) -> tuple[TokenGroup, dict[str, Tensor]]:
        """Audio tokens, and what the next frames need; see ``mmrcf.models.audio_encoders.streaming.stream_tokens``."""
        encoder = self.model.audio_encoder
        features, valid = encoder.encode(inputs['log_mel']), inputs['has_audio']
        if not self.delta:
            return encoder(features[:, None], valid[:, None]), {}
        features = torch.cat([features, inputs['audio_features']])
        valid = torch.cat([valid, inputs['audio_valid']])
        oldest_first = torch.minimum(torch.arange(self.delta, -1, -1), inputs['seen'])
        memory = {'next_audio_features': features[: self.delta], 'next_audio_valid': valid[: self.delta]}
        return encoder(features[oldest_first][None], valid[oldest_first][None]), memory

    def _extents(self, shape: tuple[int, int], image: Tensor, grid: Tensor) -> list[tuple[int, int]] | Tensor:
        """The one extent of ``fuse_decode``: the part of ``grid`` that the unpadded frame touches, in cells."""
        cells = valid_cells(shape, image.shape[-2:], grid.shape[-2:])
        if self.frame_shape is not None:
            return [cells]
        return torch.cat([torch.full((1, 1), side) for side in cells], dim=1)

    def _masks(self, logits: Tensor, shape: tuple[int, int], image: Tensor) -> Tensor:
        """Binary masks; what one covers beyond the frame does not count."""
        masks = logits > self.model.mask_logit_thr
        cells = valid_cells(shape, image.shape[-2:], logits.shape[-2:])
        if self.frame_shape is not None and cells == tuple(logits.shape[-2:]):
            return masks
        rows, columns = (torch.arange(logits.shape[i - 2]) < cells[i] for i in (0, 1))
        return masks & rows[:, None] & columns


def mask_overlaps(masks: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """As :func:`~mmrcf.models.trackers.overlap.mask_iou`, inside a graph.

    Args:
        masks: (N, h, w) bool.
        before: (M, h, w) bool.

    Returns:
        (N, N) and (N, M) float64, equal to the last bit: the counts are whole numbers.
    """
    count = len(masks)
    every = torch.cat([masks, before]).flatten(1).float()
    areas = every.sum(-1).double()
    common = (every[:count] @ every.mT).double()
    iou = common / (areas[:count, None] + areas - common).clamp(min=1)
    return iou[:, :count], iou[:, count:]
