"""Making a model that only runs faster, without changing what it says."""

from collections.abc import Callable

import torch
from mmcv.cnn import fuse_conv_bn
from torch import nn

from mmrcf.errors import InputError
from mmrcf.models import RCF, OnlineModel

PRECISIONS = {'fp32': None, 'bf16': torch.bfloat16, 'fp16': torch.float16}


def fold_batch_norms(module: nn.Module) -> None:
    """Fold every batch norm into the convolution before it, in place, for inference.

    A folded model gives the same values up to rounding. It cannot be trained on, nor does it load the checkpoints of
    the model that it was.
    """
    fuse_conv_bn(module)


def autocast_type(precision: str, device: torch.device) -> torch.dtype | None:
    """What the network computes in: a type for autocast, or None for float32.

    Args:
        precision: 'fp32', 'bf16' or 'fp16'.
        device: Where the model runs.

    Raises:
        InputError: No such precision, or the device has no instructions for it (PyTorch would emulate them, hundreds of
            times slower).
    """
    if precision not in PRECISIONS:
        raise InputError(f'precision {precision!r}: expected one of {", ".join(PRECISIONS)}')
    if device.type == 'cpu' and precision == 'fp16':
        raise InputError('precision fp16: is for GPUs; give fp32, or bf16 where the processor has it')
    if device.type == 'cpu' and precision == 'bf16' and not _has_bf16():
        raise InputError('precision bf16: this processor has no instructions for it; give fp32')
    return PRECISIONS[precision]


def _has_bf16() -> bool:
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()


def compile_network(model: OnlineModel, backend: str | Callable = 'inductor') -> None:
    """Compile what lies between a frame and its slots, in place: the backbone, and neck, mask decoder and head.

    Compilation happens at the first frames: once for each number of references that a stream begins with, and for each
    size of frame. On a CPU it needs a C++ compiler.

    Args:
        model: An RCF, ready to run.
        backend: What compiles the graphs, see ``torch.compile``.

    Raises:
        InputError: The model is no RCF.
    """
    if not isinstance(model, RCF):
        raise InputError(f'compile: {type(model).__name__} cannot be compiled; leave it out')
    # Weights are constants here: norms are folded, weights laid out for the processor once.
    frozen = backend == 'inductor' and next(model.parameters()).device.type == 'cpu'
    settings = dict(backend=backend, fullgraph=True, dynamic=False, options={'freezing': True} if frozen else None)
    model.extract_feat = torch.compile(model.extract_feat, **settings)
    model.fuse_decode = torch.compile(model.fuse_decode, **settings)
