"""One training step in one or several processes: ``rank_step.py RANK RANKS RENDEZVOUS [CONFIG OUT]...``.

Then the running statistics that each process validates with: those of the first.
"""

import sys
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmrcf.engine.hooks import CompleteCheckpointHook
from mmrcf.registry import DATASETS, MODELS


def gradients(path: str, rank: int, ranks: int) -> dict[str, torch.Tensor]:
    """The gradients of a step on four clips, of which each rank has its share."""
    from mmdet.structures.mask import BitmapMasks  # which mmrcf makes importable with light mmcv

    init_default_scope('mmrcf')
    config = Config.fromfile(path)
    torch.manual_seed(0)
    config.model.backbone.norm_eval = True
    config.model.backbone.init_cfg = None
    model = network = MODELS.build(config.model).train()
    dataset = DATASETS.build(config.train_dataloader.dataset)
    np.random.seed(0)
    clips = [dataset[index] for index in range(4)]
    # The ranks do not hold equally many objects: one clip loses one of its two.
    for frame in clips[0]['data_samples'].video_data_samples:
        frame.gt_instances = frame.gt_instances[:1]
    # And one has an ignored region.
    for frame in clips[1]['data_samples'].video_data_samples:
        height, width = frame.gt_instances.masks.masks.shape[1:]
        mask = BitmapMasks(np.ones((1, height, width), np.uint8), height, width)
        frame.ignored_instances = InstanceData(masks=mask)
    batch = model.data_preprocessor(pseudo_collate(clips[rank::ranks]), True)
    if ranks > 1:
        network = torch.nn.parallel.DistributedDataParallel(model)
    sum(network(**batch, mode='loss').values()).backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


def main(rank: int, ranks: int, rendezvous: str, files: Sequence[str]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank, world_size=ranks)
    for config, out in zip(files[::2], files[1::2], strict=True):
        found = gradients(config, rank, ranks)
        if rank == 0:
            torch.save(found, out)
    model = torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.BatchNorm1d(2))
    model[1].running_mean.fill_(rank)
    model[1].running_var.fill_(rank + 5)
    CompleteCheckpointHook().before_val_epoch(SimpleNamespace(model=model))
    assert model[1].running_mean.tolist() == [0, 0] and model[1].running_var.tolist() == [5, 5]
    dist.destroy_process_group()


if __name__ == '__main__':
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
