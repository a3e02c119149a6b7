"""Checkpoints that are complete or not there: an interrupted run leaves no half-written file under their names."""

from pathlib import Path

from mmengine.fileio.backends import LocalBackend, register_backend

from mmrcf.utils import atomic_output


@register_backend('complete')
class CompleteFileBackend(LocalBackend):
    """Local files that appear when they are complete; ``backend_args=dict(backend='complete')`` of a hook."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes."""
        with atomic_output(filepath) as temporary:
            temporary.write_bytes(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text."""
        with atomic_output(filepath) as temporary:
            temporary.write_text(obj, encoding=encoding)
