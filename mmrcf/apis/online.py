"""One stream: frames go in, objects with identities come out, one call a frame."""

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate

from mmrcf.engine.run_config import explained_config_errors
from mmrcf.errors import InputError
from mmrcf.models import RCF
from mmrcf.registry import TRANSFORMS
from mmrcf.structures import FrameResult, StreamState

from .init_model import init_model


class OnlineSegmenter:
    """Segments and tracks the objects of a stream, frame by frame, in constant memory.

    Frames go through the config's own test pipeline and through ``RCF.step``, the same path as evaluation, so the
    result on a video is what ``tools/test.py`` scores.

    Args:
        config: Config file, a config that was read, or a model from :func:`~mmrcf.apis.init_model` (then the other
            arguments stay at their defaults); several streams can share one model.
        checkpoint: The model's weights.
        device: 'cpu', 'cuda', ...
        cfg_options: Fields of the config to override, by dotted path.

    Example:
        >>> segmenter = OnlineSegmenter('configs/shapes/rcf_r18_shapes.py', 'demo/checkpoints/rcf_r18_shapes.pth')
        >>> for frame in video:  # (H, W, 3) uint8 RGB
        ...     result = segmenter.step(frame)
        ...     print(result.ids, result.class_names, result.masks.shape)
    """

    def __init__(
        self,
        config: str | Path | Config | RCF,
        checkpoint: str | Path | None = None,
        device: str | torch.device = 'cpu',
        cfg_options: dict[str, Any] | None = None,
    ) -> None:
        self.model = config if isinstance(config, RCF) else init_model(config, checkpoint, device, cfg_options)
        self._pipeline = frame_pipeline(self.model.cfg)
        self._state: StreamState | None = None
        self._frame_shape: tuple[int, int] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; empty where neither checkpoint nor config names them."""
        return tuple(self.model.dataset_meta.get('classes') or ())

    def reset(self) -> None:
        """Start a new stream: the next frame is its first, and identities count anew."""
        self._state = None
        self._frame_shape = None

    def step(self, frame: np.ndarray, audio: np.ndarray | None = None) -> FrameResult:
        """Process the next frame of the stream. What is returned is final.

        Args:
            frame: (H, W, 3) uint8 RGB, or (H, W) uint8 grey. All frames of a stream have one size.
            audio: Sound since the last frame, for a model that hears.

        Returns:
            The objects of the frame, masks at its size. ``timings`` in milliseconds: 'preprocess', 'model' (the network
            with tracking and masks, of which 'network', 'track' and 'masks' are parts) and 'total'.

        Raises:
            ValueError: The frame is not of the kind above, its size changed without :meth:`reset`, or sound is given to
                a model that takes none.
        """
        if audio is not None:
            raise InputError('audio: this model takes no sound; call step(frame) or use an audio-visual config')
        frame = _checked_frame(frame, self._frame_shape)
        started = time.perf_counter()
        state = self._state if self._state is not None else self.model.init_state()
        sample = self._pipeline(_frame_record(frame, state.frame_index))
        with torch.no_grad():
            batch = self.model.data_preprocessor(pseudo_collate([sample]), False)
        meta = batch['data_samples'][0].video_data_samples[0].metainfo
        prepared = time.perf_counter()
        result, state = self.model.step(
            batch['inputs']['img'][0], state, img_shape=meta['img_shape'][:2], ori_shape=meta['ori_shape'][:2]
        )
        finished = time.perf_counter()
        self._state, self._frame_shape = state, frame.shape[:2]
        result.timings.update(
            preprocess=1e3 * (prepared - started), model=1e3 * (finished - prepared), total=1e3 * (finished - started)
        )
        return result


def frame_pipeline(config: Config) -> Compose:
    """The test pipeline of ``config`` without the transforms that read files: frames come in as arrays.

    It is ``test_dataloader.dataset.pipeline``, which evaluation uses; ``test_pipeline`` in a config without test data.

    Raises:
        InputError: The config has neither, or a transform cannot be built.
    """
    dataset = (config.get('test_dataloader') or {}).get('dataset') or {}
    steps = dataset.get('pipeline') or config.get('test_pipeline')
    if not steps:
        raise InputError(
            f'config {config.filename}: has no test_dataloader.dataset.pipeline and no test_pipeline; add one'
        )
    steps = [step for step in steps if not step['type'].split('.')[-1].startswith('Load')]
    with explained_config_errors(config):
        return Compose([TRANSFORMS.build(step) for step in steps])


def _frame_record(frame: np.ndarray, index: int) -> dict:
    """What the loading transforms leave for a clip of one frame: images are BGR."""
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
