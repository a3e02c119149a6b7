"""The step as an ONNX file, which the extra ``mmrcf[onnx]`` can write."""

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import torch
from torch.export import ExportedProgram

from mmrcf.defaults import OPSET
from mmrcf.errors import InputError, one_line
from mmrcf.utils import atomic_output

from .program import quiet
from .step_info import StepInfo

# What open dimensions are called in the file; the exporter calls them s22 and the like.
TOKENS, CELLS = ('token_height', 'token_width'), ('mask_height', 'mask_width')
SIDES = {
    'frame': ('height', 'width'),
    'references': TOKENS,
    'next_references': TOKENS,
    'previous_masks': CELLS,
    'mask_logits': CELLS,
    'masks': CELLS,
}


def require_onnx(name: str, extra: str = 'onnx') -> ModuleType:
    """Import a module of the extra; raise :class:`InputError` with the way to install it where it is missing."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f'ONNX models need {name.split(".")[0]}, which is not installed; install it with: '
            f"pip install 'mmrcf[{extra}]'"
        ) from error
    except ImportError as error:
        raise InputError(f'ONNX models need {name}, which cannot be loaded ({one_line(error)[:200]})') from error


def write_onnx(program: ExportedProgram, info: StepInfo, path: str | Path, opset: int = OPSET) -> StepInfo:
    """Write a traced step to ``path``, weights included, complete or not at all.

    Args:
        program: From :func:`~mmrcf.export.trace_step`.
        info: Its description.
        path: The ``.onnx`` file.
        opset: Version of the ONNX operators.

    Returns:
        The description as it stands in the file.

    Raises:
        InputError: The extra is missing, or an operator of the model has no counterpart in this version.
    """
    onnx = require_onnx('onnx')
    require_onnx('onnxscript')
    inputs = list(program.example_inputs[0][0])
    layout = program.call_spec.out_spec
    outputs = list(layout.unflatten(range(layout.num_leaves)))
    with atomic_output(path) as temporary:
        with quiet():
            try:
                written = torch.onnx.export(
                    program, input_names=inputs, output_names=outputs, opset_version=opset, dynamo=True, verbose=False
                )
                written.save(temporary, external_data=False)
            except Exception as error:  # the exporter raises whatever an operator runs into
                raise InputError(f'export to opset {opset}: failed ({one_line(error)[:200]})') from error
        model = onnx.load(temporary)
        written_opset = next(entry.version for entry in model.opset_import if entry.domain in ('', 'ai.onnx'))
        if written_opset != opset:
            raise InputError(f'export to opset {opset}: PyTorch writes opset {written_opset} instead; give that one')
        _name_sides(model)
        info = replace(info, opset=opset)
        set_description(model, info)
        onnx.save(model, temporary)
    return info


def set_description(model, info: StepInfo) -> None:
    """Make ``info`` the metadata of an ``onnx.ModelProto``."""
    del model.metadata_props[:]
    for name, text in info.to_metadata().items():
        model.metadata_props.add(key=name, value=text)


def _name_sides(model) -> None:
    """Give the open dimensions of inputs and outputs their names."""
    for value in (*model.graph.input, *model.graph.output):
        dimensions = value.type.tensor_type.shape.dim
        for dimension, name in zip(list(dimensions)[-2:], SIDES.get(value.name, ()), strict=False):
            if not dimension.HasField('dim_value'):
                dimension.dim_param = name
    # Shapes of the values in between have the old names; a reader of the file infers them again.
    del model.graph.value_info[:]
