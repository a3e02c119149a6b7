"""A new neck, a new tracker: one file and one config, and no other file is touched."""

import subprocess
import sys
from pathlib import Path

import pytest

NECK = '''
from mmrcf.models.layers import join
from mmrcf.models.necks import BaseContextNeck
from mmrcf.registry import MODELS


@MODELS.register_module()
class NewestReferenceOnly(BaseContextNeck):
    """All tokens of the newest reference beside those of the target."""

    def __init__(self, in_channels: int, num_references: int = 1, embed_dims: int = 256, encoder: dict | None = None):
        super().__init__(in_channels, num_references, embed_dims, encoder)

    def forward(self, target, references, extents, extra=None):
        frames = [self.grid_tokens(self.target_projection(frame), extents) for frame in (target, references[0])]
        group = join(frames + ([] if extra is None else [extra]))
        return self.fused(self.encoder(group.tokens, group.positions, group.padding), group, target)
'''

TRACKER = '''
import dataclasses

import torch

from mmrcf.models.trackers.base import BaseTracker
from mmrcf.registry import MODELS
from mmrcf.structures import TrackState


@MODELS.register_module()
class SlotOrderTracker(BaseTracker):
    """The slot is the track ID, nothing else."""

    def init_state(self, num_slots, device):
        numbers = torch.arange(num_slots, device=device) + 1
        return TrackState(numbers, None, None, torch.full_like(numbers, -1), num_slots + 1)

    def update(self, state, slots):
        return state.track_ids, slots.above_thr, dataclasses.replace(state, masks=slots.masks)
'''

CONFIG = """
_base_ = ['{base}']
custom_imports = dict(imports=['my_parts'])
model = dict(
    neck=dict(
        _delete_=True,
        type='NewestReferenceOnly',
        in_channels=32,
        embed_dims=32,
        encoder=dict(num_layers=1, num_heads=4, feedforward_dims=32),
    ),
    tracker=dict(_delete_=True, type='SlotOrderTracker'),
)
"""


@pytest.mark.slow
def test_a_neck_and_a_tracker_of_the_user_train_and_evaluate(
    repository: Path, tiny_config: Path, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / 'my_parts.py').write_text(NECK + TRACKER)
    config = tmp_path / 'mine.py'
    config.write_text(CONFIG.format(base=tiny_config))
    monkeypatch.setenv('PYTHONPATH', f'{tmp_path}:{repository}')
    for script, arguments in (
        ('tools/train.py', [config, '--work-dir', tmp_path / 'run', '--cfg-options', 'train_cfg.max_iters=2']),
        ('tools/test.py', [config, tmp_path / 'run' / 'iter_2.pth', '--work-dir', tmp_path / 'test']),
    ):
        done = subprocess.run(
            [sys.executable, repository / script, *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr[-3000:]
    assert 'vis/AP' in done.stdout
