"""Backbones of timm (PyTorch Image Models) as feature pyramids: ``backbone=dict(type='timm.convnext_tiny', ...)``."""

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmrcf.errors import InputError, one_line
from mmrcf.registry import MODELS
from mmrcf.utils import require_file

PREFIX = 'timm.'


@MODELS.register_module()
class TimmBackbone(BaseModule):
    """A model of timm without its classifier, which gives some of its levels.

    Args:
        name: The model's name in timm, with its weights where there are several: 'convnext_tiny.fb_in22k'.
        out_indices: Which levels, fine to coarse. RCF wants strides of 4, 8, 16 and 32: levels 0 to 3 of most
            transformers and ConvNeXts, 1 to 4 of ResNets, whose level 0 has a stride of 2.
        pretrained: Train from timm's weights, which :meth:`init_weights` downloads.
        checkpoint: Train from a file of timm's weights instead.
        norm_eval: Keep batch norms as they are in training.
        options: Further arguments of ``timm.create_model``, for example ``dict(drop_path_rate=0.3)``. Swin and other
            transformers take frames of one size unless it has ``strict_img_size=False`` (Swin) or
            ``dynamic_img_size=True`` (ViT).
        init_cfg: As in MMEngine.

    Attributes:
        out_channels: Channels of the levels.

    Raises:
        InputError: timm is not installed, has no such model, or the model has no such levels, or takes frames of one
            size only and ``options`` has no ``img_size``.
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
        self.pretrained = pretrained
        self.checkpoint = checkpoint
        self.arguments = dict(options or {}, out_indices=tuple(out_indices))
        self.body = _create(name, self.arguments)
        if 'img_size' not in self.arguments and _takes_one_size(self.body):
            raise InputError(
                f'model.backbone timm.{name}: takes frames of one size only; add options=dict(strict_img_size=False), '
                'or dict(dynamic_img_size=True) for a ViT; or that size, as dict(img_size=(height, width))'
            )
        self.norm_eval = norm_eval
        self.out_channels = tuple(self.body.feature_info.channels())
        self._channels_last = getattr(self.body, 'output_fmt', 'NCHW') == 'NHWC'  # as those of Swin

    def init_weights(self) -> None:
        """Take over timm's weights, if the config says so.

        Raises:
            InputFileError: ``checkpoint`` is missing.
            InputError: Nothing in it fits, or timm's weights cannot be downloaded.
        """
        super().init_weights()
        if self.checkpoint is not None:
            path = str(require_file(self.checkpoint, 'model.backbone.checkpoint'))
            body = _create(self.name, self.arguments, pretrained=True, pretrained_cfg_overlay=dict(file=path))
            _require_taken(body.state_dict(), path)
            self.body.load_state_dict(body.state_dict())
        elif self.pretrained:
            self.body.load_state_dict(_create(self.name, self.arguments, pretrained=True).state_dict())

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


def is_timm(part: Mapping[str, Any]) -> bool:
    """Whether a part of a config is a :class:`TimmBackbone`."""
    kind = str(part.get('type'))
    return kind.startswith(PREFIX) or kind.rpartition('.')[2] == TimmBackbone.__name__


def build_backbone(config: Mapping[str, Any]) -> nn.Module:
    """Build a backbone of any package: ``type='timm.NAME'`` is a :class:`TimmBackbone`."""
    kind = str(config.get('type'))
    if kind.startswith(PREFIX):
        options = {key: value for key, value in config.items() if key != 'type'}
        config = dict(type='mmrcf.TimmBackbone', name=kind.removeprefix(PREFIX), **options)
    return MODELS.build(config)


def _create(name: str, arguments: Mapping[str, Any], **weights: Any) -> nn.Module:
    """The feature pyramid of a model, with random weights unless ``weights`` says other."""
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
    try:
        return timm.create_model(name, features_only=True, **arguments, **weights)
    except OSError as error:
        raise InputError(
            f'model.backbone timm.{name}: its weights cannot be downloaded ({one_line(error)}); give a file of them as '
            'checkpoint, or set pretrained=False'
        ) from error
    except (AssertionError, IndexError, RuntimeError, TypeError) as error:
        raise InputError(
            f'model.backbone timm.{name}: cannot be built with {dict(arguments)} ({type(error).__name__}: '
            f'{one_line(error)}); correct them'
        ) from error


def _takes_one_size(body: nn.Module) -> bool:
    return any(getattr(module, 'strict_img_size', False) for module in body.modules())


def _require_taken(taken: Mapping[str, Tensor], path: str) -> None:
    """Raise :class:`InputError` if no weight is from the file: timm passes over what does not fit."""
    from timm.models import load_state_dict

    by_shape = defaultdict(list)
    for weight in load_state_dict(path).values():
        by_shape[weight.shape].append(weight)
    # Vectors may have their values by chance: norms begin with 1, biases with 0.
    if not any(
        torch.equal(value, weight) for value in taken.values() if value.ndim > 1 for weight in by_shape[value.shape]
    ):
        raise InputError(f"model.backbone.checkpoint={path}: none of its weights fits; give a file of the model's own")
