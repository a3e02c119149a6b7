"""From a config and a checkpoint to a model that is ready to run."""

import logging
import os
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmrcf.datasets.classes import resolve_classes
from mmrcf.engine.checkpoint import load_weights, read_checkpoint
from mmrcf.engine.config import load_config
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.config_options import override
from mmrcf.errors import InputError
from mmrcf.export import open_onnx
from mmrcf.model_index import listed_model, no_model
from mmrcf.models import OnlineModel
from mmrcf.registry import MODELS, SCOPE
from mmrcf.shipped_models import SHIPPED_MODELS
from mmrcf.utils import counted

logger = logging.getLogger(__name__)

ONNX_SUFFIX = '.onnx'


def init_model(
    config: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str | torch.device = 'auto',
    cfg_options: dict[str, Any] | None = None,
    *,
    runtime: str = 'onnxruntime',
    precision: str = 'auto',
) -> OnlineModel:
    """Build a model for inference.

    Args:
        config: Config file, or a config that was read. Or a name or file that includes the weights: a shipped model
            ('real', 'shapes', 'shapes-av'), a model of the metafiles ('minvis_r50_coco'), or an ONNX file of
            ``tools/export/onnx_export.py``.
        checkpoint: The weights of a config: a path, an address (https), which is downloaded once, or the name of a
            model. None: those of the name or file, else random ones (for speed measurements and tests).
        device: 'cpu', 'cuda', 'cuda:1' ...; 'auto': a GPU if there is one, else the CPU.
        cfg_options: Fields to override, by dotted path, for example ``{'model.score_thr': 0.3}``.
        runtime, precision: For an ONNX file, see :class:`~mmrcf.apis.OnnxSegmenter`, as its devices.

    Returns:
        The model in evaluation mode on ``device``; ``model.cfg`` is the config, ``model.dataset_meta['classes']`` the
        class names where checkpoint or config have them.

    Raises:
        InputFileError: Config or checkpoint is missing or unreadable.
        InputError: No model has that name, the config cannot be built, the checkpoint does not fit it, or the device is
            not there.
    """
    if isinstance(config, str) and config in SHIPPED_MODELS:
        if checkpoint is not None:
            raise InputError(
                f"checkpoint {checkpoint}: model '{config}' has its own weights; leave the checkpoint out, or give the "
                f'config {SHIPPED_MODELS[config].config}'
            )
        config, checkpoint = SHIPPED_MODELS[config].files()
    elif model := listed_model(config):
        config, checkpoint = model.config_path, model.checkpoint() if checkpoint is None else checkpoint
    elif isinstance(config, str) and config and not Path(config).suffix and not os.path.exists(config):
        raise no_model(config)
    if not isinstance(config, Config) and Path(config).suffix == ONNX_SUFFIX:
        if checkpoint is not None:
            raise InputError(
                f'checkpoint {checkpoint}: ONNX model {config} has its weights in it; leave the checkpoint out'
            )
        return open_onnx(config, None, cfg_options, runtime=runtime, device=str(device), precision=precision)
    if runtime != 'onnxruntime':
        raise InputError(f'runtime {runtime}: is for ONNX files, and config {config} is none; export it first')
    device = resolve_device(device)
    if isinstance(config, Config):
        config = config.copy()
        override(config, cfg_options or {})
    else:
        config = load_config(config, cfg_options)
    # MMEngine's base class builds the preprocessor through the root registry, which looks into the default scope.
    with explained_config_errors(config), DefaultScope.overwrite_default_scope(SCOPE):
        model = MODELS.build(config.model)
    if not isinstance(model, OnlineModel):
        raise InputError(
            f'config {config.filename}: model.type={config.model.type!r} runs no stream; give the config of an RCF'
        )
    meta = {}
    if checkpoint is None:
        logger.warning('no checkpoint given: the weights are random')
    else:
        content = read_checkpoint(checkpoint)
        load_weights(model, content['state_dict'], checkpoint)
        meta = content['meta']
    model.dataset_meta = _dataset_meta(meta, config)
    _check_class_count(model, checkpoint or config.filename)
    model.cfg = config
    model.to(device)
    model.eval()
    return model


def require_model(config: str, checkpoint: str | None) -> None:
    """Refuse what cannot be a model, before anything is built.

    Args:
        config: A config file, an ONNX file or the name of a model.
        checkpoint: The weights; a config needs them.

    Raises:
        InputError: There is no such file or model, or a config comes without a checkpoint.
    """
    if listed_model(config) is not None:
        return
    if not os.path.exists(config):
        raise no_model(config)
    if checkpoint is None and Path(config).suffix != ONNX_SUFFIX:
        raise InputError(f'config {config}: comes without a checkpoint; give CONFIG CHECKPOINT')


def resolve_device(device: str | torch.device) -> torch.device:
    """``device`` as an existing torch device; 'auto' is a GPU if there is one, else the CPU.

    Raises:
        InputError: It is not a device, or this machine or this build of PyTorch does not have it.
    """
    if device == 'auto':
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InputError(f"device {device!r}: not a device; give 'cpu', 'cuda' or 'cuda:0'") from error
    if resolved.type == 'cuda':
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (resolved.index or 0) >= count:
            raise InputError(f"device {device}: PyTorch finds {count} CUDA devices here; give 'cpu' or one of these")
    elif resolved.type != 'cpu':
        backend = getattr(torch.backends, resolved.type, None)
        if backend is None or not backend.is_available():
            raise InputError(f"device {device}: not available here; give 'cpu' or 'cuda'")
    return resolved


def _dataset_meta(checkpoint_meta: dict, config: Config) -> dict:
    """The checkpoint's ``dataset_meta``, else ``metainfo`` of the config's test, validation or training data set.

    For a panoptic data set, whose ``classes`` are things and stuff, these are the things.
    """
    meta = checkpoint_meta.get('dataset_meta')
    if isinstance(meta, dict) and meta.get('classes'):
        return {**meta, 'classes': tuple(meta.get('thing_classes') or meta['classes'])}
    for loader in ('test_dataloader', 'val_dataloader', 'train_dataloader'):
        dataset = (config.get(loader) or {}).get('dataset') or {}
        classes = resolve_classes((dataset.get('metainfo') or {}).get('classes'))
        if classes:
            return {'classes': tuple(classes)}
    return {}


def _check_class_count(model: OnlineModel, origin: object) -> None:
    classes = model.dataset_meta.get('classes')
    expected = model.num_classes
    if classes is not None and len(classes) != expected:
        raise InputError(
            f'{origin}: names {counted(len(classes), "class")}, but the model has {expected}; '
            'use the config and the checkpoint of one data set'
        )
