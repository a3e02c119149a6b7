import json

import pytest
import torch
from mmengine.runner import Runner

from mmrcf.datasets import ClipRequest, JointDataset
from mmrcf.errors import InputError


@pytest.fixture
def parts(write_ytvis, content, tmp_path) -> list[dict]:
    """Two videos, and three images of which one shows no class; the categories stand in another order."""
    path = write_ytvis()
    images = [dict(id=i + 1, file_name=f'a/0000{i}.png', height=40, width=60) for i in range(3)]
    annotations = [
        dict(id=i, image_id=i, category_id=8 + i % 2, iscrowd=0, segmentation=[[5, 5, 30, 5, 30, 30, 5, 30]])
        for i in (1, 2)
    ]
    categories = [dict(id=9, name='dog'), dict(id=8, name='cat')]
    (tmp_path / 'coco.json').write_text(json.dumps(dict(images=images, annotations=annotations, categories=categories)))
    pipeline = [dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations'), dict(type='PackClip')]
    common = dict(data_root=str(path.parent), data_prefix=dict(img='images'), metainfo=dict(classes=('cat', 'dog')))
    videos = dict(type='YouTubeVISDataset', ann_file='instances.json', pipeline=pipeline, **common)
    stills = dict(type='COCOPseudoVideoDataset', ann_file='coco.json', **common)
    return [videos, stills | dict(pipeline=[*pipeline[:2], dict(type='ClipMotion'), pipeline[2]])]


def test_indices_run_over_all_parts(parts):
    dataset = JointDataset(parts, num_references=2, num_targets=1)
    assert len(dataset) == 4 and dataset.sizes == [2, 2]
    samples = [dataset[index] for index in range(4)]
    assert [sample['data_samples'][0].video_id for sample in samples] == [7, 3, 1, 2]
    assert all(len(sample['data_samples']) == 3 for sample in samples)
    assert [sample['data_samples'][2].gt_instances.labels.tolist() for sample in samples[2:]] == [[1], [0]]
    first, second = (dataset[ClipRequest(3, (1, 2))]['inputs']['img'] for _ in range(2))
    assert torch.equal(first, second)
    with pytest.raises(IndexError):
        dataset[4]


def test_batches_mix_the_parts(parts):
    loader = Runner.build_dataloader(
        dict(
            batch_size=4,
            num_workers=0,
            sampler=dict(type='mmrcf.JointSampler', weights=[1, 1]),
            dataset=dict(type='mmrcf.JointDataset', datasets=parts, num_references=1, num_targets=2),
        ),
        seed=0,
    )
    batches = iter(loader)
    ids = set()
    for _ in range(6):
        batch = next(batches)
        assert [clip.shape for clip in batch['inputs']['img']] == [(3, 3, 40, 60)] * 4
        ids |= {sample[0].video_id for sample in batch['data_samples']}
    assert ids == {1, 2, 3, 7}


def test_parts_must_agree(parts):
    with pytest.raises(InputError, match='datasets is empty'):
        JointDataset([])
    with pytest.raises(InputError, match='test_mode is set'):
        JointDataset([parts[0] | dict(test_mode=True, lazy_init=True)])
    other = parts[1] | dict(metainfo=dict(classes=('dog', 'cat')))
    with pytest.raises(InputError, match='differ in classes .their order.*same metainfo.classes'):
        JointDataset([parts[0], other])
    more = parts[1] | dict(metainfo=dict(classes=('cat', 'dog', 'whale')))
    with pytest.raises(InputError, match=r"coco.json and .*instances.json differ in classes \(\['whale'\]\)"):
        JointDataset([parts[0], more])


def test_clips_do_not_depend_on_the_number_of_loader_processes(parts):
    parts[0]['pipeline'] = [*parts[0]['pipeline'][:2], dict(type='RandomClipFlip'), parts[0]['pipeline'][2]]
    streams = []
    for workers in (0, 2):
        config = dict(
            batch_size=2,
            num_workers=workers,
            sampler=dict(type='mmrcf.JointSampler'),
            dataset=dict(type='mmrcf.JointDataset', datasets=parts, num_targets=2),
        )
        batches = iter(Runner.build_dataloader(config, seed=3))
        streams.append([torch.stack(next(batches)['inputs']['img']) for _ in range(5)])
    assert all(torch.equal(one, other) for one, other in zip(*streams, strict=True))


def test_a_shared_pipeline_serves_the_parts_that_have_none(parts):
    pipeline = [dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations'), dict(type='PackClip')]
    del parts[0]['pipeline']
    shared, own = parts[0], parts[1]
    with_shared = JointDataset([shared, own], num_targets=2, pipeline=pipeline)
    expected = JointDataset([shared | dict(pipeline=pipeline), own], num_targets=2)
    for index in range(4):
        one, other = (dataset[ClipRequest(index, (5,))]['inputs']['img'] for dataset in (with_shared, expected))
        assert torch.equal(one, other)
    del own['pipeline']
    both = JointDataset([shared, own], num_targets=2, pipeline=pipeline)
    transforms = [dataset.pipeline.transforms for dataset in both.datasets]
    assert all(one is other for one, other in zip(*transforms, strict=True))
