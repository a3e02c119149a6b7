"""The contract of a model that segments and tracks a stream frame by frame: RCF, and the peers it is compared with."""

import time
from abc import ABCMeta, abstractmethod

import torch
from mmdet.structures import TrackDataSample
from mmengine.model import BaseModel
from torch import Tensor

from mmrcf.structures import AudioPatch, FrameResult, StreamState


class OnlineModel(BaseModel, metaclass=ABCMeta):
    """Base of models for streams: evaluation, demo, camera and benchmarks call it.

    A model stores nothing of a stream: the caller holds the state, so one model can process many streams.

    Args:
        data_preprocessor: Batches clips.
        init_cfg: Weights to start from, as in MMEngine.
    """

    allows_half = False
    """Whether every operator of the network runs in half precision; if not, the precision 'auto' is fp32."""

    def __init__(self, data_preprocessor: dict | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.dataset_meta: dict = {}
        self.times_parts = False

    def part_time(self, device: torch.device) -> float:
        """The time at the end of a part of :meth:`step`, in seconds.

        A GPU still works when a call returns. Only if ``times_parts`` is True, which benchmarks set, this waits for it;
        otherwise its work counts for the part in which a result is first read.
        """
        if self.times_parts and device.type == 'cuda':
            torch.cuda.synchronize(device)
        return time.perf_counter()

    def forward(self, inputs: dict, data_samples: list[TrackDataSample] | None = None, mode: str = 'predict'):
        """MMEngine's entry.

        Args:
            inputs: ``img`` (B, T, 3, H_in, W_in), normalised and padded; audio as in :meth:`predict`.
            data_samples: One a clip.
            mode: ``'loss'``: losses by name. ``'predict'``: :meth:`predict`.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise ValueError(f'mode={mode!r}: expected "loss" or "predict"')

    def loss(self, inputs: dict, data_samples: list[TrackDataSample]) -> dict[str, Tensor]:
        """Losses by name of a batch of clips, for a model that can be trained."""
        raise ValueError(f"mode='loss': {type(self).__name__} can only predict")

    @property
    @abstractmethod
    def num_classes(self) -> int:
        """Number of classes, without the empty one."""

    @property
    def uses_audio(self) -> bool:
        """Whether audio is part of the input."""
        return False

    @abstractmethod
    def init_state(self) -> StreamState:
        """The state of a stream before its first frame."""

    @abstractmethod
    def step(
        self,
        frame: Tensor,
        state: StreamState,
        *,
        img_shape: tuple[int, int],
        ori_shape: tuple[int, int],
        audio: AudioPatch | None = None,
    ) -> tuple[FrameResult, StreamState]:
        """Segment and track one frame of one stream. The result is final.

        Args:
            frame: (1, 3, H_in, W_in), normalised and padded.
            state: The state after the frame before; it is not changed.
            img_shape: Height and width of the frame without its padding.
            ori_shape: Height and width of the masks in the result.
            audio: The audio that ends at the frame. None: there is no audio; a visual-only model ignores it.

        Returns:
            The result, and the state for the next frame. ``timings`` of the result has the milliseconds of each part of
            the step.
        """

    @torch.no_grad()
    def step_batch(
        self, batch: dict, state: StreamState, clip: int = 0, frame: int = 0
    ) -> tuple[FrameResult, StreamState]:
        """:meth:`step` on one frame of a batch: evaluation, :meth:`predict` and ``OnlineSegmenter`` all call it.

        Args:
            batch: ``inputs`` and ``data_samples`` as in :meth:`predict`, as the data preprocessor returns them.
            state: As in :meth:`step`.
            clip: Index of the clip in the batch.
            frame: Index of the frame in the clip.
        """
        inputs, meta = batch['inputs'], batch['data_samples'][clip].video_data_samples[frame].metainfo
        return self.step(
            inputs['img'][clip, frame][None],
            state,
            img_shape=meta['img_shape'][:2],
            ori_shape=meta['ori_shape'][:2],
            audio=AudioPatch.of_batch(inputs, clip, frame),
        )

    @torch.no_grad()
    def predict(self, inputs: dict, data_samples: list[TrackDataSample]) -> list[list[FrameResult]]:
        """Run each clip as a separate stream, frame by frame.

        Args:
            inputs: ``img`` (B, T, 3, H_in, W_in); for an audio-visual model also ``audio`` (B, T, 96, 64) and
                ``audio_valid`` (B, T) bool.
            data_samples: With ``img_shape`` and ``ori_shape`` of every frame.

        Returns:
            B lists of T results.
        """
        batch = dict(inputs=inputs, data_samples=data_samples)
        streams = []
        for clip, frames in enumerate(inputs['img']):
            state, results = self.init_state(), []
            for frame in range(len(frames)):
                result, state = self.step_batch(batch, state, clip, frame)
                results.append(result)
            streams.append(results)
        return streams
