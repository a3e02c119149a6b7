"""A stream on an ONNX file: the same calls as with the model it was made from."""

from pathlib import Path
from typing import Any

from mmrcf.apis.online import OnlineSegmenter
from mmrcf.errors import InputError

from .exported_model import ExportedModel
from .onnx_graph import OnnxGraph


class OnnxSegmenter(OnlineSegmenter):
    """:class:`~mmrcf.apis.OnlineSegmenter` on an ONNX file, run by onnxruntime.

    Args:
        path: A file that ``tools/export/onnx_export.py`` wrote. It says all there is to say: no config is needed.
        threads: Threads of onnxruntime; None: as many as PyTorch uses.
        cfg_options: ``model.score_thr`` or fields of ``model.tracker``; all else is fixed in the file.

    Raises:
        InputFileError: The file is missing.
        InputError: onnxruntime is missing, or the file is not of that tool.

    Example:
        >>> segmenter = OnnxSegmenter('outputs/rcf_r18_shapes.onnx')
        >>> for frame in video:  # (H, W, 3) uint8 RGB
        ...     result = segmenter.step(frame)
    """

    def __init__(self, path: str | Path, threads: int | None = None, cfg_options: dict[str, Any] | None = None) -> None:
        super().__init__(open_onnx(path, threads, cfg_options))


def open_onnx(path: str | Path, threads: int | None = None, cfg_options: dict[str, Any] | None = None) -> ExportedModel:
    """The model of an ONNX file; arguments and errors as :class:`OnnxSegmenter`."""
    if threads is not None and threads < 1:
        raise InputError(f'threads={threads}: expected at least 1, or None for as many as PyTorch uses')
    return ExportedModel(OnnxGraph(path, threads), f'ONNX model {path}', cfg_options)
