import json
import zipfile

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from pycocotools import mask as mask_utils

from mmrcf.datasets import CLASS_LISTS, YouTubeVISDataset
from mmrcf.evaluation import evaluate_tracks
from mmrcf.registry import METRICS

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
        youtube_vis_2022=dict(train='train/instances.json', valid='valid/instances.json'),
        ovis=dict(train='annotations_train.json', valid='annotations_valid.json'),
        shapes=dict(train='train/instances.json', val='val/instances.json', test='test/instances.json'),
        shapes_av=dict(train='train/instances.json', val='val/instances.json', test='test/instances.json'),
        avis=dict(train='train/instances.json', val='val/instances.json'),
        aviseg=dict(train='train.json', val='val.json', test='test.json'),
    )
    for name, splits in files.items():
        same = name.replace('2022', '2021')
        labels = CLASS_LISTS.get(same, [f'class {index}' for index in range(CLASSES_OF_FILES.get(name, 0))])
        categories = [dict(id=i, name=label) for i, label in enumerate(labels, 1)]
        for split, file in splits.items():
            if 'av' in name:
                (data / name / split / 'WAVAudios').mkdir(parents=True)
                write_wav(data / name / split / 'WAVAudios' / 'v.wav', np.full(4 * 8000, 99, np.int16), 8000)
            annotations = None if split == 'valid' else [track]
            write_images(data / name / split / ('' if name == 'ovis' else 'JPEGImages'), names)
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
        'rcf/rcf_r50_ytvis22',
        'rcf/rcf_r50_ovis',
        'baselines/mask2former-vis_r50_ytvis21',
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
    assert (
        (config.val_dataloader is None)
        == (config.val_evaluator is None)
        == (name.startswith('rcf/') or 'mask2former' in name)
    )


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


# An excerpt in the layout of OVIS: fields beside those of YouTube-VIS, names of frames that count from 1.
OVIS_VIDEO = dict(id=1, height=HEIGHT, width=WIDTH, length=2, license=1)
OVIS_FIELDS = dict(iscrowd=0, height=HEIGHT, width=WIDTH, length=1, bboxes=[None] * 2, areas=[None] * 2)


@pytest.mark.parametrize(('name', 'year'), [('rcf_r50_ytvis22', 'youtube_vis_2022'), ('rcf_r50_ovis', 'ovis')])
def test_a_submission_for_its_server_has_its_videos_and_categories(
    repository, in_tmp_path, name: str, year: str
) -> None:
    config = Config.fromfile(repository / f'configs/rcf/{name}.py')
    path = in_tmp_path / config.test_evaluator.ann_file
    names = [f'85aa3b0e/img_{t:07d}.jpg' for t in (1, 2)]
    classes = CLASS_LISTS[config.test_dataloader.dataset.metainfo.classes]
    categories = [dict(id=i, name=label) for i, label in enumerate(classes, 1)]
    write_json(path, dict(info={}, videos=[OVIS_VIDEO | dict(file_names=names)], categories=categories))
    metric = METRICS.build(dict(config.test_evaluator, classes=classes))
    rle = mask_utils.encode(np.asfortranarray(np.ones((HEIGHT, WIDTH), np.uint8)))
    rle = dict(size=list(rle['size']), counts=rle['counts'].decode())
    for frame_id in range(2):
        probs = np.eye(len(classes), dtype=np.float32)[[4]] * 0.5
        track = dict(
            ids=np.array([7]), queries=np.array([0]), labels=np.array([4]), scores=probs.max(1), class_probs=probs
        )
        position = dict(video_id=1, frame_id=frame_id, video_length=2, ori_shape=(HEIGHT, WIDTH))
        metric.process({}, [position | track | dict(rles=[rle])])
    assert metric.evaluate(2) == {}
    with zipfile.ZipFile(f'outputs/{year}_valid.zip') as archive:
        (entry,) = json.loads(archive.read('results.json'))
    assert entry == dict(video_id=1, score=0.5, category_id=5, segmentations=[rle] * 2)


def test_an_excerpt_of_ovis_is_read_and_evaluated(in_tmp_path) -> None:
    names = ['85aa3b0e/img_0000001.jpg', '85aa3b0e/img_0000002.jpg']
    write_images(in_tmp_path / 'data/ovis/train', names)
    occlusion = ['no_occlusion', 'severe_occlusion']
    track = dict(id=1, video_id=1, category_id=19, segmentations=[POLYGON, None], occlusion=occlusion) | OVIS_FIELDS
    categories = [dict(id=i, name=label, supercategory='object') for i, label in enumerate(CLASS_LISTS['ovis'], 1)]
    content = dict(info={}, videos=[OVIS_VIDEO | dict(file_names=names)], annotations=[track], categories=categories)
    write_json(in_tmp_path / 'data/ovis/annotations_train.json', content)
    dataset = YouTubeVISDataset(
        'annotations_train.json',
        data_root='data/ovis',
        data_prefix=dict(img='train'),
        metainfo=dict(classes='ovis'),
        pipeline=[dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations'), dict(type='PackClip')],
    )
    frames = dataset[0]['data_samples'].video_data_samples
    assert all(frame.gt_instances.labels.tolist() == [18] * (frame.frame_id == 0) for frame in frames)
    assert frames[-1].frame_id == 0, 'a target without an object is drawn again'
    result = dict(video_id=1, category_id=19, score=0.9, segmentations=[rle_of(POLYGON), None])
    assert evaluate_tracks(content, [result])['AP'] == pytest.approx(100)


def rle_of(polygon) -> dict:
    rle = mask_utils.merge(mask_utils.frPyObjects(polygon, HEIGHT, WIDTH))
    return dict(size=rle['size'], counts=rle['counts'].decode())
