"""The step as a file of torch.export."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmrcf.apis import OnlineSegmenter
from mmrcf.errors import InputError, InputFileError
from mmrcf.export import ExportedModel, StepGraph, read_program, trace_step, write_program
from mmrcf.models import RCF


@pytest.fixture(scope='module')
def program_file(
    visual_only_model: RCF, network_size: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp('program') / 'step.pt2'
    write_program(*trace_step(visual_only_model, network_size), path)
    return path


def test_a_program_is_the_step(program_file: Path, visual_only_model: RCF, network_size: tuple[int, int]) -> None:
    step = StepGraph(visual_only_model, network_size).eval()
    program = torch.export.load(program_file).module()
    for seen in (0, 1, 2):
        inputs = step.example() | {'seen': torch.tensor(seen)}
        with torch.no_grad():
            expected, actual = step(inputs), program(inputs)
        assert list(expected) == list(actual) == step.output_names
        assert all(torch.equal(expected[name], actual[name]) for name in expected)


def test_a_program_runs_as_a_stream(
    program_file: Path, visual_only_model: RCF, frames: list[np.ndarray], run_both
) -> None:
    segmenter = OnlineSegmenter(ExportedModel(read_program(program_file), 'a program'))
    parity, _ = run_both(OnlineSegmenter(visual_only_model), segmenter, frames)
    assert parity.same_tracks and parity.pixels == 0 and parity.objects > 6


def test_wrong_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match='program .*none.pt2: no such file'):
        read_program(tmp_path / 'none.pt2')
    (tmp_path / 'text.pt2').write_text('nothing')
    with pytest.raises(InputError, match='text.pt2: cannot be read as a file of torch.export'):
        read_program(tmp_path / 'text.pt2')
    other = torch.export.export(torch.nn.Identity(), (torch.zeros(1),))
    torch.export.save(other, tmp_path / 'other.pt2')
    with pytest.raises(InputError, match='other.pt2: was not written by tools/export/onnx_export.py'):
        read_program(tmp_path / 'other.pt2')


def test_what_cannot_be_traced_is_said_in_one_line(visual_only_model: RCF, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = StepGraph.forward

    def looks_at_a_value(self: StepGraph, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return forward(self, inputs) if inputs['seen'] > 0 else {}

    monkeypatch.setattr(StepGraph, 'forward', looks_at_a_value)
    with pytest.raises(InputError, match=r'export: tracing failed \(.*\); give a fixed size with --size') as error:
        trace_step(visual_only_model)
    assert '\n' not in str(error.value)
