"""One stream: frames go in, objects with track IDs come out, one call a frame."""

import copy
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope

from mmrcf.audio import AudioChunk, AudioWindow
from mmrcf.audio.chunk import CLOCK_RESTART, check_sample_rate
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.errors import InputError
from mmrcf.export import ExportedModel
from mmrcf.models import OnlineModel
from mmrcf.optimization import PRECISIONS, compile_network, optimize_for_inference, resolve_precision
from mmrcf.registry import SCOPE, TRANSFORMS
from mmrcf.structures import FrameResult, StreamState

from .init_model import init_model

# Frames may lag behind the audio that was handed in by so many seconds; older audio is not kept.
AUDIO_AHEAD = 2.0
AUDIO_TRANSFORM = 'AudioPatches'


class OnlineSegmenter:
    """Segments and tracks the objects of a stream, frame by frame, in constant memory.

    Frames go through the config's own test pipeline and through ``RCF.step``, the same path as evaluation, so the
    result on a video is what ``tools/test.py`` scores.

    Args:
        config: Name of a shipped model ('real', 'shapes', 'shapes-av'), config file, a config that was read, or a model
            from :func:`~mmrcf.apis.init_model` (then the next three stay at their defaults); several streams can share
            one model. A model that is built here has its batch
            norms folded into its convolutions.
        checkpoint: The model's weights.
        device: 'cpu', 'cuda', ...; 'auto': a GPU if there is one, else the CPU.
        cfg_options: Fields of the config to override, by dotted path.
        precision: What the network computes in: 'fp32', 'bf16' or 'fp16'; 'auto': 'fp16' for an RCF on a GPU, 'fp32'
            elsewhere, see :func:`~mmrcf.optimization.resolve_precision`.
        compile: Compile the network: the first frames take long, the others less.
        optimize: Optimize the model that is built here for inference, see
            :func:`~mmrcf.optimization.optimize_for_inference`; False leaves it as the config builds it.
        runtime: What runs an ONNX file: 'onnxruntime' or 'openvino'.

    Example:
        >>> segmenter = OnlineSegmenter('real')
        >>> for frame in video:  # (H, W, 3) uint8 RGB
        ...     result = segmenter.step(frame)
        ...     print(result.ids, result.class_names, result.masks.shape)

    An audio-visual model takes the audio along, at any rate and in chunks of any size:
        >>> segmenter.reset(sample_rate=48000)
        >>> for frame, samples in video:  # (S, channels) since the last frame
        ...     result = segmenter.step(frame, samples)
    """

    def __init__(
        self,
        config: str | Path | Config | OnlineModel,
        checkpoint: str | Path | None = None,
        device: str | torch.device = 'auto',
        cfg_options: dict[str, Any] | None = None,
        *,
        precision: str = 'auto',
        compile: bool = False,
        optimize: bool = True,
        runtime: str = 'onnxruntime',
    ) -> None:
        if isinstance(config, OnlineModel):
            if checkpoint is not None or cfg_options or device != 'auto':
                raise InputError(
                    f'{type(config).__name__}: the model is built already; leave out checkpoint, device and '
                    'cfg_options, or give its config'
                )
            self.model = config
            if isinstance(config, ExportedModel) and precision not in ('auto', 'fp32'):
                raise InputError(f'precision {precision}: an exported model has been given its precision; leave it out')
        else:
            self.model = init_model(config, checkpoint, device, cfg_options, runtime=runtime, precision=precision)
            if optimize:
                optimize_for_inference(self.model)
        self.device = next(self.model.parameters()).device
        full = isinstance(self.model, ExportedModel) or (precision == 'auto' and not self.model.allows_half)
        self.precision = 'fp32' if full else resolve_precision(precision, self.device)
        self._autocast_type = PRECISIONS[self.precision]
        if compile:
            compile_network(self.model)
        self._pipeline = frame_pipeline(self.model.cfg, with_audio=self.model.uses_audio)
        self.reset()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; empty where neither checkpoint nor config names them."""
        return tuple(self.model.dataset_meta.get('classes') or ())

    @property
    def uses_audio(self) -> bool:
        """Whether the model takes audio."""
        return self.model.uses_audio

    @property
    def setup(self) -> str:
        """Runtime, device and precision of the model."""
        if isinstance(self.model, ExportedModel):
            return self.model.graph.setup
        return f'pytorch, {self.device}, {self.precision}'

    def fork(self, score_thr: float | None = None, *, begin_low: bool = False) -> 'OnlineSegmenter':
        """A segmenter at the start of another stream, with the same model; the streams do not share state.

        Args:
            score_thr: Lowest score of an object of that stream, from 0 to 1; None: as in this one. If it is lower, a
                tracker's ``start_score``, at which objects begin, is lowered in proportion.
            begin_low: With ``score_thr``, objects of that stream begin at it, whatever the tracker's ``start_score``:
                for labels, in which an uncertain object is not background.

        Raises:
            InputError: The threshold is out of range, or the model has none.
        """
        other = copy.copy(self)
        if score_thr is not None:
            if not 0 <= score_thr <= 1 or not hasattr(self.model, 'score_thr'):
                raise InputError(f'score_thr {score_thr}: expected a number from 0 to 1, for a model with a threshold')
            other.model = copy.copy(self.model)  # shares its parts, weights and hooks
            other.model.score_thr = score_thr
            start_score = getattr(getattr(self.model, 'tracker', None), 'start_score', None)
            if start_score is not None and (begin_low or score_thr < self.model.score_thr):
                other.model.tracker = copy.copy(self.model.tracker)
                other.model.tracker.start_score = None if begin_low else start_score * score_thr / self.model.score_thr
        other.reset(self._sample_rate)
        return other

    def reset(self, sample_rate: int = 16000) -> None:
        """Start a new stream: the next frame is its first, and the numbering of track IDs starts again.

        Args:
            sample_rate: Samples a second of the audio that will come as arrays.

        Raises:
            InputError: The rate is out of range.
        """
        self._sample_rate = check_sample_rate(sample_rate)
        self._state: StreamState | None = None
        self._audio_window = AudioWindow.empty(keep=AUDIO_AHEAD)
        self._frame_shape: tuple[int, int] | None = None

    def step(
        self, frame: np.ndarray, audio: np.ndarray | AudioChunk | None = None, *, time: float | None = None
    ) -> FrameResult:
        """Process the next frame of the stream. What is returned is final.

        Args:
            frame: (H, W, 3) uint8 RGB, or (H, W) uint8 grey. All frames of a stream have one size.
            audio: Audio since the last frame, for an audio-visual model; None or no samples: nothing came. An array,
                (S,) or (S, channels), has the rate given to :meth:`reset` and continues the audio before; an
                :class:`~mmrcf.audio.AudioChunk` has its own rate and, where audio may be missing, its time.
            time: When the frame was taken, in seconds; audio from then on is not used yet. Audio that comes as
                arrays starts at time 0. None: the end of the audio so far.

        Returns:
            The objects of the frame, masks at its size. ``timings`` in milliseconds: 'preprocess', 'model' (the network
            with tracking and masks, of which 'network', 'track' and 'masks' are parts) and 'total'.

        Raises:
            ValueError: The frame is not of the kind above, its size changed without :meth:`reset`, the samples, their
                rate or the time cannot be used, or audio is given to a model that takes none.
        """
        if audio is not None and not self.uses_audio:
            raise InputError('audio: this model takes no audio; call step(frame) or use an audio-visual config')
        frame = _checked_frame(frame, self._frame_shape)
        started = perf_counter()
        state = self._state if self._state is not None else self.model.init_state()
        window = self._audio_window
        if audio is not None:
            chunk = audio if isinstance(audio, AudioChunk) else AudioChunk(audio, self._sample_rate)
            window = _checked_clock(window, chunk).append(chunk)
        time = (window.end_time or 0.0) if time is None else time
        record = _frame_record(frame, state.frame_index) | dict(audio_window=window, time=[time])
        try:
            sample = self._pipeline(record)
        except KeyError as error:
            raise InputError(
                f'config {self.model.cfg.filename}: a transform of the test pipeline needs {error}, which those before '
                'it do not leave; correct their order'
            ) from error
        with torch.no_grad():
            batch = self.model.data_preprocessor(pseudo_collate([sample]), False)
        preprocessed = perf_counter()
        with torch.autocast(self.device.type, self._autocast_type, enabled=self._autocast_type is not None):
            result, state = self.model.step_batch(batch, state)
        finished = perf_counter()
        # Only now: a frame that is refused leaves the stream as it was.
        self._state, self._audio_window, self._frame_shape = state, window, frame.shape[:2]
        result.timings.update(
            preprocess=1e3 * (preprocessed - started),
            model=1e3 * (finished - preprocessed),
            total=1e3 * (finished - started),
        )
        return result


def frame_pipeline(config: Config, with_audio: bool = False) -> Compose:
    """The test pipeline of ``config`` without the transforms that read files: frames and audio come in as arrays.

    It is ``test_dataloader.dataset.pipeline``, which evaluation uses; ``test_pipeline`` in a config without test data.

    Args:
        config: The config.
        with_audio: Whether the model is audio-visual: its pipeline must load audio.

    Raises:
        InputError: The config has neither, or a transform is missing or cannot be built.
    """
    dataset = (config.get('test_dataloader') or {}).get('dataset') or {}
    steps = dataset.get('pipeline') or config.get('test_pipeline')
    if not steps:
        raise InputError(
            f'config {config.filename}: has no test_dataloader.dataset.pipeline and no test_pipeline; add one'
        )
    names = [step['type'].split('.')[-1] for step in steps]
    if with_audio and AUDIO_TRANSFORM not in names:
        raise InputError(
            f'config {config.filename}: the model is audio-visual, but the test pipeline has no {AUDIO_TRANSFORM}; '
            'put it before PackClip'
        )
    steps = [step for step, name in zip(steps, names, strict=True) if not name.startswith('Load')]
    # Another library of OpenMMLab in this process may have made its own scope the default one.
    with explained_config_errors(config), DefaultScope.overwrite_default_scope(SCOPE):
        return Compose([TRANSFORMS.build(step) for step in steps])


def _frame_record(frame: np.ndarray, index: int) -> dict:
    """The dict after the loading transforms, for a clip of one frame; images are BGR."""
    shape = frame.shape[:2]
    return dict(
        img=[cv2.cvtColor(frame, cv2.COLOR_RGB2BGR if frame.ndim == 3 else cv2.COLOR_GRAY2BGR)],
        img_path=[''],
        img_shape=[shape],
        ori_shape=[shape],
        video_id=[0],
        frame_id=[index],
        video_length=[index + 1],
    )


def _checked_frame(frame: np.ndarray, stream_shape: tuple[int, int] | None) -> np.ndarray:
    if not isinstance(frame, np.ndarray):
        raise InputError(f'frame: is a {type(frame).__name__}, expected a numpy array (H, W, 3) uint8 RGB')
    if frame.dtype != np.uint8:
        raise InputError(f'frame: has dtype {frame.dtype}, expected uint8 from 0 to 255')
    if frame.ndim == 3 and frame.shape[2] == 1:
        frame = frame[..., 0]
    if frame.ndim not in (2, 3) or (frame.ndim == 3 and frame.shape[2] != 3) or 0 in frame.shape:
        raise InputError(f'frame: has shape {frame.shape}, expected (H, W, 3) RGB or (H, W) grey')
    if stream_shape is not None and frame.shape[:2] != stream_shape:
        raise InputError(
            f'frame: height and width are {frame.shape[:2]}, those of the frames before it {stream_shape}; '
            'call reset() before a new stream'
        )
    return np.ascontiguousarray(frame)


def _checked_clock(window: AudioWindow, chunk: AudioChunk) -> AudioWindow:
    """``window``; refuses a chunk of a clock that has started again, which would all be dropped."""
    if chunk.time is not None and window.end_time is not None and chunk.time < window.end_time - CLOCK_RESTART:
        raise InputError(
            f'audio: its time jumps back from {window.end_time:.3f} s to {chunk.time:.3f} s; call reset() before a new '
            'stream'
        )
    return window
