"""A training step of two ranks is the step of one rank with both their clips."""

import os
import subprocess
import sys

import pytest
import torch

STEP = """
import sys
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
import mmrcf
from mmdet.structures.mask import BitmapMasks
from mmrcf.registry import DATASETS, MODELS

torch.set_num_threads(1)
init_default_scope('mmrcf')
rank, ranks, rendezvous, config_path, out = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:6]
if ranks > 1:
    dist.init_process_group('gloo', init_method='file://' + rendezvous, rank=rank, world_size=ranks)
config = Config.fromfile(config_path)
torch.manual_seed(0)
config.model.backbone.norm_eval = True
config.model.backbone.init_cfg = None
model = MODELS.build(config.model).train()
dataset = DATASETS.build(config.train_dataloader.dataset)
import numpy as np
np.random.seed(0)
clips = [dataset[index] for index in range(4)]
# The ranks do not hold equally many objects: one clip loses one of its two.
for frame in clips[0]['data_samples'].video_data_samples:
    frame.gt_instances = frame.gt_instances[:1]
# And one has an ignored region.
for frame in clips[1]['data_samples'].video_data_samples:
    height, width = frame.gt_instances.masks.masks.shape[1:]
    frame.ignored_instances = InstanceData(masks=BitmapMasks(np.ones((1, height, width), np.uint8), height, width))
share = clips if ranks == 1 else clips[rank::ranks]
batch = model.data_preprocessor(pseudo_collate(share), True)
if ranks > 1:
    model = torch.nn.parallel.DistributedDataParallel(model)
sum(model(**batch, mode='loss').values()).backward()
if rank == 0:
    network = model.module if ranks > 1 else model
    torch.save({name: p.grad for name, p in network.named_parameters()}, out)
if ranks > 1:
    dist.destroy_process_group()
"""


def gradients(tmp_path, config, ranks: int) -> dict[str, torch.Tensor]:
    out = tmp_path / f'gradients_{ranks}.pth'
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                '-c',
                STEP,
                str(rank),
                str(ranks),
                str(tmp_path / f'rendezvous_{ranks}'),
                str(config),
                str(out),
            ],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(ranks)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors[-3000:]
    return torch.load(out, weights_only=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    'head', [{}, dict(semantic_weight=1.0, query_grid=True, local_content=True, mask_pooling=True)]
)
def test_two_ranks_make_the_step_of_one(tiny_config, tmp_path, head: dict) -> None:
    config = tmp_path / 'config.py'
    config.write_text(f"_base_ = '{tiny_config}'\nmodel = dict(head={head})\n")
    one, two = gradients(tmp_path, config, 1), gradients(tmp_path, config, 2)
    assert one.keys() == two.keys()
    largest = max(gradient.abs().max() for gradient in one.values())
    assert largest > 0
    for name, gradient in one.items():
        assert gradient is not None, name
        torch.testing.assert_close(two[name], gradient, rtol=1e-3, atol=1e-5 * float(largest), msg=name)
    assert pytest.approx(float(largest), rel=1e-3) == float(max(gradient.abs().max() for gradient in two.values()))
