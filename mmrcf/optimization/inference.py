"""Optimization of a model for inference: folding and Winograd convolutions, compilation, half precision."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from mmrcf.errors import InputError
from mmrcf.models import RCF, OnlineModel

from .folding import fold_batch_norms, fold_mask_projection
from .winograd import use_winograd

PRECISIONS = {'fp32': None, 'bf16': torch.bfloat16, 'fp16': torch.float16}
# PyTorch's own limit, 8, is reached by four references and two sizes of frames.
MAX_VARIANTS = 64


def optimize_for_inference(model: nn.Module) -> None:
    """Fold what can be folded, and on a CPU give 3 x 3 convolutions Winograd's algorithm, in place.

    An optimized model gives the same values up to rounding; it can neither be trained nor load checkpoints.
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
    device = next(model.parameters()).device
    settings = dict(backend=backend, fullgraph=True, dynamic=False)
    if backend == 'inductor' and device.type == 'cpu':
        # Weights are constants here: norms are folded, weights laid out for the processor once.
        settings['options'] = {'freezing': True}
    elif backend == 'inductor' and device.type == 'cuda':
        settings['options'] = {'triton.cudagraphs': True}
    import torch._dynamo  # takes two seconds, and only compilation needs it

    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, MAX_VARIANTS)
    model.extract_feat = torch.compile(model.extract_feat, **settings)
    model.fuse_decode = torch.compile(model.fuse_decode, **settings)
    if 'triton.cudagraphs' in settings.get('options', {}):
        model.extract_feat, model.fuse_decode = map(_copying, (model.extract_feat, model.fuse_decode))


def _copying(function: Callable) -> Callable:
    """``function``, with copies of what it returns: CUDA graphs write the next result into the same memory.

    References and codes of a frame are used by the frames after it.
    """

    def run(*args: Any, **kwargs: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()
        return _copies(function(*args, **kwargs))

    return run


def _copies(value: Any) -> Any:
    """Copies of all tensors in lists, tuples and dataclasses."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, list | tuple):
        return type(value)(_copies(item) for item in value)
    if is_dataclass(value):
        return replace(value, **{part.name: _copies(getattr(value, part.name)) for part in fields(value)})
    return value


def resolve_precision(precision: str, device: torch.device) -> str:
    """The precision of the network: a key of ``PRECISIONS``.

    Args:
        precision: Such a key; or 'auto': 'fp16' on a GPU, 'fp32' elsewhere. bfloat16 is never chosen: its products
            change track IDs (docs/performance.md, "Is it still the same?").
        device: Where the model runs.

    Raises:
        InputError: No such precision, or the device has no instructions for it (PyTorch would emulate them, hundreds of
            times slower).
    """
    if precision == 'auto':
        return 'fp16' if device.type == 'cuda' else 'fp32'
    if precision not in PRECISIONS:
        raise InputError(f'precision {precision!r}: expected auto or one of {", ".join(PRECISIONS)}')
    if device.type == 'cpu' and precision == 'fp16':
        raise InputError('precision fp16: is for GPUs; give fp32, or bf16 where the processor has it')
    if device.type == 'cpu' and precision == 'bf16' and not _has_bf16():
        raise InputError('precision bf16: this processor has no instructions for it; give fp32')
    return precision


def _has_bf16() -> bool:
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()
