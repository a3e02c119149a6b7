"""Compiling the network."""

from collections.abc import Callable

import torch
import torch._dynamo

from mmrcf.errors import InputError
from mmrcf.models import RCF, OnlineModel

# PyTorch's own limit, 8, is reached by four references and two sizes of frames.
MAX_VARIANTS = 64


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
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, MAX_VARIANTS)
    settings = dict(backend=backend, fullgraph=True, dynamic=False, options={'freezing': True} if frozen else None)
    model.extract_feat = torch.compile(model.extract_feat, **settings)
    model.fuse_decode = torch.compile(model.fuse_decode, **settings)
