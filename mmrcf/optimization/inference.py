"""Optimization of a model for inference: folding and Winograd convolutions, compilation, half precision."""

from collections.abc import Callable

import torch
from torch import nn

from mmrcf.errors import InputError
from mmrcf.models import RCF, OnlineModel

from .folding import fold_batch_norms, fold_mask_projection
from .winograd import use_winograd

PRECISIONS = {'fp32': None, 'bf16': torch.bfloat16, 'fp16': torch.float16}
# PyTorch's own limit, 8, is reached by four references and two sizes of frames.
MAX_VARIANTS = 64


def optimize_for_inference(model: nn.Module) -> None:
    """Fold what can be folded, and on a CPU give 3 x 3 convolutions Winograd's algorithm, in place.

    A optimized model gives the same values up to rounding; it can neither be trained nor load checkpoints.
    """
    fold_batch_norms(model)
    fold_mask_projection(model)
    if next(model.parameters(), torch.empty(0)).device.type == 'cpu':
        use_winograd(model)


def compile_network(model: OnlineModel, backend: str | Callable = 'inductor') -> None:
    """Compile what lies between a frame and its slots, in place: the backbone, and neck, mask decoder and head.

    Compilation happens at the first frames: once for each number of references that a stream begins with, and for each
    size of frame, up to ``MAX_VARIANTS`` of them. On a CPU it needs a C++ compiler. A model that is compiled already
    stays as it is.

    Args:
        model: An RCF, ready to run.
        backend: What compiles the graphs, see ``torch.compile``.

    Raises:
        InputError: The model is no RCF.
    """
    if not isinstance(model, RCF):
        raise InputError(f'compile: {type(model).__name__} cannot be compiled; leave it out')
    if 'fuse_decode' in vars(model):
        return
    # Weights are constants here: norms are folded, weights laid out for the processor once.
    frozen = backend == 'inductor' and next(model.parameters()).device.type == 'cpu'
    import torch._dynamo  # takes two seconds, and only compilation needs it

    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, MAX_VARIANTS)
    settings = dict(backend=backend, fullgraph=True, dynamic=False, options={'freezing': True} if frozen else None)
    model.extract_feat = torch.compile(model.extract_feat, **settings)
    model.fuse_decode = torch.compile(model.fuse_decode, **settings)


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
