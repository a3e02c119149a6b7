"""The stateful step as one graph: writing it, and running it as a stream.

This imports without onnx and onnxruntime; what needs them says so when it is called.
"""

from .exported_model import ExportedModel, is_open_option
from .onnx_graph import OnnxGraph, write_onnx
from .onnx_segmenter import OnnxSegmenter, open_onnx
from .parity import Parity, recorded_objects, shown_objects
from .program import describe, trace_step
from .quantize import quantize_onnx, stream_feeds
from .side_by_side import evaluate_side_by_side
from .step_graph import StepGraph
from .step_info import STATE_OUTPUTS, StepInfo
from .torch_program import ModuleGraph, read_program, write_program

__all__ = [
    'STATE_OUTPUTS',
    'ExportedModel',
    'ModuleGraph',
    'OnnxGraph',
    'OnnxSegmenter',
    'Parity',
    'StepGraph',
    'StepInfo',
    'describe',
    'evaluate_side_by_side',
    'is_open_option',
    'open_onnx',
    'quantize_onnx',
    'read_program',
    'recorded_objects',
    'shown_objects',
    'stream_feeds',
    'trace_step',
    'write_onnx',
    'write_program',
]
