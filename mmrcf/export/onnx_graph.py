"""The step as an ONNX file: writing it, and running it on onnxruntime. Both come with the extra ``mmrcf[onnx]``."""

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram

from mmrcf.defaults import OPSET
from mmrcf.errors import InputError, one_line
from mmrcf.utils import atomic_output, require_file

from .exported_model import ExportedModel
from .program import quiet
from .step_info import STATE_OUTPUTS, StepInfo

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


def require_onnx(name: str) -> ModuleType:
    """Import a module of the extra; raise :class:`InputError` with the way to install it where it is missing."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"ONNX models need {name.split('.')[0]}, which is not installed; install it with: pip install 'mmrcf[onnx]'"
        ) from error
    except ImportError as error:
        raise InputError(f'ONNX models need {name}, which cannot be loaded ({one_line(error)[:200]})') from error


class OnnxGraph:
    """An exported step on arrays, for :class:`~mmrcf.export.ExportedModel`.

    Args:
        path: A file that :func:`write_onnx` wrote.
        threads: Threads of one operator; None: as many as PyTorch uses.

    Raises:
        InputFileError: The file is missing.
        InputError: onnxruntime is missing, or the file is no ONNX model, or one that another tool wrote.
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        runtime = require_onnx('onnxruntime')
        self.path = require_file(path, 'ONNX model')
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Between two frames its threads would otherwise go on taking the cores from everything else.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
        except Exception as error:  # onnxruntime has a kind of its own for every way in which a file is wrong
            raise InputError(
                f'ONNX model {path}: onnxruntime cannot read it ({one_line(error)[:200]}); export the model again'
            ) from error
        self.info = StepInfo.from_metadata(self._session.get_modelmeta().custom_metadata_map, f'ONNX model {path}')
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._require_state()

    def __call__(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the step on arrays by name; see :class:`~mmrcf.export.StepGraph`."""
        try:
            outputs = self._session.run(self._outputs, feeds)
        except Exception as error:  # onnxruntime has a kind of its own for every failure
            height, width = feeds['frame'].shape[-2:]
            raise InputError(
                f'ONNX model {self.path}: cannot run a frame of {width}x{height} ({one_line(error)[:200]})'
            ) from error
        return dict(zip(self._outputs, outputs, strict=True))

    def _require_state(self) -> None:
        """Refuse a graph whose state differs from its description."""
        inputs = {value.name for value in self._session.get_inputs()}
        state = set(self.info.first_state((1, 1)))
        missing = sorted(state - inputs) + sorted({STATE_OUTPUTS[name] for name in state} - set(self._outputs))
        if missing:
            raise InputError(f'ONNX model {self.path}: has no input or output {missing[0]}; export the model again')


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


def open_onnx(path: str | Path, threads: int | None = None, cfg_options: dict[str, Any] | None = None) -> ExportedModel:
    """The model of an ONNX file; arguments and errors as :class:`~mmrcf.apis.OnnxSegmenter`."""
    if threads is not None and threads < 1:
        raise InputError(f'threads={threads}: expected at least 1, or None for as many as PyTorch uses')
    return ExportedModel(OnnxGraph(path, threads), f'ONNX model {path}', cfg_options)
