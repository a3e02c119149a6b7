"""An ONNX file of this package on a runtime: onnxruntime or OpenVINO, each of which comes with an extra of its name."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmrcf.errors import InputError, one_line
from mmrcf.utils import require_file

from .exported_model import ExportedModel
from .onnx_graph import require_onnx
from .step_info import STATE_OUTPUTS, StepInfo

CPU_PROVIDER = 'CPUExecutionProvider'
PROVIDERS = {
    'cpu': [CPU_PROVIDER],
    'cuda': ['CUDAExecutionProvider', CPU_PROVIDER],
    'tensorrt': ['TensorrtExecutionProvider', 'CUDAExecutionProvider', CPU_PROVIDER],
}
"""Providers of onnxruntime by the name of a device."""
OPENVINO_TYPES = {'fp32': 'f32', 'bf16': 'bf16', 'fp16': 'f16'}
"""Its names of precisions."""


class OnnxGraph(ABC):
    """An exported step on arrays, for :class:`~mmrcf.export.ExportedModel`.

    Args:
        path: A file that :func:`write_onnx` wrote.
        threads: Threads of one operator; None: as many as PyTorch uses.
        device: Where it runs, by its name for the runtime; 'auto': a CUDA device of onnxruntime, else the CPU.
        precision: What it computes in: 'fp32', 'bf16' or 'fp16'; 'auto': the fastest that the device is good for. An
            int8 file computes in int8 and, for the rest, in this.

    Attributes:
        device: See above.
        precision: What it computes in.

    Raises:
        InputFileError: The file is missing.
        InputError: The runtime is missing, has no such device, or the file is no ONNX model, or one that another tool
            wrote.
    """

    runtime: str
    """Name of the runtime, for messages and command lines."""

    def __init__(
        self, path: str | Path, threads: int | None = None, device: str = 'auto', precision: str = 'auto'
    ) -> None:
        self.path = require_file(path, 'ONNX model')
        self.device = device
        self.precision = precision
        inputs, self._outputs, metadata = self._open(threads or torch.get_num_threads())
        self.info = StepInfo.from_metadata(metadata, f'ONNX model {path}')
        self._require_state(inputs)

    @property
    def setup(self) -> str:
        """Runtime, device and precision, for reports."""
        precision = (
            self.precision if self.info.precision == 'float32' else f'{self.info.precision} and {self.precision}'
        )
        return f'{self.runtime}, {self.device}, {precision}'

    @abstractmethod
    def _open(self, threads: int) -> tuple[set[str], list[str], Mapping[str, str]]:
        """Read the file, and set ``device`` and ``precision`` to what is used.

        Returns:
            Names of the inputs, names of the outputs in order, and the metadata.
        """

    @abstractmethod
    def _run(self, feeds: dict[str, np.ndarray]) -> Iterable[np.ndarray]:
        """The outputs in order, in memory that later runs leave alone."""

    def __call__(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the step on arrays by name; see :class:`~mmrcf.export.StepGraph`."""
        try:
            outputs = self._run(feeds)
        except Exception as error:  # a runtime has another type for every failure
            height, width = feeds['frame'].shape[-2:]
            raise InputError(
                f'ONNX model {self.path}: cannot run a frame of {width}x{height} ({one_line(error)[:200]})'
            ) from error
        return dict(zip(self._outputs, outputs, strict=True))

    def _require_state(self, inputs: set[str]) -> None:
        """Refuse a graph whose state differs from its description."""
        state = set(self.info.first_state((1, 1)))
        missing = sorted(state - inputs) + sorted({STATE_OUTPUTS[name] for name in state} - set(self._outputs))
        if missing:
            raise InputError(f'ONNX model {self.path}: has no input or output {missing[0]}; export the model again')

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(
            f'ONNX model {self.path}: {self.runtime} cannot read it ({one_line(error)[:200]}); export the model again'
        )


class OrtGraph(OnnxGraph):
    """A step on onnxruntime. ``device``: cpu, cuda or cuda:1, or tensorrt, as far as its build has them."""

    runtime = 'onnxruntime'

    def _open(self, threads: int) -> tuple[set[str], list[str], Mapping[str, str]]:
        if self.precision not in ('auto', 'fp32'):
            raise InputError(
                f'precision {self.precision}: onnxruntime computes in the precision of the file; leave it out, or use '
                'the runtime openvino'
            )
        self.precision = 'fp32'
        runtime = require_onnx('onnxruntime')
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Otherwise its threads keep the cores busy between two frames.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        providers = self._providers(runtime.get_available_providers())
        try:
            self._session = runtime.InferenceSession(str(self.path), options, providers=providers)
            metadata = self._session.get_modelmeta().custom_metadata_map
            inputs = {value.name for value in self._session.get_inputs()}
            outputs = [output.name for output in self._session.get_outputs()]
        except Exception as error:  # onnxruntime has another type for every fault of a file
            raise self._unreadable(error) from error
        return inputs, outputs, metadata

    def _providers(self, available: Sequence[str]) -> list[str | tuple[str, dict[str, str]]]:
        """The providers that run operators, the preferred one first; the last one runs those that the others cannot."""
        if self.device == 'auto':
            self.device = 'cuda' if PROVIDERS['cuda'][0] in available else 'cpu'
        name, _, index = self.device.partition(':')
        if name not in PROVIDERS or not (index or '0').isdecimal():
            raise InputError(f'device {self.device}: onnxruntime takes {", ".join(PROVIDERS)}, or cuda:1 ...')
        wanted = PROVIDERS[name]
        if wanted[0] not in available:
            raise InputError(
                f'device {self.device}: this onnxruntime has no {wanted[0]}; install the package onnxruntime-gpu, or '
                'use the CPU'
            )
        options = {'device_id': index or '0'}
        return [(each, options) if each != CPU_PROVIDER else each for each in wanted if each in available]

    def _run(self, feeds: dict[str, np.ndarray]) -> Iterable[np.ndarray]:
        return self._session.run(self._outputs, feeds)


class OpenVINOGraph(OnnxGraph):
    """A step on OpenVINO. ``device``: cpu, gpu, npu, gpu.1 ..., as far as it finds them."""

    runtime = 'openvino'

    def _open(self, threads: int) -> tuple[set[str], list[str], Mapping[str, str]]:
        core = require_onnx('openvino', extra='openvino').Core()
        self.device = 'cpu' if self.device == 'auto' else self.device
        device = self.device.upper()
        if device not in core.available_devices:
            found = ', '.join(core.available_devices).lower()
            raise InputError(f'device {self.device}: openvino finds {found} here; give one of these')
        self.precision = _openvino_precision(
            self.precision, device, core.get_property(device, 'OPTIMIZATION_CAPABILITIES')
        )
        hints = {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': OPENVINO_TYPES[self.precision]}
        if device == 'CPU':
            hints |= {'INFERENCE_NUM_THREADS': threads, 'ENABLE_CPU_PINNING': False}
        try:
            model = core.read_model(self.path)
            self._request = core.compile_model(model, device, hints).create_infer_request()
            entries = dict(model.get_rt_info().items()).get('framework', {})
            metadata = {name: entry.value for name, entry in entries.items()}
        except Exception as error:  # plain RuntimeErrors, and ImportErrors of its parts
            raise self._unreadable(error) from error
        inputs, outputs = ([value.any_name for value in values] for values in (model.inputs, model.outputs))
        return set(inputs), outputs, metadata

    def _run(self, feeds: dict[str, np.ndarray]) -> Iterable[np.ndarray]:
        # Copies: the next run writes into the same memory.
        return [value.copy() for value in self._request.infer(feeds).values()]


def _openvino_precision(wanted: str, device: str, capabilities: Sequence[str]) -> str:
    """``wanted``, or for 'auto' fp16 on a GPU or NPU that has instructions for it."""
    if wanted == 'auto':
        return 'fp16' if device != 'CPU' and 'FP16' in capabilities else 'fp32'
    if wanted not in OPENVINO_TYPES:
        raise InputError(f'precision {wanted}: expected auto or one of {", ".join(OPENVINO_TYPES)}')
    if wanted.upper() not in capabilities:
        raise InputError(f'precision {wanted}: this {device} has no instructions for it; give fp32')
    return wanted


RUNTIMES: dict[str, type[OnnxGraph]] = {graph.runtime: graph for graph in (OrtGraph, OpenVINOGraph)}
"""The runtimes of ONNX files, by name."""


def open_onnx(
    path: str | Path,
    threads: int | None = None,
    cfg_options: dict[str, Any] | None = None,
    *,
    runtime: str = OrtGraph.runtime,
    device: str = 'auto',
    precision: str = 'auto',
) -> ExportedModel:
    """The model of an ONNX file; arguments and errors as :class:`~mmrcf.apis.OnnxSegmenter`."""
    if threads is not None and threads < 1:
        raise InputError(f'threads={threads}: expected at least 1, or None for as many as PyTorch uses')
    if runtime not in RUNTIMES:
        raise InputError(f'runtime {runtime!r}: expected one of {", ".join(RUNTIMES)}')
    return ExportedModel(RUNTIMES[runtime](path, threads, device, precision), f'ONNX model {path}', cfg_options)
