import json

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmrcf.datasets import CLASS_LISTS

HEIGHT, WIDTH = 36, 64
CLASSES_OF_FILES = dict(avis=20, aviseg=26)
POLYGON = [[5, 5, 40, 5, 40, 30, 5, 30]]


def write_images(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def trees(in_tmp_path, write_wav):
    """The folders that data/README.md shows, with one video or image each."""
    names = [f'v/{t:05d}.jpg' for t in range(4)]
    video = dict(id=1, height=HEIGHT, width=WIDTH, length=4, file_names=names)
    track = dict(id=1, video_id=1, category_id=3, iscrowd=0, segmentations=[POLYGON] * 4)
    data = in_tmp_path / 'data'
    files = dict(
        youtube_vis_2019=dict(train='train.json', valid='valid.json'),
        youtube_vis_2021=dict(train='train/instances.json', valid='valid/instances.json'),
        shapes=dict(train='train/instances.json', val='val/instances.json', test='test/instances.json'),
        shapes_av=dict(train='train/instances.json', val='val/instances.json', test='test/instances.json'),
        avis=dict(train='train/instances.json', val='val/instances.json'),
        aviseg=dict(train='train.json', val='val.json', test='test.json'),
    )
    for name, splits in files.items():
        labels = CLASS_LISTS.get(name, [f'class {index}' for index in range(CLASSES_OF_FILES.get(name, 0))])
        categories = [dict(id=i, name=label) for i, label in enumerate(labels, 1)]
        for split, file in splits.items():
            if 'av' in name:
                (data / name / split / 'WAVAudios').mkdir(parents=True)
                write_wav(data / name / split / 'WAVAudios' / 'v.wav', np.full(4 * 8000, 99, np.int16), 8000)
            annotations = None if split == 'valid' else [track]
            write_images(data / name / split / 'JPEGImages', names)
            timed = video | (dict(fps=6) if name == 'shapes_av' else {})
            write_json(data / name / file, dict(videos=[timed], categories=categories, annotations=annotations))
    write_images(data / 'coco' / 'train2017', ['1.jpg'])
    image = dict(id=1, file_name='1.jpg', height=HEIGHT, width=WIDTH)
    thing = dict(id=1, image_id=1, category_id=1, iscrowd=0, segmentation=POLYGON)
    coco = dict(images=[image], annotations=[thing], categories=[dict(id=1, name='car')])
    write_json(data / 'coco' / 'annotations' / 'instances_train2017.json', coco)
    return data


def loader_of(config):
    return Runner.build_dataloader(config | dict(num_workers=0, persistent_workers=False), seed=0)


AUDIO_CONFIGS = ['shapes/rcf-av_r18_shapes-av', 'rcf_av/rcf-av_r50_avis', 'rcf_av/rcf-av_r101_aviseg']


@pytest.mark.parametrize(
    'name',
    [
        'shapes/rcf_r18_shapes',
        'rcf/rcf_r50_ytvis19',
        'rcf/rcf_r50_ytvis21',
        'rcf/rcf_r50_coco-ytvis19',
        'rcf/rcf_r50_coco-ytvis21',
        'baselines/masktrack-rcnn_r50_avis',
        *AUDIO_CONFIGS,
    ],
)
def test_a_config_reads_the_tree_of_its_data_set(repository, trees, name):
    config = Config.fromfile(repository / 'configs' / f'{name}.py')
    shapes = name.startswith('shapes/')
    with DefaultScope.overwrite_default_scope('mmrcf'):
        batch = next(iter(loader_of(config.train_dataloader)))
        assert len(batch['inputs']['img']) == len(batch['data_samples']) == config.train_dataloader.batch_size
        short_sides = {min(clip.shape[-2:]) for clip in batch['inputs']['img']}
        assert short_sides <= ({HEIGHT, 160} if shapes else {288, 320, 352, 360, 384, 416})
        assert all(len(sample[-1].gt_instances) == 1 for sample in batch['data_samples'])
        batch = next(iter(loader_of(config.test_dataloader)))
        assert batch['inputs']['img'][0].shape == (1, 3, *((160, 284) if shapes else (360, 640)))
        assert 'gt_instances' not in batch['data_samples'][0][0]
    assert (config.val_dataloader is None) == (config.val_evaluator is None) == name.startswith('rcf/')


@pytest.mark.parametrize('name', AUDIO_CONFIGS)
def test_a_config_with_audio_reads_it(repository, trees, name):
    config = Config.fromfile(repository / 'configs' / f'{name}.py')
    with DefaultScope.overwrite_default_scope('mmrcf'):
        train, test = loader_of(config.train_dataloader), loader_of(config.test_dataloader)
    assert len(train.dataset.metainfo['classes']) == config.model.head.num_classes
    length = train.dataset.num_references + train.dataset.num_targets
    assert all(audio.shape == (length, 96, 64) for audio in next(iter(train))['inputs']['audio'])
    # Four seconds of audio: at one frame a second as at six, every frame but the first gets some of it.
    assert [sample['inputs']['audio_valid'].tolist() for sample in test.dataset] == [[False]] + [[True]] * 3


@pytest.mark.parametrize('name', ['rcf-av_r18_shapes-av', 'rcf_r18_shapes-av'])
def test_the_audio_visual_benchmark_measures_look_alikes(name: str, repository) -> None:
    config = Config.fromfile(repository / f'configs/shapes/{name}.py')
    for evaluators in (config.val_evaluator, config.test_evaluator):
        assert [metric.type for metric in evaluators] == ['VISMetric', 'OrderMetric', 'LookAlikeMetric']
