"""A training step of two ranks is that of one rank with both their clips, and both validate the model of the first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HEADS = ({}, dict(semantic_weight=1.0, query_grid=True, local_content=True, mask_pooling=True))


@pytest.mark.slow
def test_two_ranks_make_the_step_of_one_and_validate_the_model_of_the_first(
    repository: Path, load_script, tiny_config: Path, tmp_path: Path
) -> None:
    files = []
    for index, head in enumerate(HEADS):
        config = tmp_path / f'config_{index}.py'
        config.write_text(f"_base_ = '{tiny_config}'\nmodel = dict(head={head})\n")
        files.append((str(config), str(tmp_path / f'gradients_{index}.pth')))
    script = 'tests/test_engine/rank_step.py'
    words = ['2', str(tmp_path / 'rendezvous'), *(word for pair in files for word in pair)]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(repository)}
    processes = [
        subprocess.Popen(
            [sys.executable, str(repository / script), rank, *words], env=environment, stderr=subprocess.PIPE, text=True
        )
        for rank in ('0', '1')
    ]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors[-3000:]
    for config, out in files:
        one, two = load_script(script).gradients(config, 0, 1), torch.load(out, weights_only=True)
        assert one.keys() == two.keys()
        largest = max(gradient.abs().max() for gradient in one.values())
        assert largest > 0
        for name, gradient in one.items():
            assert gradient is not None, name
            torch.testing.assert_close(two[name], gradient, rtol=1e-3, atol=1e-5 * float(largest), msg=name)
        assert pytest.approx(float(largest), rel=1e-3) == float(max(gradient.abs().max() for gradient in two.values()))
