"""An exported step in the place of the model that it was made from: evaluation, demo, camera and benchmark take it."""

import time
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseDataPreprocessor
from torch import Tensor, nn

from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.config_fields import config_parts
from mmrcf.engine.config_options import override
from mmrcf.errors import InputError
from mmrcf.models import MatchingFreeTracker, OnlineModel
from mmrcf.models.audio_encoders import PATCH_SHAPE
from mmrcf.models.data_preprocessors.rcf_data_preprocessor import stack_audio
from mmrcf.models.vis.postprocess import logit, select_instances
from mmrcf.registry import MODELS, TRANSFORMS
from mmrcf.structures import AudioPatch, FrameResult, SlotPredictions, StreamState, TrackState

from .step_info import STATE_OUTPUTS, StepInfo

# What of the config works outside the graph, and so can still be changed.
OPEN_OPTIONS = ('model.score_thr', 'model.tracker')


def is_open_option(option: str) -> bool:
    """Whether a field of the config, by its dotted path, can still be changed in an exported step."""
    return option == 'model.score_thr' or f'{option}.'.startswith('model.tracker.')


class Graph(Protocol):
    """An exported step, whatever runs it."""

    info: StepInfo
    setup: str
    """Runtime, device and precision, for reports."""

    def __call__(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name for inputs by name; see :class:`~mmrcf.export.StepGraph`."""


@dataclass(frozen=True, eq=False)
class ExportedState(StreamState):
    """The state of a stream of an exported step.

    Attributes:
        carried: What goes into the state inputs of the graph, by name; empty before the first frame.
    """

    carried: dict[str, np.ndarray] = field(default_factory=dict)


class RawFrames(BaseDataPreprocessor):
    """Batches frames of one size as they are: the graph normalises and pads. Audio as ``RCFDataPreprocessor``."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """Stack B clips (T, 3, h, w) uint8, and their audio where there is any; see ``RCFDataPreprocessor``."""
        data = self.cast_data(data)
        clips = list(data['inputs']['img'])
        sizes = sorted({f'{clip.shape[-1]}x{clip.shape[-2]}' for clip in clips})
        if len(sizes) > 1:
            raise InputError(f'an exported model takes clips of one size in a batch, got {", ".join(sizes)}')
        inputs = {'img': torch.stack(clips), **stack_audio(data['inputs'])}
        return {'inputs': inputs, 'data_samples': data['data_samples']}


class ExportedModel(OnlineModel):
    """Runs an exported step as a stream; track IDs and full-size masks come from the same code as in ``RCF.step``.

    Args:
        graph: What runs the step.
        origin: The file, for messages.
        cfg_options: Fields to override, by dotted path: ``model.score_thr`` or of ``model.tracker``. The others are
            fixed in the graph.

    Raises:
        InputError: An option is none of these, or tracker or pipeline are not of this package.
    """

    def __init__(self, graph: Graph, origin: str, cfg_options: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.data_preprocessor = RawFrames()
        # Callers ask the parameters of a model where it runs; this one has its weights elsewhere.
        self.device_holder = nn.Parameter(torch.zeros(0), requires_grad=False)
        self.graph = graph
        self.info = info = graph.info
        self.state_inputs = tuple(info.first_state((1, 1)))
        self.cfg = _config(info, origin, cfg_options or {})
        with explained_config_errors(self.cfg):
            self.tracker = MODELS.build(self.cfg.model.tracker)
        self.score_thr = self.cfg.model.score_thr
        self.mask_logit_thr = logit(info.mask_thr)
        self.dataset_meta = {'classes': tuple(info.class_names)} if info.class_names else {}
        self.eval()

    @property
    def num_classes(self) -> int:
        """Number of classes, without the empty one."""
        return self.info.num_classes

    @property
    def uses_audio(self) -> bool:
        """Whether audio is part of the input."""
        return self.info.audio_dims is not None

    def init_state(self) -> ExportedState:
        """The state of a stream before its first frame."""
        return ExportedState(references=(), track=self.tracker.init_state(self.info.num_queries))

    @torch.no_grad()
    def step(
        self,
        frame: Tensor,
        state: ExportedState,
        *,
        img_shape: tuple[int, int],
        ori_shape: tuple[int, int],
        audio: AudioPatch | None = None,
    ) -> tuple[FrameResult, ExportedState]:
        """See :class:`~mmrcf.models.OnlineModel`; ``frame`` is (1, 3, h, w) uint8, neither normalised nor padded."""
        started = time.perf_counter()
        shape = tuple(frame.shape[-2:])
        outputs = self.graph(self._feeds(frame, state, audio))
        if (wrong := self.info.wrong_output(outputs)) is not None:
            raise InputError(
                f'{self.cfg.filename}: its output {wrong} is not as its metadata say; export the model again'
            )
        decoded = time.perf_counter()
        slots = self._slots(outputs)
        ids, active, track = self._track_ids(state, slots, outputs)
        tracked = time.perf_counter()
        result = select_instances(
            slots=slots,
            mask_logits=torch.from_numpy(outputs['mask_logits']),
            ids=ids,
            active=active,
            mask_logit_thr=self.mask_logit_thr,
            padded_shape=self.info.padded_shape(shape),
            img_shape=tuple(img_shape),
            ori_shape=tuple(ori_shape),
            classes=self.dataset_meta.get('classes'),
            frame_index=state.frame_index,
        )
        finished = time.perf_counter()
        result.timings.update(
            network=1e3 * (decoded - started), track=1e3 * (tracked - decoded), masks=1e3 * (finished - tracked)
        )
        carried = {name: outputs[STATE_OUTPUTS[name]] for name in self.state_inputs}
        return result, replace(state, track=track, frame_index=state.frame_index + 1, carried=carried)

    def _feeds(self, frame: Tensor, state: ExportedState, audio: AudioPatch | None) -> dict[str, np.ndarray]:
        """Inputs of the graph by name."""
        shape = tuple(frame.shape[-2:])
        fixed = self.info.frame_shape
        if fixed is not None and shape != tuple(fixed):
            raise InputError(
                f'{self.cfg.filename}: takes frames that are {fixed[1]}x{fixed[0]} after the test pipeline, these are '
                f'{shape[1]}x{shape[0]}; export it with their --size, or with --dynamic'
            )
        feeds = {'frame': frame.numpy(), **(state.carried or self.info.first_state(shape))}
        if self.uses_audio:
            feeds['log_mel'] = np.zeros((1, *PATCH_SHAPE), np.float32) if audio is None else audio.log_mel.numpy()
            feeds['has_audio'] = np.zeros(1, bool) if audio is None else audio.valid.numpy()
        return feeds

    def _slots(self, outputs: dict[str, np.ndarray]) -> SlotPredictions:
        """The N slots as the tracker takes them; see ``RCF.slot_predictions``."""
        tensors = {name: torch.from_numpy(outputs[name]) for name in ('masks', 'scores', 'class_probs', 'codes')}
        above_thr = (tensors['scores'] >= self.score_thr) & tensors['masks'].flatten(1).any(-1)
        return SlotPredictions(**tensors, above_thr=above_thr)

    def _track_ids(
        self, state: ExportedState, slots: SlotPredictions, outputs: dict[str, np.ndarray]
    ) -> tuple[Tensor, Tensor, TrackState]:
        """The tracker's result; where the graph has the overlaps, they are not computed again."""
        if not (self.info.overlaps and isinstance(self.tracker, MatchingFreeTracker)):
            return self.tracker.update(state.track, slots)
        # The graph compares with all masks of the frame before, the tracker with those that were shown.
        active_before = state.track.ages.numpy() == 0
        before = np.where(active_before, outputs['previous_overlaps'], 0.0)
        return self.tracker.follow(state.track, slots, outputs['overlaps'], before)


def _config(info: StepInfo, origin: str, options: dict[str, Any]) -> Config:
    """The parts outside the graph, as a config; nothing else is used of the config in the file."""
    model = dict(score_thr=info.score_thr, mask_thr=info.mask_thr, tracker=info.tracker)
    # With a text of its own: a config reads the file of its name otherwise.
    config = Config(dict(model=model, test_pipeline=info.pipeline), cfg_text=f'# from {origin}', filename=origin)
    for option in options:
        if not is_open_option(option):
            raise InputError(
                f'option {option}: is fixed in {origin}, where only {" and ".join(OPEN_OPTIONS)} can be changed; '
                'export the model again with it'
            )
    override(config, options)
    if not all(isinstance(step, dict) and isinstance(step.get('type'), str) for step in config.test_pipeline):
        raise InputError(f'{origin}: metadata field pipeline is no list of transforms; export the model again')
    _require_own_parts(config, origin)
    for name in ('score_thr', 'mask_thr'):
        value = config.model[name]
        if not isinstance(value, float) or not 0.0 < value < 1.0:
            raise InputError(f'{origin}: model.{name}={value!r}: expected a number between 0 and 1')
    return config


def _require_own_parts(config: Config, origin: str) -> None:
    """Refuse a part that is not in our registries: MMEngine would import and call whatever its name points to."""
    for field_name, part in config_parts(config):
        registry = TRANSFORMS if field_name.startswith('test_pipeline') else MODELS
        if '_scope_' in part:
            raise InputError(f'{origin}: {field_name}._scope_ names another package; export the model again')
        if 'type' in part and str(part['type']).removeprefix('mmrcf.') not in registry.module_dict:
            raise InputError(
                f'{origin}: {field_name}.type={part["type"]!r} is not registered; import the module that registers it '
                'first, or export the model again'
            )
