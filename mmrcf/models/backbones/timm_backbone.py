"""Backbones of timm (PyTorch Image Models) as feature pyramids: ``backbone=dict(type='timm.convnext_tiny', ...)``."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmrcf.errors import InputError
from mmrcf.registry import MODELS

PREFIX = 'timm.'


@MODELS.register_module()
class TimmBackbone(BaseModule):
    """A model of timm without its classifier, which gives some of its levels.

    Args:
        name: The model's name in timm, with its weights where there are several: 'convnext_tiny.fb_in22k'.
        out_indices: Which levels, fine to coarse. RCF wants strides of 4, 8, 16 and 32: levels 0 to 3 of most
            transformers and ConvNeXts, 1 to 4 of ResNets, whose level 0 has a stride of 2.
        pretrained: Start from timm's weights, which it downloads.
        checkpoint: Start from a file of timm's weights instead.
        norm_eval: Keep batch norms as they are in training.
        options: Further arguments of ``timm.create_model``, for example ``dict(drop_path_rate=0.3)``.
        init_cfg: As in MMEngine.

    Attributes:
        out_channels: Channels of the levels.

    Raises:
        InputError: timm is not installed, has no such model, or the model has no such levels.
    """

    def __init__(
        self,
        name: str,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        pretrained: bool = False,
        checkpoint: str | None = None,
        norm_eval: bool = False,
        options: Mapping[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.name = name
        self.body = _create(name, tuple(out_indices), pretrained, checkpoint, dict(options or {}))
        self.norm_eval = norm_eval
        self.out_channels = tuple(self.body.feature_info.channels())
        self._channels_last = getattr(self.body, 'output_fmt', 'NCHW') == 'NHWC'  # as those of Swin

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Levels (B, C_l, H_l, W_l), fine to coarse, of images (B, 3, H, W)."""
        levels = self.body(images)
        if self._channels_last:
            levels = [level.permute(0, 3, 1, 2) for level in levels]
        return tuple(levels)

    def train(self, mode: bool = True) -> 'TimmBackbone':
        """Switch to training; with ``norm_eval`` batch norms stay as they are."""
        super().train(mode)
        if self.norm_eval:
            for module in self.body.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self


def build_backbone(config: Mapping[str, Any]) -> nn.Module:
    """Build a backbone of any package: ``type='timm.NAME'`` is a :class:`TimmBackbone`."""
    kind = str(config.get('type'))
    if kind.startswith(PREFIX):
        options = {key: value for key, value in config.items() if key != 'type'}
        config = dict(type='mmrcf.TimmBackbone', name=kind.removeprefix(PREFIX), **options)
    return MODELS.build(config)


def _create(
    name: str, out_indices: tuple[int, ...], pretrained: bool, checkpoint: str | None, options: dict
) -> nn.Module:
    try:
        import timm
    except ImportError as error:
        raise InputError(
            f'model.backbone timm.{name}: needs timm, which is not installed; install it with: '
            "pip install 'mmrcf[timm]'"
        ) from error
    if not timm.is_model(name.split('.')[0]):
        close = difflib.get_close_matches(name, timm.list_models(), n=3)
        raise InputError(f'model.backbone timm.{name}: timm has no such model; close names are {", ".join(close)}')
    if checkpoint is not None:
        pretrained, options = True, options | dict(pretrained_cfg_overlay=dict(file=checkpoint))
    try:
        return timm.create_model(name, pretrained=pretrained, features_only=True, out_indices=out_indices, **options)
    except (AssertionError, IndexError, RuntimeError, TypeError) as error:
        raise InputError(
            f'model.backbone timm.{name}: cannot be built with out_indices={out_indices} and options={options} '
            f'({type(error).__name__}: {error}); correct them'
        ) from error
