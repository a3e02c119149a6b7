"""int8: a float ONNX file and frames of the user's own video in, a smaller and faster file out."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmrcf.defaults import FLOAT_PARTS
from mmrcf.errors import InputError, one_line
from mmrcf.utils import atomic_output

from .onnx_graph import require_onnx, set_description
from .program import quiet
from .runtimes import OrtGraph

PART = re.compile(r'\bmodel\.(\w+)')
# Convolutions and products with weights; products of two activations, which attention has, stay in float.
QUANTIZED = ('Conv', 'MatMul', 'Gemm')


def quantize_onnx(
    path: str | Path, out: str | Path, feeds: Iterable[dict[str, np.ndarray]], float_parts: Sequence[str] = FLOAT_PARTS
) -> None:
    """Quantise weights (a scale for each channel) and activations of a float ONNX file to int8.

    Args:
        path: A float ONNX file of this package.
        out: Where to write the int8 file, complete or not at all.
        feeds: Inputs of the graph, from which the ranges of the activations are taken.
        float_parts: Parts of the model, by the names of its modules, that stay in float.

    Raises:
        InputError: The extra is missing, the model has no such part, or the file cannot be quantised.
    """
    onnx = require_onnx('onnx')
    quantization = require_onnx('onnxruntime.quantization')
    model = onnx.load(path)
    info = replace(OrtGraph(path).info, precision='int8')
    parts = {_part(node) for node in model.graph.node} - {None}
    unknown = [] if tuple(float_parts) == FLOAT_PARTS else [part for part in float_parts if part not in parts]
    if unknown or not parts:
        raise InputError(
            f'float parts: the model in {path} has no part {", ".join(unknown)}; expected some of '
            f'{", ".join(sorted(parts)) or "none: its nodes do not name the part they come from"}'
        )
    kept = [node.name for node in model.graph.node if _part(node) in float_parts]
    with atomic_output(out) as temporary, quiet():
        try:
            quantization.quantize_static(
                str(path),
                str(temporary),
                _reader(quantization, iter(feeds)),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=list(QUANTIZED),
                per_channel=True,
                # Seven bits: processors without instructions for dot products of bytes overflow with eight.
                reduce_range=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                nodes_to_exclude=kept,
                extra_options={'MatMulConstBOnly': True},
            )
        except InputError:
            raise
        except Exception as error:  # the quantiser raises whatever it runs into
            raise InputError(f'ONNX model {path}: cannot be quantised ({one_line(error)[:200]})') from error
        quantized = onnx.load(temporary)
        set_description(quantized, info)
        onnx.save(quantized, temporary)


def _part(node) -> str | None:
    """The part of the model that a node of the graph was traced from; the exporter notes the modules around it."""
    namespace = next((entry.value for entry in node.metadata_props if entry.key == 'namespace'), '')
    found = PART.search(namespace)
    return found.group(1) if found else None


def _reader(quantization, feeds: Iterator[dict[str, np.ndarray]]):
    """``feeds`` as onnxruntime takes them."""

    class Reader(quantization.CalibrationDataReader):
        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(feeds, None)

    return Reader()
