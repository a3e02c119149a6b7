"""Peers learn from our clips by mmdet's own losses, and the tools train and test them on our data."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from mmrcf.errors import InputError
from mmrcf.models.vis.mmdet_bridge import training_samples
from mmrcf.registry import MODELS

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).resolve().parents[3] / 'configs/baselines'
CONFIGS = sorted(path.stem for path in FOLDER.glob('*.py'))
MASKTRACK, MASK2FORMER = 'masktrack-rcnn_r50_ytvis19', 'mask2former-vis_r50_ytvis19'
BOTH = (MASKTRACK, MASK2FORMER)
PADDED, VALID = (64, 96), (60, 90)


def test_the_losses_are_those_of_mmdet(counterparts, make_stream, make_clip_sample) -> None:
    frames, clips = make_stream(2)[None], [make_clip_sample(2, *VALID)]
    counterparts.ours.train(), counterparts.theirs.train()
    torch.manual_seed(1)
    ours, _ = counterparts.ours.parse_losses(counterparts.ours(inputs={'img': frames}, data_samples=clips, mode='loss'))
    torch.manual_seed(1)
    theirs, _ = counterparts.theirs.parse_losses(counterparts.theirs.loss(frames, training_samples(clips, PADDED)))
    counterparts.ours.eval(), counterparts.theirs.eval()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)


def test_ground_truth_is_handed_over_padded_and_left_as_it_was(make_clip_sample) -> None:
    clip = make_clip_sample(2, *VALID)
    (sample,) = training_samples([clip], PADDED)
    assert sample.get_key_frames() == [sample[1]] and sample.get_ref_frames() == [sample[0]]
    truth = sample[1].gt_instances
    assert truth.masks.masks.shape == (2, *PADDED)
    assert truth.bboxes[0].tolist() == [6.0, 0.0, 22.0, 8.0]
    assert clip[1].gt_instances.masks.masks.shape == (2, *VALID)
    assert 'bboxes' not in clip[1].gt_instances


@pytest.mark.parametrize('name', CONFIGS)
def test_every_config_trains_a_step_and_tracks_a_frame(name: str, peer_config, make_training_clip) -> None:
    config = peer_config(name)
    init_default_scope('mmrcf')
    model = MODELS.build(config.model).train()
    frames, sample = make_training_clip(config.train_dataloader.dataset.num_targets, *PADDED)
    loss, _ = model.parse_losses(model.loss({'img': frames}, [sample]))
    loss.backward()
    assert torch.isfinite(loss)
    missing = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not missing
    result, state = model.eval().step(frames[0, :1], model.init_state(), img_shape=PADDED, ori_shape=PADDED)
    assert result.masks.shape[1:] == PADDED
    assert state.frame_index == 1


@pytest.mark.parametrize('name', BOTH)
@pytest.mark.parametrize('empty', [(0,), (1,), (0, 1)])
def test_frames_without_objects_can_be_learnt_from(name: str, empty, build_peer, make_training_clip) -> None:
    model = build_peer(name).train()
    frames, sample = make_training_clip(2, *PADDED)
    for index in empty:
        sample[index].gt_instances = sample[index].gt_instances[:0]
    loss, _ = model.parse_losses(model.loss({'img': frames}, [sample]))
    loss.backward()
    assert torch.isfinite(loss)


@pytest.mark.parametrize('name', BOTH)
def test_clips_of_another_length_are_refused(name: str, build_peer, make_training_clip) -> None:
    frames, sample = make_training_clip(3, *PADDED)
    with pytest.raises(InputError, match='set num_references=0 and num_targets=2 in the training dataset'):
        build_peer(name).loss({'img': frames}, [sample])


@pytest.mark.parametrize('name', BOTH)
def test_the_tools_train_and_test_it_on_our_data(
    name: str, peer_config, tiny_ytvis: Path, load_script, in_tmp_path: Path
) -> None:
    config = peer_config(name)
    frames = dict(type='ClipResize', scale=(96, 64), keep_ratio=True)
    for split, place in (('train', 2), ('test', 1)):
        loader = config[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(
            data_root=f'{tiny_ytvis}/',
            ann_file=f'{split}/instances.json',
            data_prefix=dict(img=f'{split}/JPEGImages'),
        )
        loader.dataset.pipeline[place] = frames
    config.test_evaluator = dict(type='VISMetric', ann_file=f'{tiny_ytvis}/test/instances.json')
    config.train_cfg.max_iters = 2
    config.default_hooks.logger.interval = 1
    config.dump('peer.py')
    load_script('tools/train.py').main(['peer.py', '--work-dir', 'run'])
    load_script('tools/test.py').main(['peer.py', 'run/iter_2.pth', '--json', 'metrics.json', '--work-dir', 'run'])
    assert 'vis/AP' in Path('metrics.json').read_text()
