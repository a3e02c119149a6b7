"""Which checkpoint it was that a figure is of."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmrcf.engine.checkpoint import read_checkpoint


def checkpoint_facts(path: str | Path) -> dict[str, Any]:
    """What identifies a checkpoint.

    Args:
        path: A training checkpoint, a release, or a file of weights only.

    Returns:
        ``sha256``: the digest of its weights, see :func:`weights_digest`; ``seed``, ``iterations``: of its training,
        None where the file does not say.

    Raises:
        InputFileError: The file is missing, empty or unreadable.
        InputError: It is not a checkpoint, is damaged, or holds Python objects.
    """
    content = read_checkpoint(path)
    meta = content['meta']
    # A training checkpoint has MMEngine's name for it, a release ours.
    iterations = meta.get('iterations', meta.get('iter'))
    return dict(sha256=weights_digest(content['state_dict']), seed=meta.get('seed'), iterations=iterations)


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """The first 8 digits of the SHA-256 of names and values; the meta of a release holds figures, so it is left out."""
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(value.detach().contiguous().cpu().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:8]
