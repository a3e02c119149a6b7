"""A stream on an ONNX file: the same calls as with the model it was made from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmrcf.errors import InputError
from mmrcf.export import ExportedModel, OnnxGraph, OrtGraph, open_onnx
from mmrcf.media import open_source
from mmrcf.media.frame_source import fit_image

from .online import OnlineSegmenter

MAX_STEP = 10


class OnnxSegmenter(OnlineSegmenter):
    """:class:`~mmrcf.apis.OnlineSegmenter` on an ONNX file, with the threads of its runtime.

    Args:
        path: A file that ``tools/export/onnx_export.py`` wrote. It is complete: no config is needed.
        threads: Threads of the runtime on a CPU; None: as many as PyTorch uses.
        cfg_options: ``model.score_thr`` or fields of ``model.tracker``; all else is fixed in the file.
        runtime: What runs it: 'onnxruntime' or 'openvino'.
        device: Its name for the runtime: 'cpu'; 'cuda', 'cuda:1', 'tensorrt' of onnxruntime; 'gpu', 'npu' of openvino;
            'auto': a CUDA device if onnxruntime has one, else the CPU.
        precision: What openvino computes in: 'fp32', 'bf16' or 'fp16'; 'auto': 'fp16' on a GPU or NPU that has
            instructions for it, else 'fp32'. onnxruntime computes in that of the file.

    Raises:
        InputFileError: The file is missing.
        InputError: The runtime is missing, has no such device or precision, or the file is not of that tool.

    Example:
        >>> segmenter = OnnxSegmenter('outputs/rcf_r18_shapes.onnx')
        >>> for frame in video:  # (H, W, 3) uint8 RGB
        ...     result = segmenter.step(frame)
    """

    def __init__(
        self,
        path: str | Path,
        threads: int | None = None,
        cfg_options: dict[str, Any] | None = None,
        *,
        runtime: str = 'onnxruntime',
        device: str = 'auto',
        precision: str = 'auto',
    ) -> None:
        super().__init__(open_onnx(path, threads, cfg_options, runtime=runtime, device=device, precision=precision))


class FeedRecorder:
    """A graph that records its last inputs.

    Args:
        graph: What does the work.
    """

    def __init__(self, graph: OnnxGraph) -> None:
        self._graph = graph
        self.info, self.setup = graph.info, graph.setup
        self.feeds: dict[str, np.ndarray] = {}

    def __call__(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the step."""
        self.feeds = feeds
        return self._graph(feeds)


def stream_feeds(
    path: str | Path, video: str | Path, count: int, size: tuple[int, int] | None = None
) -> Iterator[dict[str, np.ndarray]]:
    """Inputs of the graph at frames of a video that runs through it as a stream, state and audio included.

    Args:
        path: A float ONNX file of this package.
        video: As in :func:`~mmrcf.media.open_source`.
        count: How many, spread evenly; of a long video its first ``10 * count`` frames are run.
        size: Height and width that its frames are brought to first. None: they stay as they are.

    Raises:
        InputError: The video cannot be read, or holds no frame.
    """
    recorder = FeedRecorder(OrtGraph(path))
    segmenter = OnlineSegmenter(ExportedModel(recorder, f'ONNX model {path}'))
    found = 0
    with open_source(str(video), audio=segmenter.uses_audio) as source:
        step = min(max((source.num_frames or count) // count, 1), MAX_STEP)
        for frame in source:
            image = frame.image if size is None else fit_image(frame.image, size)
            segmenter.step(image, frame.audio if segmenter.uses_audio else None, time=frame.time)
            if frame.index % step == 0:
                found += 1
                yield recorder.feeds
            if found == count:
                break
    if not found:
        raise InputError(f'calibration {video}: holds no frame that can be read; give a video of what the model is for')
