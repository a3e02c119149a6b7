"""Batches of clips with and without audio, from the data sets to the model's door."""

import numpy as np
import pytest
import torch
from mmengine.registry import FUNCTIONS

from mmrcf.datasets import JointDataset, JointSampler, collate_clips
from mmrcf.models.data_preprocessors.rcf_data_preprocessor import RCFDataPreprocessor

FRAMES = [dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations')]
AUDIO = [dict(type='LoadClipAudio'), dict(type='AudioPatches')]
PACK = [dict(type='PackClip')]


@pytest.fixture
def joint(write_ytvis, write_wav) -> JointDataset:
    """The same two videos twice: without audio, and with it."""
    path = write_ytvis()
    (path.parent / 'audio').mkdir()
    for seed, name in enumerate('ab'):
        samples = np.random.default_rng(seed).integers(-9000, 9000, 32000).astype(np.int16)
        write_wav(path.parent / 'audio' / f'{name}.wav', samples, 16000)
    shared = dict(ann_file='instances.json', data_root=str(path.parent))
    visual = dict(type='YouTubeVISDataset', data_prefix=dict(img='images'), pipeline=FRAMES + PACK)
    audio_visual = dict(
        type='AVISDataset', data_prefix=dict(img='images', audio='audio'), fps=2.0, pipeline=FRAMES + AUDIO + PACK
    )
    return JointDataset([shared | visual, shared | audio_visual], num_references=2, num_targets=1)


@pytest.fixture
def preprocessor() -> RCFDataPreprocessor:
    return RCFDataPreprocessor(mean=[0.0] * 3, std=[1.0] * 3)


@pytest.mark.parametrize('order', [[0, 2, 1, 3], [2, 0], [3, 2], [0, 1]])
def test_clips_without_audio_are_zeros_in_a_batch_with_audio(joint, preprocessor, order):
    clips = [joint[index] for index in order]
    inputs = preprocessor(collate_clips(clips), True)['inputs']
    assert inputs['img'].shape[:2] == (len(order), 3)
    if max(order) < 2:
        assert set(inputs) == {'img'}
        return
    assert inputs['audio'].shape == (len(order), 3, 96, 64) and inputs['audio'].dtype == torch.float32
    assert inputs['audio_valid'].shape == (len(order), 3) and inputs['audio_valid'].dtype == torch.bool
    for index, clip, audio, valid in zip(order, clips, inputs['audio'], inputs['audio_valid'], strict=True):
        if index < 2:
            assert not audio.any() and not valid.any()
        else:
            assert torch.equal(audio, clip['inputs']['audio'])
            assert torch.equal(valid, clip['inputs']['audio_valid'])


def test_batches_that_are_alike_are_those_of_mmengine(joint):
    clips = [joint[index] for index in (2, 3)]
    expected, batch = FUNCTIONS.get('pseudo_collate')(clips), FUNCTIONS.get('collate_clips')(clips)
    assert set(batch) == set(expected) == {'inputs', 'data_samples'}
    assert set(batch['inputs']) == set(expected['inputs']) == {'img', 'audio', 'audio_valid'}
    for key, values in expected['inputs'].items():
        assert all(torch.equal(a, b) for a, b in zip(batch['inputs'][key], values, strict=True))


def test_mixed_batches_from_loader_processes(joint, preprocessor):
    loader = torch.utils.data.DataLoader(
        joint, batch_size=4, sampler=JointSampler(joint, seed=0), num_workers=2, collate_fn=collate_clips
    )
    mixed = 0
    for _, batch in zip(range(4), loader, strict=False):
        has_audio = [clip is not None for clip in batch['inputs'].get('audio', [None] * 4)]
        inputs = preprocessor(batch, True)['inputs']
        mixed += 0 < sum(has_audio) < 4
        if any(has_audio):
            pairs = zip(inputs['audio'], inputs['audio_valid'], has_audio, strict=True)
            assert all(known or not (audio.any() or valid.any()) for audio, valid, known in pairs)
    assert mixed >= 2
