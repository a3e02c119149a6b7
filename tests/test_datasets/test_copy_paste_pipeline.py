"""What is pasted stays exact through the whole training pipeline of configs/real, on synthetic data."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope

from mmrcf.datasets import ClipRequest
from mmrcf.registry import DATASETS
from mmrcf.synthetic.stand_in import use_stand_ins

CONFIG = Path(__file__).resolve().parents[2] / 'configs/real/rcf_r18_people-animals-vehicles.py'


@pytest.fixture(scope='module')
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[float, list[BaseDataset]]:
    """By the probability of pasting: the videos and the images of the config."""
    init_default_scope('mmrcf')
    built = {}
    for prob in (0.0, 1.0):
        config = Config.fromfile(CONFIG)
        use_stand_ins(config, tmp_path_factory.mktemp('stand_in'), size=(96, 128))
        for step in config.train_dataloader.dataset.pipeline:
            step.update(dict(prob=prob) if step.type == 'VideoCopyPaste' else {})
        built[prob] = DATASETS.build(config.train_dataloader.dataset).datasets
    return built


@pytest.mark.slow
@pytest.mark.parametrize('part', [0, 1], ids=['videos', 'images'])
def test_masks_are_exact_to_the_end_of_the_pipeline(datasets, part: int) -> None:
    pasted = 0
    for seed in range(8):
        plain, clip, again = (datasets[prob][part][ClipRequest(seed % 2, (seed,))] for prob in (0.0, 1.0, 1.0))
        numbers = []
        for frame, same in zip(clip['data_samples'], again['data_samples'], strict=True):
            instances, ids = frame.gt_instances, frame.gt_instances.instances_ids.tolist()
            assert len(set(ids)) == len(ids) == len(instances.labels) == len(instances.masks.masks)
            masks = [instances.masks.masks]
            if 'ignored_instances' in frame:
                masks.append(frame.ignored_instances.masks.masks)
            assert np.concatenate(masks).astype(int).sum(0).max(initial=0) <= 1
            assert np.array_equal(instances.masks.masks, same.gt_instances.masks.masks)
            assert ids == same.gt_instances.instances_ids.tolist()
            numbers.append(set(ids))
        assert np.array_equal(clip['inputs']['img'], again['inputs']['img'])
        before = {i for frame in plain['data_samples'] for i in frame.gt_instances.instances_ids.tolist()}
        pasted += bool(set.union(*numbers) - before)
    assert pasted > 3
