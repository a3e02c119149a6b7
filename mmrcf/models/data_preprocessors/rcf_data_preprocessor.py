"""Batches clips: normalises frames and pads them to one size; stacks their audio."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmrcf.registry import MODELS
from mmrcf.structures import AUDIO_KEYS


@MODELS.register_module()
class RCFDataPreprocessor(BaseDataPreprocessor):
    """From uint8 clips to a padded, normalised batch on the model's device.

    Args:
        mean: Mean of each of the three channels, in the order that the model sees.
        std: Standard deviation of each of them, above 0.
        bgr_to_rgb: Whether to turn the channels round first; images read by mmcv are BGR.
        pad_size_divisor: Height and width are padded, at the bottom and right, to multiples of this, at least 1.

    Raises:
        ValueError: One of them is not as described.
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], bgr_to_rgb: bool = True, pad_size_divisor: int = 32
    ) -> None:
        super().__init__(non_blocking=True)  # from pinned memory; other copies wait all the same
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f'mean={mean}, std={std}: expected three numbers each, those of std above 0')
        if pad_size_divisor < 1:
            raise ValueError(f'pad_size_divisor={pad_size_divisor}: expected at least 1')
        self.bgr_to_rgb = bgr_to_rgb
        self.pad_size_divisor = pad_size_divisor
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1), persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Batch.

        Args:
            data: ``inputs`` with ``img``, B clips (T, 3, h, w) uint8 of any sizes and one T, and where there is audio
                ``audio``, B (T, 96, 64) float, and ``audio_valid``, B (T,) bool, both None for a clip without it;
                ``data_samples``, B ``TrackDataSample``.
            training: Not used; frames are treated alike in training and inference.

        Returns:
            ``inputs`` with ``img`` (B, T, 3, H, W) float, and where at least one clip has audio ``audio``
            (B, T, 96, 64) float and ``audio_valid`` (B, T) bool, zeros and False for clips without;
            ``data_samples`` with ``batch_input_shape`` set on every frame.
        """
        data = self.cast_data(data)
        clips = data['inputs']['img']
        divisor = self.pad_size_divisor
        height = max(-(-clip.shape[-2] // divisor) * divisor for clip in clips)
        width = max(-(-clip.shape[-1] // divisor) * divisor for clip in clips)
        batch = []
        for clip in clips:
            clip = clip.flip(1) if self.bgr_to_rgb else clip
            clip = (clip.float() - self.mean) / self.std
            batch.append(F.pad(clip, (0, width - clip.shape[-1], 0, height - clip.shape[-2])))
        for sample in data['data_samples'] or []:
            for frame in sample.video_data_samples:
                frame.set_metainfo({'batch_input_shape': (height, width)})
        inputs = {key: value for key, value in data['inputs'].items() if key not in AUDIO_KEYS}
        inputs |= {'img': torch.stack(batch), **stack_audio(data['inputs'])}
        return {'inputs': inputs, 'data_samples': data['data_samples']}


def stack_audio(inputs: dict) -> dict[str, Tensor]:
    """``audio`` and ``audio_valid`` of a batch; none of them where no clip has audio.

    Args:
        inputs: As in :class:`RCFDataPreprocessor`.
    """
    stacked = {}
    for key in AUDIO_KEYS:
        clips = inputs.get(key, ())
        like = next((clip for clip in clips if clip is not None), None)
        if like is not None:
            stacked[key] = torch.stack([torch.zeros_like(like) if clip is None else clip for clip in clips])
    return stacked
