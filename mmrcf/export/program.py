"""The step of a model as a program of ``torch.export``: traced, described, written to a file and read back."""

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mmrcf.errors import InputError, one_line
from mmrcf.models import RCF
from mmrcf.utils import atomic_output, require_file
from mmrcf.version import __version__

from .step_graph import StepGraph
from .step_info import StepInfo, padded_shape

MAX_STRIDE = 1024
METADATA_FILE = 'mmrcf.json'


def trace_step(model: RCF, frame_shape: tuple[int, int] | None = None) -> tuple[ExportedProgram, StepInfo]:
    """Trace the step of ``model``.

    Args:
        model: From :func:`~mmrcf.apis.init_model`, on the CPU.
        frame_shape: Height and width of the frame after the test pipeline; None for any.

    Returns:
        The program, which takes and gives a dict of tensors as :class:`StepGraph` does, and its description.

    Raises:
        InputError: The model is of another kind, or its parts cannot be traced.
    """
    graph = StepGraph(model, frame_shape).eval()
    example = graph.example()
    info = describe(graph, example)
    with torch.no_grad(), quiet():
        try:
            program = torch.export.export(graph, (example,), dynamic_shapes=(_free_sides(example, info),))
        except Exception as error:  # tracing raises whatever the parts of the model run into
            hint = 'give a fixed size with --size' if frame_shape is None else 'this model cannot be exported'
            raise InputError(f'export: tracing failed ({one_line(error)[:200]}); {hint}') from error
    return program, info


@torch.no_grad()
def describe(graph: StepGraph, example: dict[str, Tensor]) -> StepInfo:
    """The description of ``graph`` that the file gets.

    Args:
        graph: The step of a model that has its config as ``cfg``.
        example: Inputs of it.
    """
    model, config = graph.model, graph.model.cfg
    settings = model.data_preprocessor
    outputs = graph(example)
    tokens = model.extract_feat(graph.padded(example['frame']))[-1]
    padded = padded_shape(example['frame'].shape[-2:], settings.pad_size_divisor)
    dataset = (config.get('test_dataloader') or {}).get('dataset') or {}
    pipeline = dataset.get('pipeline') or config.get('test_pipeline') or ()
    return StepInfo(
        mmrcf_version=__version__,
        config=config.to_dict(),
        class_names=list(model.dataset_meta.get('classes') or ()),
        pipeline=[step for step in pipeline if not step['type'].split('.')[-1].startswith('Load')],
        tracker=dict(config.model.tracker),
        score_thr=float(model.score_thr),
        mask_thr=float(model.mask_thr),
        mean=settings.mean.flatten().tolist(),
        std=settings.std.flatten().tolist(),
        bgr_to_rgb=settings.bgr_to_rgb,
        pad_size_divisor=settings.pad_size_divisor,
        frame_shape=None if graph.frame_shape is None else list(graph.frame_shape),
        num_classes=model.num_classes,
        num_queries=model.head.num_queries,
        num_references=model.neck.num_references,
        token_channels=tokens.shape[1],
        token_stride=_stride(padded, tokens.shape[-2:]),
        mask_stride=_stride(padded, outputs['masks'].shape[-2:]),
        audio_dims=model.audio_encoder.feature_dims if model.uses_audio else None,
        overlaps=graph.overlaps,
        opset=None,
        precision='float32',
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Exporters and quantiser print nothing."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(disabled)


def _free_sides(example: dict[str, Tensor], info: StepInfo) -> dict[str, dict]:
    """Which dimensions of the inputs are left open: height and width of pictures and maps."""
    maps = ('frame', 'references', 'previous_masks') if info.frame_shape is None else ()
    return {
        name: {tensor.ndim - 2: Dim.AUTO, tensor.ndim - 1: Dim.AUTO} if name in maps else {}
        for name, tensor in example.items()
    }


def _stride(padded: tuple[int, int], cells: torch.Size) -> int:
    """Pixels a cell, for maps that have a cell for every begun one."""
    for stride in range(1, MAX_STRIDE):
        if [-(-side // stride) for side in padded] == list(cells):
            return stride
    raise InputError(f'export: maps of {tuple(cells)} cells over a frame of {tuple(padded)} pixels have no one stride')


class ModuleGraph:
    """A step in PyTorch, on arrays, for :class:`~mmrcf.export.ExportedModel`.

    Args:
        module: A :class:`~mmrcf.export.StepGraph`, or the module of a program that was traced from one.
        info: Its description.
    """

    def __init__(self, module: nn.Module, info: StepInfo) -> None:
        self.info = info
        self.setup = 'torch.export, cpu, fp32'
        self._module = module

    @torch.no_grad()
    def __call__(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the step on arrays by name; see :class:`~mmrcf.export.StepGraph`."""
        outputs = self._module({name: torch.from_numpy(np.asarray(array)) for name, array in feeds.items()})
        return {name: tensor.numpy() for name, tensor in outputs.items()}


def write_program(program: ExportedProgram, info: StepInfo, path: str | Path) -> None:
    """Write ``program`` with its description to ``path``, a ``.pt2`` file, complete or not at all."""
    with atomic_output(path) as temporary, quiet():
        torch.export.save(program, temporary, extra_files={METADATA_FILE: json.dumps(info.to_metadata())})


def read_program(path: str | Path) -> ModuleGraph:
    """Read what :func:`write_program` wrote. PyTorch may run code of such a file: read none that you do not trust.

    Raises:
        InputFileError: The file is missing.
        InputError: It is no program, or one that another tool wrote.
    """
    path = require_file(path, 'program')
    texts = {METADATA_FILE: ''}
    try:
        with quiet():
            program = torch.export.load(path, extra_files=texts)
    except Exception as error:  # PyTorch raises many kinds, depending on what the file holds
        raise InputError(f'program {path}: cannot be read as a file of torch.export; export the model again') from error
    if not texts[METADATA_FILE]:
        raise InputError(f'program {path}: was not written by tools/export/onnx_export.py; export the model with it')
    info = StepInfo.from_metadata(json.loads(texts[METADATA_FILE]), f'program {path}')
    return ModuleGraph(program.module(), info)
