"""A new neck, a new tracker: one file and one config, and no other file is touched."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.training import run

from mmrcf.registry import MODELS

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


@pytest.fixture
def my_parts(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module of the user; what it registers goes again."""
    Path('my_parts.py').write_text(NECK + TRACKER)
    monkeypatch.syspath_prepend(str(in_tmp_path))
    yield
    del sys.modules['my_parts']
    for name in ('NewestReferenceOnly', 'SlotOrderTracker'):
        del MODELS.module_dict[name]


def test_a_neck_and_a_tracker_of_the_user_train_and_evaluate(
    my_parts: None, train, evaluate, tiny_config: Path
) -> None:
    Path('mine.py').write_text(CONFIG.format(base=tiny_config))
    run(train, 'mine.py', '--work-dir', 'run', '--cfg-options', 'train_cfg.max_iters=2')
    run(evaluate, 'mine.py', 'run/iter_2.pth', '--work-dir', 'test', '--json', 'figures.json')
    assert json.loads(Path('figures.json').read_text())['vis/AP'] >= 0
