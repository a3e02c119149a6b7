import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from pycocotools import mask as mask_utils

from mmrcf.apis import init_model
from mmrcf.engine import FrameStream
from mmrcf.registry import DATASETS


@pytest.fixture(scope='module')
def model(tiny_config):
    return init_model(tiny_config, cfg_options={'model.score_thr': 0.01})


@pytest.fixture(scope='module')
def batches(tiny_config):
    dataset = DATASETS.build(Config.fromfile(tiny_config).test_dataloader.dataset)
    return [pseudo_collate([dataset[index]]) for index in range(len(dataset))]


def test_records_are_compact_and_a_new_video_starts_afresh(model, batches) -> None:
    stream = FrameStream(model)
    records = [stream.process(batch) for batch in batches]
    assert [(record['video_id'], record['frame_id']) for record in records] == [
        (v, t) for v in (1, 2) for t in range(4)
    ]
    assert sum(len(record['ids']) for record in records) > 0
    for record in records:
        assert record['ori_shape'] == (64, 96) and record['video_length'] == 4
        assert all(isinstance(rle['counts'], str) and rle['size'] == [64, 96] for rle in record['rles'])
    alone = FrameStream(model)
    for batch, record in zip(batches[4:], records[4:], strict=True):
        again = alone.process(batch)
        assert np.array_equal(again['ids'], record['ids'])
        assert np.array_equal(mask_utils.area(again['rles']), mask_utils.area(record['rles']))
    assert stream.state.frame_index == 4


def test_frames_out_of_order_are_refused(model, batches) -> None:
    stream = FrameStream(model)
    stream.process(batches[0])
    with pytest.raises(ValueError, match='VideoFrameSampler'):
        stream.process(batches[2])
    with pytest.raises(ValueError, match='VideoFrameSampler'):
        stream.process(batches[5])


def test_a_batch_of_several_frames_is_refused(model, batches) -> None:
    two = pseudo_collate(
        [
            {key: value[0] if key == 'data_samples' else {'img': value['img'][0]} for key, value in batch.items()}
            for batch in batches[:2]
        ]
    )
    with pytest.raises(ValueError, match='batch_size=1'):
        FrameStream(model).process(two)
