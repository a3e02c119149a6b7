from pathlib import Path

import pytest
import torch

from mmrcf.benchmark.checkpoint_facts import checkpoint_facts


@pytest.mark.parametrize(
    ('meta', 'expected'),
    [
        (dict(seed=3, iter=40), (3, 40)),
        (dict(seed=0, iterations=6000), (0, 6000)),
        ({}, (None, None)),
    ],
)
def test_checkpoint_facts(tmp_path: Path, meta: dict, expected: tuple) -> None:
    path = tmp_path / 'a.pth'
    torch.save(dict(meta=meta, state_dict={'a': torch.zeros(1)}), path)
    facts = checkpoint_facts(path)
    assert (facts['seed'], facts['iterations']) == expected
    assert len(facts['sha256']) == 8 and int(facts['sha256'], 16) >= 0
    torch.save(dict(meta=meta | dict(metrics={'AP': 1.0}), state_dict={'a': torch.zeros(1)}), path)
    assert checkpoint_facts(path) == facts  # figures in the meta do not change it
    torch.save(dict(meta=meta, state_dict={'a': torch.ones(1)}), path)
    assert checkpoint_facts(path)['sha256'] != facts['sha256']
