"""The stateful step as one graph: writing it, and running it as a stream.

This imports without onnx, onnxruntime and openvino; what needs them raises an error when it is called.
"""

from .exported_model import ExportedModel, is_open_option
from .onnx_graph import write_onnx
from .parity import Parity, evaluate_side_by_side, record_objects, result_objects
from .program import ModuleGraph, describe, read_program, trace_step, write_program
from .quantize import quantize_onnx
from .runtimes import RUNTIMES, OnnxGraph, OpenVINOGraph, OrtGraph, open_onnx
from .step_graph import StepGraph
from .step_info import STATE_OUTPUTS, StepInfo

__all__ = [
    'STATE_OUTPUTS',
    'ExportedModel',
    'ModuleGraph',
    'OnnxGraph',
    'OpenVINOGraph',
    'OrtGraph',
    'RUNTIMES',
    'Parity',
    'StepGraph',
    'StepInfo',
    'describe',
    'evaluate_side_by_side',
    'is_open_option',
    'open_onnx',
    'quantize_onnx',
    'read_program',
    'record_objects',
    'result_objects',
    'trace_step',
    'write_onnx',
    'write_program',
]
