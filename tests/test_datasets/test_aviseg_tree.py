"""AVISeg as it is published, read by its config alone."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from pycocotools import mask as mask_utils

from mmrcf.apis import RCFInferencer
from mmrcf.audio.file import read_audio
from mmrcf.datasets.annotations import validate_annotations
from mmrcf.datasets.audio_validation import AudioFolder

HEIGHT, WIDTH, FRAMES = 36, 64, 5
# Name of a video: sample rate, channels and seconds of its audio.
AUDIO_VARIANTS = {
    'mono_44': (44100, 1, 5.0),
    'stereo_44': (44100, 2, 5.0),
    'mono_16': (16000, 1, 5.0),
    'stereo_16': (16000, 2, 6.5),
    'short': (16000, 1, 1.5),
    'without': None,
}


def segmentation(frame: int):
    """Polygon, compressed RLE, nothing, list of runs: all that a file may hold, over the frames of a track."""
    left = 4 + 6 * frame
    polygon = [left, 8, left + 14, 8, left + 14, 26, left, 26]
    if frame % 4 == 0:
        return [polygon]
    if frame % 4 == 2:
        return None
    rle = mask_utils.merge(mask_utils.frPyObjects([polygon], HEIGHT, WIDTH))
    if frame % 4 == 1:
        return dict(size=[HEIGHT, WIDTH], counts=rle['counts'].decode())
    flat = mask_utils.decode(rle).flatten(order='F')
    edges = np.flatnonzero(np.diff(flat)) + 1
    return dict(size=[HEIGHT, WIDTH], counts=np.diff(np.concatenate([[0], edges, [len(flat)]])).tolist())


@pytest.fixture(scope='module')
def tree(tmp_path_factory, write_wav):
    """``data/aviseg``: three splits of six videos, one frame a second, no fps and no class list anywhere."""
    root = tmp_path_factory.mktemp('aviseg')
    categories = [dict(id=index, name=f'instrument {index}') for index in range(26, 0, -1)]
    for split in ('train', 'val', 'test'):
        videos, annotations = [], []
        for index, (name, audio) in enumerate(AUDIO_VARIANTS.items(), 1):
            names = [f'{name}/{frame}.jpg' for frame in range(FRAMES)]
            (root / split / 'JPEGImages' / name).mkdir(parents=True)
            for frame_name in names:
                cv2.imwrite(str(root / split / 'JPEGImages' / frame_name), np.full((HEIGHT, WIDTH, 3), 80, np.uint8))
            (root / split / 'WAVAudios').mkdir(exist_ok=True)
            if audio is not None:
                rate, channels, seconds = audio
                samples = np.random.default_rng(index).integers(-9000, 9000, (round(rate * seconds), channels))
                write_wav(root / split / 'WAVAudios' / f'{name}.wav', samples.astype(np.int16), rate)
            size = dict(height=HEIGHT, width=WIDTH, length=FRAMES)
            videos.append(dict(id=index, **size, file_names=names))
            segmentations = [segmentation(frame) for frame in range(FRAMES)]
            boxes = [None if mask is None else [4 + 6 * t, 8, 14, 18] for t, mask in enumerate(segmentations)]
            annotations.append(
                dict(
                    id=index,
                    video_id=index,
                    category_id=27 - index,
                    iscrowd=0,
                    **size,
                    segmentations=segmentations,
                    bboxes=boxes,
                    areas=[None if box is None else 14 * 18 for box in boxes],
                )
            )
        content = dict(videos=videos, categories=categories, annotations=annotations)
        (root / f'{split}.json').write_text(json.dumps(content))
    return root


@pytest.fixture(scope='module')
def config(tree, repository, tmp_path_factory):
    """What a config of the AVISeg family says of the data, on the tree above."""
    base = repository / 'configs/_base_'
    path = tmp_path_factory.mktemp('config') / 'aviseg.py'
    path.write_text(f'_base_ = ["{base}/datasets/aviseg.py", "{base}/default_runtime.py"]')
    config = Config.fromfile(path)
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = f'{tree}/'
    return config


def loader_of(config: dict):
    with DefaultScope.overwrite_default_scope('mmrcf'):
        return Runner.build_dataloader(config, seed=0)


def test_testing(config, tree):
    loader = loader_of(config.test_dataloader)
    assert loader.dataset.metainfo['classes'] == tuple(f'instrument {index}' for index in range(1, 27))
    names = list(AUDIO_VARIANTS)
    for index, batch in enumerate(loader):
        video, frame = divmod(index, FRAMES)
        variant = AUDIO_VARIANTS[names[video]]
        audio, valid = batch['inputs']['audio'][0], batch['inputs']['audio_valid'][0].item()
        assert audio.shape == (1, 96, 64)
        # A frame gets the second before it: the first frame nothing, and none more than a second after the end.
        assert valid == (variant is not None and 0 < frame < variant[2] + 0.975), (names[video], frame)
        if valid:
            whole = read_audio(tree / 'test' / 'WAVAudios' / f'{names[video]}.wav')
            assert torch.equal(audio[0], whole.patch(float(frame))[0])
        else:
            assert not audio.any()
    assert index == len(AUDIO_VARIANTS) * FRAMES - 1


def test_training(config):
    loader = loader_of(config.train_dataloader)
    seen, audible = set(), set()
    for _, batch in zip(range(9), loader, strict=False):
        assert len(batch['inputs']['audio']) == config.train_dataloader.batch_size
        for clip, audio, valid, sample in zip(
            *(batch['inputs'][key] for key in ('img', 'audio', 'audio_valid')), batch['data_samples'], strict=True
        ):
            frames = sample.video_data_samples
            assert len(clip) == len(audio) == len(valid) == len(frames) == 4
            assert frames[-1].gt_instances.labels.tolist() == [27 - frames[-1].video_id - 1]
            assert frames[-1].gt_instances.masks.masks.any()
            assert all(patch.any() == known for patch, known in zip(audio, valid, strict=True))
            name = list(AUDIO_VARIANTS)[frames[0].video_id - 1]
            seen.add(name)
            audible |= {name} if valid.any() else set()
    assert seen == set(AUDIO_VARIANTS) and audible <= set(AUDIO_VARIANTS) - {'without'} and len(audible) >= 3


def test_evaluators_read_the_files_of_their_splits(config):
    for split in ('val', 'test'):
        assert [metric.ann_file for metric in config[f'{split}_evaluator']] == [f'data/aviseg/{split}.json'] * 3
        dataset = config[f'{split}_dataloader'].dataset
        assert (dataset.ann_file, dataset.data_prefix.audio) == (f'{split}.json', f'{split}/WAVAudios')


def test_the_validator_finds_nothing_but_what_is_remarkable(tree):
    audio = AudioFolder(tree / 'train/WAVAudios', fps=1.0)
    problems = validate_annotations(tree / 'train.json', tree / 'train/JPEGImages', audio.check)
    assert [problem.severity for problem in problems] == ['note'] * 3
    assert [str(problem).split(': ')[1] for problem in problems] == ['video 4', 'video 5', 'video 6']
    assert 'much longer than the video with 5.00 s' in str(problems[0])
    assert 'lasts 1.50 s, much shorter' in str(problems[1])
    assert 'no such file; the video is without audio' in str(problems[2])


TINY = """
_base_ = '{repository}/configs/rcf_av/rcf-av_r50_aviseg.py'

_layers = dict(num_layers=1, feedforward_dims=32)
model = dict(
    backbone=dict(depth=18, base_channels=8, stem_channels=8, init_cfg=None),
    neck=dict(in_channels=64, encoder=_layers),
    mask_decoder=dict(in_channels=[8, 16, 32]),
    head=dict(decoder=_layers),
    audio_encoder=dict(_delete_=True, type='SmallAudioEncoder', num_references=3, embed_dims=256, lstm_dims=16),
    score_thr=0.01,
)
"""


@pytest.mark.slow
def test_a_model_trains_evaluates_and_runs(tree, repository, load_script, in_tmp_path):
    Path('tiny.py').write_text(TINY.format(repository=repository))
    options = ['train_cfg.max_iters=2', 'train_cfg.val_interval=2', 'work_dir=run']
    for split in ('train', 'val', 'test'):
        loader = f'{split}_dataloader'
        options += [
            f'{loader}.num_workers=0',
            f'{loader}.persistent_workers=False',
            f'{loader}.dataset.data_root={tree}',
        ]
    for split in ('val', 'test'):
        options += [f'{split}_evaluator.{index}.ann_file={tree}/{split}.json' for index in range(3)]
    options += [f'{split}_dataloader.dataset.pipeline.1.scale=(96,54)' for split in ('val', 'test')]
    options += ['train_dataloader.dataset.pipeline.2.scales=[(96,54)]']
    load_script('tools/train.py').main(['tiny.py', '--cfg-options', *options])
    checkpoint = 'run/iter_2.pth'
    arguments = ['tiny.py', checkpoint, '--json', 'figures.json', '--cfg-options', *options]
    load_script('tools/test.py').main(arguments)
    figures = json.loads(Path('figures.json').read_text())
    assert figures['vis/AP'] >= 0 and figures['order/matched'] >= 0 and 0 <= figures['avis/FSLA'] <= 100
    video = tree / 'test' / 'JPEGImages' / 'stereo_44'
    audio = tree / 'test' / 'WAVAudios' / 'stereo_44.wav'
    summary = RCFInferencer('tiny.py', checkpoint)(str(video), audio=str(audio), fps=1, out='out.mp4', json='out.json')
    assert summary.frames == FRAMES
    assert summary.audio == 'stereo_44.wav (44100 Hz, 2 channels)'
    assert len(json.loads(Path('out.json').read_text())['videos']) == 1
