import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks

from mmrcf.datasets.transforms import PackClip
from mmrcf.datasets.transforms.motion import smooth_path
from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS
from mmrcf.utils import mask_boxes

HEIGHT, WIDTH = 48, 80


@pytest.fixture
def clip() -> dict:
    """Three frames of a bright ellipse and a bright box on black; masks are where the pixels are bright."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    images, masks = [], []
    for t in range(3):
        ellipse = ((rows - 20) / 14) ** 2 + ((columns - 24 - 4 * t) / 18) ** 2 < 1
        box = (rows >= 30) & (rows < 44) & (columns >= 50) & (columns < 74)
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        image[ellipse] = (250, 0, 0)
        image[box] = (0, 250, 0)
        images.append(image)
        masks.append(BitmapMasks(np.stack([ellipse, box]).astype(np.uint8), HEIGHT, WIDTH))
    return dict(
        img=images,
        gt_masks=masks,
        gt_bboxes_labels=[np.array([3, 1])] * 3,
        gt_instances_ids=[np.array([1, 2])] * 3,
        ori_shape=[(HEIGHT, WIDTH)] * 3,
        img_shape=[(HEIGHT, WIDTH)] * 3,
        img_path=[f'{t}.jpg' for t in range(3)],
        video_id=[5] * 3,
        frame_id=[0, 1, 2],
        video_length=[3] * 3,
    )


def run(clip: dict, name: str, seed: int = 0, **settings) -> dict:
    results = clip | dict(rng=np.random.default_rng(seed))
    return TRANSFORMS.build(dict(type=name, **settings))(results)


def assert_masks_follow_pixels(results: dict, tolerance: float) -> None:
    """The bright pixels of each colour are those of the mask, but for a part at the outline."""
    for image, masks in zip(results['img'], results['gt_masks'], strict=True):
        assert image.shape[:2] == (masks.height, masks.width) == masks.masks.shape[1:]
        for channel, mask in enumerate(masks.masks):
            bright = image[..., channel] > 125
            union = (bright | (mask > 0)).sum()
            assert union == 0 or (bright & (mask > 0)).sum() / union > 1 - tolerance


def test_resize_keeps_the_ratio_within_the_scale(clip):
    results = run(clip, 'ClipResize', scale=(640, 360))
    assert results['img_shape'] == [(360, 600)] * 3
    assert results['scale_factor'] == [(7.5, 7.5)] * 3
    assert_masks_follow_pixels(results, 0.03)
    portrait = dict(img=[np.zeros((1280, 720, 3), np.uint8)])
    assert run(portrait, 'ClipResize', scale=(640, 360))['img_shape'] == [(640, 360)]
    assert run(portrait, 'ClipResize', scale=(640, 360), keep_ratio=False)['img_shape'] == [(360, 640)]


def test_resize_to_the_same_size_changes_nothing(clip):
    results = run(clip, 'ClipResize', scale=(WIDTH, HEIGHT))
    assert all((after == before).all() for after, before in zip(results['img'], clip['img'], strict=True))
    assert results['scale_factor'] == [(1.0, 1.0)] * 3


def test_multi_scale_is_one_scale_for_the_clip(clip):
    sizes = set()
    for seed in range(20):
        results = run(clip, 'RandomClipResize', seed, scales=[(160, 30), (160, 40), (160, 96)])
        assert len(set(results['img_shape'])) == 1
        sizes.add(results['img_shape'][0])
        assert_masks_follow_pixels(results, 0.12)
    assert sizes == {(30, 50), (40, 67), (96, 160)}


def test_flip_is_all_or_nothing_and_its_own_inverse(clip):
    flipped = run(clip, 'RandomClipFlip', prob=1.0)
    assert flipped['flip'] == [True] * 3 and flipped['flip_direction'] == ['horizontal'] * 3
    assert (flipped['img'][0] == clip['img'][0][:, ::-1]).all()
    assert_masks_follow_pixels(flipped, 1e-9)
    back = run(flipped, 'RandomClipFlip', prob=1.0)
    assert all((after == before).all() for after, before in zip(back['img'], clip['img'], strict=True))
    assert (back['gt_masks'][1].masks == clip['gt_masks'][1].masks).all()
    same = run(clip, 'RandomClipFlip', prob=0.0)
    assert same['flip'] == [False] * 3 and (same['img'][0] == clip['img'][0]).all()
    assert {tuple(run(clip, 'RandomClipFlip', seed)['flip']) for seed in range(20)} == {(True,) * 3, (False,) * 3}


def test_a_window_is_cut_from_what_is_larger(clip):
    height, width = clip['img'][0].shape[:2]
    places = set()
    for seed in range(10):
        results = run(clip, 'RandomClipWindow', seed, size=(width - 9, height + 5))
        assert results['img_shape'] == [(height, width - 9)] * 3
        assert all(image.shape[:2] == (height, width - 9) for image in results['img'])
        assert_masks_follow_pixels(results, 1e-9)
        places.add(results['img'][0].tobytes())
    assert len(places) > 1
    small = run(clip, 'RandomClipWindow', size=(1000, 1000))
    assert all((a == b).all() for a, b in zip(small['img'], clip['img'], strict=True))


def test_motion_moves_masks_with_pixels_and_shows_no_border(clip):
    still = clip | {key: [clip[key][0]] * 3 for key in ('img', 'gt_masks')}
    bright = still | dict(img=[image + 1 for image in still['img']])
    moved = 0
    for seed in range(20):
        results = run(bright, 'ClipMotion', seed, translate=0.3, rotate=25.0, scale=1.4)
        assert_masks_follow_pixels(results, 0.15)
        assert all((image.sum(axis=2) > 0).all() for image in results['img'])
        moved += (results['img'][0] != results['img'][2]).any()
        again = run(bright, 'ClipMotion', seed, translate=0.3, rotate=25.0, scale=1.4)
        assert all((a == b).all() for a, b in zip(results['img'], again['img'], strict=True))
    assert moved == 20
    static = run(still, 'ClipMotion', translate=0.0, rotate=0.0, scale=1.0)
    assert (static['img'][2] == still['img'][2]).all()


def test_motion_is_smooth():
    reach = np.array([0.2, 0.2, 10.0, 0.3])
    for seed in range(20):
        path = smooth_path(np.random.default_rng(seed), 12, reach)
        assert (np.ptp(path, axis=0) <= reach + 1e-9).all()
        assert (np.abs(np.diff(path, axis=0)).max(axis=0) <= 4 * reach / 11).all()
        assert np.allclose(np.diff(path, n=3, axis=0), 0)
    assert (smooth_path(np.random.default_rng(0), 1, reach) == 0).all()


def test_colours_change_alike_in_all_frames(clip):
    grey = np.arange(256, dtype=np.uint8)[:, None, None].repeat(2, 1).repeat(3, 2)
    still = dict(img=[grey, grey.copy()])
    changed = 0
    for seed in range(20):
        first, second = run(still, 'ClipPhotometricDistortion', seed, prob=1.0, hue=20)['img']
        assert (first == second).all() and first.dtype == np.uint8
        assert (np.diff(first[:, 0, 0].astype(int)) >= 0).all()
        changed += (first != grey).any()
    assert changed == 20
    assert (run(still, 'ClipPhotometricDistortion', prob=0.0)['img'][0] == grey).all()


def test_packing_drops_empty_masks_and_keeps_ids_in_step(clip):
    clip['gt_masks'][1].masks[0] = 0
    packed = PackClip()(clip)
    assert packed['inputs']['img'].shape == (3, 3, HEIGHT, WIDTH)
    assert packed['inputs']['img'].is_contiguous()
    first, second, _ = packed['data_samples'].video_data_samples
    assert first.gt_instances.instances_ids.tolist() == [1, 2]
    assert second.gt_instances.instances_ids.tolist() == [2]
    assert second.gt_instances.labels.tolist() == [1]
    assert second.gt_instances.masks.masks.shape == (1, HEIGHT, WIDTH)
    assert second.gt_instances.bboxes.tolist() == [[50, 30, 74, 44]]
    assert (second.frame_id, second.video_id, second.video_length, second.img_path) == (1, 5, 3, '1.jpg')


def test_packing_a_frame_without_objects(clip):
    for masks in clip['gt_masks']:
        masks.masks[:] = 0
    objects = PackClip()(clip)['data_samples'][0].gt_instances
    assert objects.masks.masks.shape == (0, HEIGHT, WIDTH)
    assert objects.bboxes.shape == (0, 4) and objects.labels.dtype == torch.int64
    none = clip | {key: [clip[key][0][:0]] * 3 for key in ('gt_bboxes_labels', 'gt_instances_ids')}
    none['gt_masks'] = [BitmapMasks([], HEIGHT, WIDTH)] * 3
    assert len(PackClip()(none)['data_samples'][0].gt_instances) == 0


@pytest.mark.parametrize(
    ('name', 'settings'),
    [
        ('ClipResize', dict(scale=(160, 96))),
        ('RandomClipResize', dict(scales=[(160, 96)])),
        ('RandomClipFlip', dict(prob=1.0)),
        ('ClipMotion', dict()),
        ('ClipPhotometricDistortion', dict(prob=1.0)),
    ],
)
def test_clips_without_annotations_pass_and_stay_without(clip, name, settings):
    bare = {key: value for key, value in clip.items() if not key.startswith('gt_')}
    with_annotations = run(clip, name, **settings)
    results = run(bare, name, **settings)
    assert 'gt_masks' not in results
    assert all((a == b).all() for a, b in zip(results['img'], with_annotations['img'], strict=True))
    assert 'gt_instances' not in PackClip()(results)['data_samples'][0]


def test_boxes_are_tight_and_zero_where_there_is_nothing():
    masks = np.zeros((3, 6, 9), np.uint8)
    masks[0, 2:5, 3:8] = 1
    masks[2, 5, 8] = 1
    assert mask_boxes(masks).tolist() == [[3, 2, 8, 5], [0, 0, 0, 0], [8, 5, 9, 6]]


def test_without_a_generator_draws_follow_numpys_seed(clip):
    def flips(seed):
        np.random.seed(seed)
        flip = TRANSFORMS.build(dict(type='RandomClipFlip'))
        return [flip(dict(img=[np.zeros((2, 2, 3), np.uint8)]))['flip'][0] for _ in range(20)]

    assert flips(1) == flips(1) and flips(1) != flips(2)


@pytest.mark.parametrize(
    ('name', 'settings'),
    [
        ('ClipResize', dict(scale=(0, 10))),
        ('ClipResize', dict(scale=(10**400, 10))),
        ('RandomClipResize', dict(scales=[])),
        ('RandomClipFlip', dict(prob=2)),
        ('ClipMotion', dict(scale=0.5)),
        ('ClipPhotometricDistortion', dict(contrast=(1.3, 0.7))),
        ('ClipPhotometricDistortion', dict(prob=5)),
        ('ClipPhotometricDistortion', dict(prob=-0.1)),
        ('ClipPhotometricDistortion', dict(brightness=-1.0)),
        ('ClipPhotometricDistortion', dict(hue=-10.0)),
        ('ClipPhotometricDistortion', dict(hue=360)),
    ],
)
def test_settings_out_of_range_are_named(name, settings):
    with pytest.raises(InputError, match=next(iter(settings))[:5]):
        TRANSFORMS.build(dict(type=name, **settings))


def test_a_scale_that_would_fill_the_memory_is_refused(clip):
    with pytest.raises(InputError, match=r'scale=\(16000, 16000\): makes 16000x\d+ pixels of a frame'):
        run(clip, 'ClipResize', scale=(16000, 16000))
