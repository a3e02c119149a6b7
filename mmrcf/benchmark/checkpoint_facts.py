"""Which checkpoint it was that a figure is of."""

import hashlib
from pathlib import Path
from typing import Any

from mmrcf.apis.checkpoint import read_checkpoint


def checkpoint_facts(path: str | Path) -> dict[str, Any]:
    """What identifies a checkpoint.

    Args:
        path: A training checkpoint, a release, or a file of weights only.

    Returns:
        ``sha256``: the first 8 digits of the digest of the file; ``seed``, ``iterations``: of its training, None where
        the file does not say.

    Raises:
        InputFileError: The file is missing, empty or unreadable.
        InputError: It is not a checkpoint, is damaged, or holds Python objects.
    """
    meta = read_checkpoint(path)['meta']
    # A training checkpoint has MMEngine's name for it, a release ours.
    iterations = meta.get('iterations', meta.get('iter'))
    return dict(sha256=short_digest(path), seed=meta.get('seed'), iterations=iterations)


def short_digest(path: str | Path) -> str:
    """The first 8 digits of the SHA-256 of a file, as names of released checkpoints have it."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]
