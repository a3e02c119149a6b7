"""VideoCopyPaste: what is pasted is seen, moves, hides what is beneath, and belongs to nobody else."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmdet.structures.mask import BitmapMasks
from pycocotools import mask as mask_utils

from mmrcf.datasets.transforms import VideoCopyPaste
from mmrcf.datasets.transforms.copy_paste.compositing import CutOut, Layer, composite
from mmrcf.datasets.transforms.copy_paste.paste_objects import choose_matrices, choose_object
from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS
from mmrcf.structures import IGNORED_LABEL

HEIGHT, WIDTH, LENGTH = 72, 96, 3
CLASSES = ('cat', 'dog')
LOAD = (dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations'))
Paste = Callable[..., dict]


def own_clip(rng: np.random.Generator, objects: int = 3) -> dict:
    """Disjoint blocks that move, an ignored region, rows in another order in each frame; one shared still frame."""
    clip = dict(img=[], gt_masks=[], gt_bboxes_labels=[], gt_instances_ids=[])
    tops = rng.integers(0, HEIGHT - 20, objects + 1)
    for t in range(LENGTH):
        masks = np.zeros((objects + 1, HEIGHT, WIDTH), np.uint8)
        image = rng.integers(0, 100, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        for index, top in enumerate(tops):
            left = index * WIDTH // (objects + 1)
            masks[index, top + t : top + t + 18, left : left + 18] = 1
        order = rng.permutation(objects + 1)
        labels = np.array([*(index % len(CLASSES) for index in range(objects)), IGNORED_LABEL])
        ids = np.array([*(3 * index + 1 for index in range(objects)), 0])
        clip['img'].append(image)
        clip['gt_masks'].append(BitmapMasks(masks[order], HEIGHT, WIDTH))
        clip['gt_bboxes_labels'].append(labels[order])
        clip['gt_instances_ids'].append(ids[order])
    clip['gt_masks'][1].masks[0] = 0
    return clip


@pytest.fixture(scope='module')
def source_config(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict]:
    """``source_config()``: images of 60 x 80 with a bright disc, a bar at the lower border, and a disc in a corner."""
    root = tmp_path_factory.mktemp('paste_source')
    images, annotations = [], []
    shapes = [  # COCO polygons
        [[30, 20, 46, 16, 52, 30, 44, 42, 28, 38]],
        [[60, 30, 72, 30, 72, 60, 60, 60]],
        [[0, 0, 12, 0, 12, 14, 0, 14]],
    ]
    for number in (1, 2):
        image = np.full((60, 80, 3), 40, np.uint8)
        for index, polygons in enumerate(shapes):
            points = np.array(polygons[0]).reshape(-1, 1, 2)
            cv2.fillPoly(image, [points], (0, 250, 0) if index % 2 else (250, 0, 0))
            annotations.append(
                dict(id=len(annotations) + 1, image_id=number, category_id=index % 2 + 1, segmentation=polygons)
            )
        cv2.imwrite(str(root / f'{number}.png'), image)
        images.append(dict(id=number, file_name=f'{number}.png', width=80, height=60))
    categories = [dict(id=index + 1, name=name) for index, name in enumerate(CLASSES)]
    (root / 'a.json').write_text(json.dumps(dict(images=images, annotations=annotations, categories=categories)))

    def config(**changes: object) -> dict:
        return (
            dict(
                type='COCOPseudoVideoDataset',
                data_root=str(root),
                ann_file='a.json',
                metainfo=dict(classes=CLASSES),
                num_references=LENGTH - 1,
                pipeline=[*LOAD, dict(type='ClipMotion', translate=0.05)],
            )
            | changes
        )

    return config


@pytest.fixture(scope='module')
def paste(source_config: Callable[..., dict]) -> Paste:
    """``paste(clip, seed, **settings)``; a transform is built once for each set of settings."""
    built: dict[str, VideoCopyPaste] = {}

    def run(clip: dict, seed: int, **settings) -> dict:
        settings = dict(prob=1.0, min_pixels=12) | settings
        key = repr(settings)
        if key not in built:
            built[key] = TRANSFORMS.build(dict(type='VideoCopyPaste', sources=[source_config()], **settings))
        return built[key](clip | dict(rng=np.random.default_rng(seed)))

    return run


def split_rows(clip: dict, frame: int) -> dict[int, np.ndarray]:
    """Masks of the objects of a frame by track ID."""
    columns = zip(*(clip[key][frame] for key in ('gt_instances_ids', 'gt_bboxes_labels')), strict=True)
    masks = clip['gt_masks'][frame].masks
    rows = [(int(track_id), int(label), mask) for (track_id, label), mask in zip(columns, masks, strict=True)]
    return {track_id: mask for track_id, label, mask in rows if label != IGNORED_LABEL}


def same(one: dict, other: dict) -> bool:
    arrays = ('img', 'gt_bboxes_labels', 'gt_instances_ids')
    frames = range(LENGTH)
    return all(np.array_equal(one[key][t], other[key][t]) for key in arrays for t in frames) and all(
        np.array_equal(one['gt_masks'][t].masks, other['gt_masks'][t].masks) for t in frames
    )


def copied(clip: dict) -> dict:
    masks = [BitmapMasks(frame.masks.copy(), HEIGHT, WIDTH) for frame in clip['gt_masks']]
    return clip | dict(img=[image.copy() for image in clip['img']], gt_masks=masks)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), objects=st.integers(0, 4), behind=st.sampled_from([0.0, 0.5, 1.0]))
def test_every_pixel_has_one_owner_and_areas_add_up(paste: Paste, seed: int, objects: int, behind: float) -> None:
    clip = own_clip(np.random.default_rng(seed), objects)
    before = copied(clip)
    after = paste(clip, seed, behind_prob=behind)
    assert same(clip, before), 'the arrays of the clip that came in are not changed'
    for t in range(LENGTH):
        own, new = split_rows(before, t), split_rows(after, t)
        ids = after['gt_instances_ids'][t]
        assert len(ids) == len(after['gt_bboxes_labels'][t]) == len(after['gt_masks'][t].masks)
        assert len(set(ids.tolist())) == len(ids)
        pasted = {track_id: mask for track_id, mask in new.items() if track_id not in own}
        assert set(new) - set(pasted) == set(own)
        assert min(pasted, default=10**6) > max(own, default=0)
        nothing = np.zeros((HEIGHT, WIDTH), np.uint8)
        assert sum(new.values(), nothing).max() <= 1
        covered = sum(pasted.values(), nothing)
        for track_id, mask in own.items():
            assert mask.sum() == new[track_id].sum() + (mask & covered).sum()
            assert behind < 1 or np.array_equal(mask, new[track_id])
        regions = [clip['gt_bboxes_labels'][t] == IGNORED_LABEL for clip in (before, after)]
        was, now = (clip['gt_masks'][t].masks[rows][0] for clip, rows in zip((before, after), regions, strict=True))
        assert np.array_equal(now, was & (1 - covered))
        near = cv2.dilate(covered, np.ones((5, 5), np.uint8))
        assert np.array_equal(after['img'][t][near == 0], before['img'][t][near == 0])
    first = after['gt_instances_ids'][0]
    assert all(set(ids) == set(first) for ids in after['gt_instances_ids'])
    assert same(after, paste(before, seed, behind_prob=behind))


def test_a_pasted_object_shows_its_own_pixels(paste: Paste) -> None:
    seen = set()
    for seed in range(30):
        clip = own_clip(np.random.default_rng(seed), 0)
        after = paste(clip, seed, max_objects=2)
        for t in range(LENGTH):
            pairs = zip(after['gt_masks'][t].masks, after['gt_bboxes_labels'][t], strict=True)
            for mask, label in ((mask, label) for mask, label in pairs if label != IGNORED_LABEL):
                inside = cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=1) > 0
                colour = after['img'][t][inside]
                right = (colour[:, label] > 180) & (colour[:, 1 - label] < 60)
                assert right.mean() > 0.95, 'the rest is the edge of a neighbour'
                seen.add(int(label))
    assert seen == {0, 1}


def test_nothing_is_pasted_where_nothing_is_asked_for(paste: Paste) -> None:
    clip = own_clip(np.random.default_rng(0))
    for seed in range(10):
        assert same(clip, paste(clip, seed, prob=0.0))
        assert same(clip, paste(clip, seed, max_objects=0))
        assert same(clip, paste(clip, seed, max_total=3)), 'three objects are there; the ignored region does not count'
        assert len(paste(clip, seed, max_total=4, max_objects=5)['gt_instances_ids'][0]) <= 5


def test_number_of_objects_and_probability(paste: Paste) -> None:
    clip = own_clip(np.random.default_rng(0), 0)
    counts = [len(paste(clip, seed, prob=0.5, max_objects=3)['gt_instances_ids'][0]) - 1 for seed in range(60)]
    assert set(counts) == {0, 1, 2, 3}
    assert 15 < sum(count > 0 for count in counts) < 45


def test_an_object_in_a_corner_is_never_taken_and_one_cut_by_a_border_stays_cut(source_config) -> None:
    dataset = TRANSFORMS.build(dict(type='VideoCopyPaste', sources=[source_config(pipeline=list(LOAD))])).sources
    reach = np.array([0.2, 0.2, 10.0, 0.2])
    sides = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        (item,) = dataset.draw(rng, 1, 12)
        sides.add(item.cut_side)
        matrices = choose_matrices(rng, item, (HEIGHT, WIDTH), (0.3, 0.6), 0.5, reach)
        for cut_out, matrix in zip(item.cut_outs, matrices, strict=True):
            patch = cut_out.warp(matrix, HEIGHT, WIDTH)
            assert patch is not None and patch.mask.any()
            if item.cut_side == 3:
                assert patch.top + len(patch.mask) == HEIGHT and patch.mask[-1].any()
    assert sides == {None, 3}


@pytest.mark.parametrize('mirrored', [0.0, 1.0])
@pytest.mark.parametrize('side', [0, 1, 2, 3])
def test_a_cut_stays_at_its_border(side: int, mirrored: float) -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[{1: slice(0, 15), 3: slice(25, 40)}.get(side, slice(10, 30)), {0: slice(0, 15), 2: slice(45, 60)}.get(
        side, slice(20, 40))] = 1  # fmt: skip
    frame = dict(
        img=[np.zeros((40, 60, 3), np.uint8)] * 2,
        gt_masks=[BitmapMasks(mask[None], 40, 60)] * 2,
        gt_bboxes_labels=[np.array([0])] * 2,
        gt_instances_ids=[np.array([1])] * 2,
    )
    for seed in range(10):
        rng = np.random.default_rng(seed)
        item = choose_object(rng, frame, 1)
        assert item.cut_side == side
        matrices = choose_matrices(rng, item, (HEIGHT, WIDTH), (0.3, 0.6), mirrored, np.array([0.2, 0.2, 10.0, 0.1]))
        for cut_out, matrix in zip(item.cut_outs, matrices, strict=True):
            patch = cut_out.warp(matrix, HEIGHT, WIDTH)
            expected = side if side % 2 or not mirrored else 2 - side
            line = {0: patch.mask[:, 0], 1: patch.mask[0], 2: patch.mask[:, -1], 3: patch.mask[-1]}[expected]
            assert line.any()


def test_ignored_regions_and_objects_that_are_not_always_seen_are_not_taken() -> None:
    clip = own_clip(np.random.default_rng(0), 0)
    assert choose_object(np.random.default_rng(0), clip, 1) is None
    clip = own_clip(np.random.default_rng(1), 3)
    clip['gt_masks'] = [BitmapMasks(np.roll(frame.masks, 3, axis=2), HEIGHT, WIDTH) for frame in clip['gt_masks']]
    hidden = int(clip['gt_instances_ids'][1][0])
    labels = dict(zip(clip['gt_instances_ids'][0].tolist(), clip['gt_bboxes_labels'][0].tolist(), strict=True))
    for seed in range(20):
        item = choose_object(np.random.default_rng(seed), clip, 1)
        if item is not None:
            assert item.label in {label for track_id, label in labels.items() if track_id not in (0, hidden)}


def test_an_object_in_pieces_is_not_taken() -> None:
    clip = own_clip(np.random.default_rng(3), 1)
    apart, speck = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    apart[10:30, 10:20] = apart[10:30, 30:40] = 1
    speck[10:30, 10:30] = speck[40:44, 40:44] = 1
    for mask, taken in ((apart, False), (speck, True)):
        masks = [BitmapMasks(mask[None], HEIGHT, WIDTH)] * LENGTH
        one = clip | dict(
            gt_masks=masks, gt_bboxes_labels=[np.array([1])] * LENGTH, gt_instances_ids=[np.array([1])] * LENGTH
        )
        assert (choose_object(np.random.default_rng(0), one, 1) is not None) == taken


def square(side: int, value: int) -> CutOut:
    image, mask = np.full((60, 60, 3), value, np.uint8), np.zeros((60, 60), np.uint8)
    mask[20 : 20 + side, 20 : 20 + side] = 1
    return CutOut.from_frame(image, mask)


def test_a_layer_that_is_hidden_is_not_painted() -> None:
    stay = np.eye(2, 3)
    image, masks = np.zeros((60, 60, 3), np.uint8), np.ones((1, 60, 60), np.uint8)
    layers = [Layer([square(30, 200).warp(stay, 60, 60)]), Layer([square(10, 90).warp(stay, 60, 60)])]
    upper, lower = composite([image], [masks], [np.zeros((60, 60), np.uint8)], layers)
    assert lower is None and 90 not in image
    assert (upper[0] + masks[0] == 1).all() and upper.sum() == pytest.approx(900, abs=130)
    shield = np.ones((60, 60), np.uint8)
    (behind,) = composite([image], [masks], [shield], [Layer([square(30, 90).warp(stay, 60, 60)], behind=True)])
    assert behind is None and 90 not in image


def test_a_layer_far_behind_is_left_out() -> None:
    patch = square(30, 200).warp(np.eye(2, 3), 60, 60)
    shield = np.zeros((60, 60), np.uint8)
    shield[:, 25:] = 1
    settings = [dict(), dict(min_visible=0.1), dict(min_visible=0.3), dict(min_pixels=60), dict(min_pixels=600)]
    kept = []
    for options in settings:
        image, masks = np.zeros((60, 60, 3), np.uint8), np.zeros((0, 60, 60), np.uint8)
        (shown,) = composite([image], [masks], [shield], [Layer([patch], behind=True)], **options)
        kept.append(shown is not None)
        assert kept[-1] == image.any()
    assert kept == [True, True, False, True, False]


@pytest.mark.parametrize('factor', [0.2, 0.6, 1.5])
def test_a_cut_out_keeps_its_place_at_any_size(factor: float) -> None:
    mask = np.zeros((120, 160), np.uint8)
    cv2.circle(mask, (70, 50), 30, 1, -1)
    cut_out = CutOut.from_frame(np.zeros((120, 160, 3), np.uint8), mask)
    matrix = np.array([[factor, 0, 20.0], [0, factor, 10.0]])
    patch = cut_out.warp(matrix, 160, 240)
    rows, columns = np.nonzero(patch.mask)
    assert rows.mean() + patch.top == pytest.approx(50 * factor + 10, abs=0.3)
    assert columns.mean() + patch.left == pytest.approx(70 * factor + 20, abs=0.3)
    assert patch.mask.sum() == pytest.approx(np.pi * (30 * factor) ** 2, rel=0.12)
    assert cut_out.warp(matrix + [[0, 0, 500], [0, 0, 0]], 120, 160) is None


def test_sources_are_read_at_once_and_named(source_config) -> None:
    def build(**settings) -> VideoCopyPaste:
        return TRANSFORMS.build(dict(type='VideoCopyPaste') | settings)

    with pytest.raises(InputError, match='sources is empty'):
        build(sources=[])
    with pytest.raises(InputError, match=r'missing\.json'):
        build(sources=[source_config(ann_file='missing.json')])
    with pytest.raises(InputError, match='metainfo.classes'):
        build(sources=[source_config(), source_config(metainfo=dict(classes=CLASSES[::-1]))])
    with pytest.raises(InputError, match=r"sources\[0\] has the classes \('cat', 'dog'\), expected \('dog', 'cat'\)"):
        build(sources=[source_config()], classes=CLASSES[::-1])
    with pytest.raises(InputError, match='weights'):
        build(sources=[source_config()], weights=[1, 2])


@pytest.mark.parametrize(
    'settings',
    [
        dict(prob=1.5),
        dict(behind_prob=-0.1),
        dict(flip_prob=2),
        dict(max_objects=-1),
        dict(max_total=-1),
        dict(min_pixels=0),
        dict(min_visible=1.1),
        dict(scale_range=(0.5, 0.2)),
        dict(translate=-1),
        dict(scale=0.5),
    ],
)
def test_settings_out_of_range_are_named(settings: dict) -> None:
    with pytest.raises(InputError, match=f'VideoCopyPaste: .*{next(iter(settings))}='):
        TRANSFORMS.build(dict(type='VideoCopyPaste', sources=[]) | settings)


class PlainList(list):
    """Stands for a data set in another layout."""


def video_source(folder: Path, **changes) -> dict:
    """A YouTubeVISDataset of one grey video of two frames with one object."""
    (folder / 'v').mkdir(exist_ok=True)
    mask = np.zeros((60, 80), np.uint8, order='F')
    mask[20:40, 20:50] = 1
    rle = mask_utils.encode(mask)
    segmentation = dict(size=[60, 80], counts=rle['counts'].decode())
    files = ['v/0.png', 'v/1.png']
    for name in files:
        cv2.imwrite(str(folder / name), np.full((60, 80, 3), 90, np.uint8))
    content = dict(
        videos=[dict(id=1, width=80, height=60, length=2, file_names=files)],
        annotations=[dict(id=1, video_id=1, category_id=1, iscrowd=0, segmentations=[segmentation] * 2)],
        categories=[dict(id=index + 1, name=name) for index, name in enumerate(CLASSES)],
    )
    (folder / 'v.json').write_text(json.dumps(content))
    return dict(type='YouTubeVISDataset', data_root=str(folder), ann_file='v.json', pipeline=list(LOAD)) | changes


def test_a_source_that_cannot_be_used_is_named_at_once(source_config, tmp_path: Path) -> None:
    def refused(message: str, **changes) -> None:
        with pytest.raises(InputError, match=rf'VideoCopyPaste: sources\[1\]:? {message}'):
            TRANSFORMS.build(dict(type='VideoCopyPaste', prob=0.0, sources=[source_config(), changes]))

    refused(r'.*missing\.json', **source_config(ann_file='missing.json'))
    refused(r'.*image .*nowhere.*no such file', **source_config(data_prefix=dict(img='nowhere')))
    refused('gives clips of 2 frames, but sources.0. of 3; set .* num_references', **source_config(num_references=1))
    refused('.*gives no gt_masks .*LoadClipAnnotations', **source_config(pipeline=[LOAD[0]]))
    refused('.*must not pack', **source_config(pipeline=[*LOAD, dict(type='PackClip')]))
    refused("a step of its pipeline needs 'img'", **source_config(pipeline=[dict(type='ClipMotion')]))
    refused('is in test mode', **video_source(tmp_path, test_mode=True))
    joint = dict(num_references=LENGTH - 1, datasets=[source_config()])
    refused(
        'is a JointDataset; expected .* as YouTubeVISDataset, .* COCOPseudoVideoDataset', type='JointDataset', **joint
    )
    refused('is a PlainList; expected', type=PlainList)


def test_the_sources_say_their_clips_and_classes(source_config, tmp_path: Path) -> None:
    clips = dict(num_references=1, num_targets=2)
    configs = [video_source(tmp_path, **clips), source_config(**clips)]
    sources = TRANSFORMS.build(dict(type='VideoCopyPaste', sources=configs)).sources
    assert sources.clip_length == 3 and sources.classes == CLASSES
    assert len(sources.draw(np.random.default_rng(0), 4, 12)) == 4


@pytest.mark.parametrize('prob', [0.0, 1.0])
def test_clips_that_do_not_fit_are_named(source_config, prob: float) -> None:
    clip = own_clip(np.random.default_rng(0)) | dict(rng=np.random.default_rng(0))

    def run(clip: dict, **changes) -> None:
        TRANSFORMS.build(dict(type='VideoCopyPaste', prob=prob, sources=[source_config(**changes)]))(clip)

    with pytest.raises(InputError, match=r'the sources give clips of 2 frames, but the clip has 3'):
        run(clip, num_references=1)
    with pytest.raises(InputError, match='LoadClipAnnotations'):
        run({key: value for key, value in clip.items() if key != 'gt_masks'})
