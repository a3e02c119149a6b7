"""The step as a file of ``torch.export``, for PyTorch without this package or for its compilers."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.export import ExportedProgram

from mmrcf.errors import InputError
from mmrcf.utils import atomic_output, require_file

from .program import quiet
from .step_info import StepInfo

METADATA_FILE = 'mmrcf.json'


class ModuleGraph:
    """A step in PyTorch, on arrays, for :class:`~mmrcf.export.ExportedModel`.

    Args:
        module: A :class:`~mmrcf.export.StepGraph`, or the module of a program that was traced from one.
        info: Its description.
    """

    def __init__(self, module: nn.Module, info: StepInfo) -> None:
        self.info = info
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
        raise InputError(f'program {path}: cannot be read as a file of torch.export; export the model anew') from error
    if not texts[METADATA_FILE]:
        raise InputError(f'program {path}: was not written by tools/export/onnx_export.py; export the model with it')
    info = StepInfo.from_metadata(json.loads(texts[METADATA_FILE]), f'program {path}')
    return ModuleGraph(program.module(), info)
