"""Still images made livelier: perspective, objects that move, light that drifts, blur that comes and goes."""

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmdet.structures.mask import BitmapMasks

from mmrcf.datasets.transforms.motion import motion_matrices, smooth_path
from mmrcf.datasets.transforms.object_motion import fill_hole
from mmrcf.datasets.transforms.photometric import colour_matrix, line_kernel
from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS
from mmrcf.structures import IGNORED_LABEL

HEIGHT, WIDTH, LENGTH = 80, 112, 4


def still_clip(masks: np.ndarray, labels: list[int], image: np.ndarray | None = None) -> dict:
    """Copies of one image, by default each mask in a bright colour on grey."""
    if image is None:
        image = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
        for index, mask in enumerate(masks):
            image[mask > 0] = (250, 0, 0) if index % 2 == 0 else (0, 250, 0)
    return dict(
        img=[image] * LENGTH,
        gt_masks=[BitmapMasks(masks, HEIGHT, WIDTH)] * LENGTH,
        gt_bboxes_labels=[np.array(labels)] * LENGTH,
        gt_instances_ids=[np.where(np.array(labels) >= 0, np.arange(1, len(labels) + 1), 0)] * LENGTH,
    )


def ellipse(column: int, row: int, width: int = 10, height: int = 8) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(mask, (column, row), (width, height), 0, 0, 360, 1, -1)
    return mask


def run(clip: dict, name: str, seed: int = 0, **settings) -> dict:
    return TRANSFORMS.build(dict(type=name, **settings))(clip | dict(rng=np.random.default_rng(seed)))


@pytest.fixture
def clip() -> dict:
    """Two objects far from each other, and an ignored region that holds neither."""
    ignored = np.zeros((HEIGHT, WIDTH), np.uint8)
    ignored[5:20, 60:100] = 1
    masks = np.stack([ellipse(30, 36), ellipse(74, 50), ignored])
    return still_clip(masks, [0, 1, IGNORED_LABEL])


def same_pixels(one: dict, other: dict) -> bool:
    return all(np.array_equal(*pair) for pair in zip(one['img'], other['img'], strict=True))


def same_masks(one: dict, other: dict) -> bool:
    pairs = zip(one['gt_masks'], other['gt_masks'], strict=True)
    return all(np.array_equal(first.masks, second.masks) for first, second in pairs)


def test_without_perspective_clips_stay_what_they_were(clip: dict) -> None:
    after = run(clip, 'ClipMotion', 7)
    path = smooth_path(np.random.default_rng(7), LENGTH, np.array([0.15, 0.15, 10.0, np.log(1.2)]))
    for t, matrix in enumerate(motion_matrices(path, HEIGHT, WIDTH)):
        assert matrix.shape == (2, 3)
        expected = cv2.warpAffine(clip['img'][t], matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        assert np.array_equal(after['img'][t], expected)
        moved = cv2.warpAffine(clip['gt_masks'][t].masks[0], matrix, (WIDTH, HEIGHT), flags=cv2.INTER_NEAREST)
        assert np.array_equal(after['gt_masks'][t].masks[0], moved)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**31), perspective=st.floats(0.01, 0.4), height=st.integers(2, 90), width=st.integers(2, 90)
)
def test_perspective_shows_nothing_beyond_the_image(seed: int, perspective: float, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    path = smooth_path(rng, 3, np.array([0.2, 0.2, 15.0, 0.3]))
    shifts = smooth_path(rng, 3, np.full(8, perspective)).reshape(3, 4, 2)
    corners = np.array([[[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]], np.float64)
    for matrix in motion_matrices(path, height, width, shifts):
        seen = cv2.perspectiveTransform(corners, np.linalg.inv(matrix))[0]
        assert (seen > -0.01).all() and (seen < np.array([width, height]) - 0.99).all()


def test_perspective_moves_masks_with_pixels(clip: dict) -> None:
    for seed in range(10):
        after = run(clip, 'ClipMotion', seed, perspective=0.3)
        affine = run(clip, 'ClipMotion', seed)
        assert not same_pixels(after, affine)
        for image, masks in zip(after['img'], after['gt_masks'], strict=True):
            for channel in (0, 1):
                bright, mask = image[..., channel] > 155, masks.masks[channel] > 0
                # The ignored region is painted like the first object.
                mask = mask | (masks.masks[2] > 0) if channel == 0 else mask
                assert (bright ^ mask).sum() <= 0.15 * (bright | mask).sum() + 3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31))
def test_moved_objects_own_their_pixels(clip: dict, seed: int) -> None:
    before = [masks.masks.copy() for masks in clip['gt_masks']]
    picture = clip['img'][0].copy()
    after = run(clip, 'ObjectMotion', seed, prob=1.0, translate=2.0)
    assert np.array_equal(clip['gt_masks'][0].masks, before[0]) and np.array_equal(clip['img'][0], picture)
    assert same_pixels(after, again := run(clip, 'ObjectMotion', seed, prob=1.0, translate=2.0))
    assert same_masks(after, again)
    moved = [row for row in (0, 1) if not np.array_equal(after['gt_masks'][0].masks[row], before[0][row])]
    assert moved
    for image, frame in zip(after['img'], after['gt_masks'], strict=True):
        masks = frame.masks
        assert masks.sum(axis=0).max() <= 1
        for row in (0, 1):
            inside = cv2.erode(masks[row], np.ones((5, 5), np.uint8), borderValue=0) > 0
            assert (image[inside][:, row] > 200).all()
        # Nothing bright is left behind where no object is; the ignored region is bright itself.
        beside = cv2.dilate(np.maximum(masks.max(axis=0), before[0][2]), np.ones((5, 5), np.uint8)) == 0
        assert image[beside].max() < 120


def test_a_hole_is_known_to_be_empty_and_a_moved_object_covers_the_ignored_region() -> None:
    """In a partly labelled image all beside the objects is ignored."""
    target, other = ellipse(50, 40), ellipse(90, 20)
    outside = 1 - (target | other)
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    image[target > 0] = image[other > 0] = 250
    clip = still_clip(np.stack([target, other, outside]), [0, 1, IGNORED_LABEL], image)
    for seed in range(5):
        after = run(clip, 'ObjectMotion', seed, prob=1.0, translate=2.0, max_objects=1)
        assert not same_masks(after, clip)
        for picture, frame in zip(after['img'], after['gt_masks'], strict=True):
            covered = frame.masks[0] | frame.masks[1]
            assert np.array_equal(frame.masks[2], outside & ~covered)
            beside = cv2.dilate(covered, np.ones((5, 5), np.uint8)) == 0
            assert np.abs(picture[beside].astype(int) - 90).max() < 20, 'the hole looks like what is round it'


def same_rows(one: dict, other: dict, row: int) -> bool:
    pairs = zip(one['gt_masks'], other['gt_masks'], strict=True)
    return all(np.array_equal(first.masks[row], second.masks[row]) for first, second in pairs)


def test_an_ignored_region_beside_an_object_does_not_hold_it() -> None:
    crowd = ellipse(70, 40, 10, 30)
    target = ellipse(50, 40, 10, 8) & ~crowd
    clip = still_clip(np.stack([target, crowd]), [0, IGNORED_LABEL])
    assert not same_rows(run(clip, 'ObjectMotion', prob=1.0), clip, 0)


@pytest.mark.parametrize(
    ('masks', 'labels'),
    [
        ([ellipse(5, 40)], [0]),  # cut by the left border
        ([ellipse(40, 40, 40, 30)], [0]),  # more than a quarter of the image
        ([ellipse(40, 40, 2, 2)], [0]),  # too small
        ([ellipse(40, 40)], [IGNORED_LABEL]),
        ([ellipse(40, 30) | ellipse(70, 50)], [0]),  # in pieces
        ([ellipse(40, 40), ellipse(40, 40, 18, 16) - ellipse(40, 40)], [0, 1]),  # may be cut all round
        ([ellipse(40, 40), ellipse(40, 40, 4, 4)], [0, 1]),  # an object whose mask lies inside the other's
        ([ellipse(40, 40), ellipse(52, 40, 2, 2)], [0, 1]),  # overlap at the rim, little contact
        ([ellipse(40, 40), ellipse(40, 40, 4, 4)], [0, IGNORED_LABEL]),  # an ignored crowd that overlaps
    ],
)
def test_objects_that_may_be_cut_stay(masks: list[np.ndarray], labels: list[int]) -> None:
    clip = still_clip(np.stack(masks), labels)
    for seed in range(5):
        after = run(clip, 'ObjectMotion', seed, prob=1.0)
        assert same_pixels(after, clip) and same_masks(after, clip)


def test_object_motion_is_off_where_it_is_not_wanted(clip: dict) -> None:
    for options in (dict(prob=0.0), dict(max_objects=0, prob=1.0)):
        after = run(clip, 'ObjectMotion', **options)
        assert same_pixels(after, clip) and same_masks(after, clip)
    empty = still_clip(np.zeros((0, HEIGHT, WIDTH), np.uint8), [], np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    assert same_pixels(run(empty, 'ObjectMotion', prob=1.0), empty)


def test_object_motion_is_for_copies_of_one_image(clip: dict) -> None:
    moved = run(clip, 'ClipMotion')
    for prob in (0.0, 1.0):
        with pytest.raises(InputError, match='ObjectMotion: the frames of the clip differ.*before ClipMotion'):
            run(moved, 'ObjectMotion', prob=prob)
    del clip['gt_masks']
    with pytest.raises(InputError, match='ObjectMotion: .*LoadClipAnnotations'):
        run(clip, 'ObjectMotion', prob=1.0)


@pytest.mark.parametrize('name', ['ObjectMotion', 'ClipMotion'])
def test_in_a_pipeline_for_videos_and_images_a_video_keeps_its_own_motion(clip: dict, name: str) -> None:
    options = dict(prob=1.0) if name == 'ObjectMotion' else {}
    still, video = (clip | dict(img_path=[f'{index * step}.jpg' for index in range(LENGTH)]) for step in (0, 1))
    assert same_pixels(run(still, name, stills_only=True, **options), run(clip, name, **options))
    assert not same_pixels(run(still, name, stills_only=True, **options), clip)
    after = run(video, name, stills_only=True, **options)
    assert same_pixels(after, clip) and same_masks(after, clip)


def test_a_hole_is_filled_with_what_is_round_it_and_leaves_others_alone() -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    background = np.stack([rows + 40, columns + 30, rows + columns], axis=-1).astype(np.uint8)
    hole, other = ellipse(50, 40), ellipse(62, 40, 4, 12)
    other[hole > 0] = 0
    image = background.copy()
    image[other > 0] = (0, 0, 255)
    image[hole > 0] = 255
    filled = image.copy()
    fill_hole(filled, hole, hole | other)
    assert np.array_equal(filled[other > 0], image[other > 0])
    assert np.abs(filled.astype(int) - background)[hole > 0].max() < 40
    far = cv2.dilate(hole, np.ones((17, 17), np.uint8)) == 0
    assert np.array_equal(filled[far], image[far])


def test_drift_is_slow_and_centred(clip: dict) -> None:
    grey = np.full((4, 4, 3), 128, np.uint8)
    still = dict(img=[grey] * 12)
    changed = 0
    for seed in range(20):
        after = run(still, 'ClipPhotometricDrift', seed, prob=1.0, contrast=1.0, saturation=1.0, temperature=1.0)
        levels = np.array([int(image[0, 0, 0]) for image in after['img']])
        assert np.ptp(levels) <= 25 and np.abs(np.diff(levels)).max() <= 4 * 24 / 11 + 1
        assert levels.min() <= 128 <= levels.max()
        changed += np.ptp(levels) > 0
    assert changed > 15
    after = run(clip, 'ClipPhotometricDrift', prob=1.0)
    assert same_masks(after, clip) and not same_pixels(after, clip)
    assert same_pixels(run(clip, 'ClipPhotometricDrift', prob=0.0), clip)


def test_light_and_colour() -> None:
    assert np.allclose(colour_matrix(0, 0, 0, 0), np.eye(3, 4))
    pixel = np.array([50.0, 100.0, 200.0, 1.0])
    brighter, warmer = colour_matrix(10, 0, 0, 0) @ pixel, colour_matrix(0, 0, 0, 0.2) @ pixel
    assert np.allclose(brighter, pixel[:3] + 10)
    assert warmer[2] > 200 and warmer[0] < 50 and warmer[1] == 100
    assert np.allclose((colour_matrix(0, 0, np.log(1e-9), 0) @ pixel).std(), 0, atol=1e-5)
    assert np.allclose(colour_matrix(0, np.log(2), 0, 0) @ pixel, (pixel[:3] - 127.5) * 2 + 127.5)


@given(length=st.floats(0.5, 40), angle=st.floats(0, np.pi))
def test_a_motion_blur_is_a_centred_line(length: float, angle: float) -> None:
    kernel = line_kernel(length, angle)
    half = len(kernel) // 2
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1]
    assert kernel.min() >= 0 and kernel.sum() == pytest.approx(1, abs=1e-4)
    assert (kernel * rows).sum() == pytest.approx(0, abs=1e-3)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    across = columns * np.sin(angle) - rows * np.cos(angle)
    assert np.sqrt((kernel * along**2).sum()) == pytest.approx(length / np.sqrt(12), abs=0.6)
    assert (kernel * across**2).sum() < 0.5


def test_blur_drifts_and_leaves_masks_alone(clip: dict) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    noisy = clip | dict(img=[noise] * LENGTH)
    for options in (dict(motion_prob=1.0, defocus_prob=0.0), dict(motion_prob=0.0, defocus_prob=1.0, defocus=0.02)):
        contrasts = []
        for seed in range(10):
            after = run(noisy, 'ClipBlur', seed, **options)
            assert same_masks(after, clip) and np.array_equal(noisy['img'][0], noise)
            assert same_pixels(after, run(noisy, 'ClipBlur', seed, **options))
            contrasts.append([float(image.std()) for image in after['img']])
        assert np.min(contrasts) < 0.7 * noise.std() and np.max(contrasts) <= noise.std()
        assert np.ptp(contrasts, axis=1).max() > 1
    assert same_pixels(run(noisy, 'ClipBlur', motion_prob=0.0, defocus_prob=0.0), noisy)


@pytest.mark.parametrize('name', ['ClipPhotometricDrift', 'ClipBlur'])
def test_clips_without_annotations_pass(clip: dict, name: str) -> None:
    options = dict(prob=1.0) if name == 'ClipPhotometricDrift' else dict(motion_prob=1.0)
    bare = dict(img=clip['img'])
    after = run(bare, name, **options)
    assert 'gt_masks' not in after and same_pixels(after, run(clip, name, **options))


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('ClipMotion', dict(perspective=0.5)),
        ('ObjectMotion', dict(prob=-1)),
        ('ObjectMotion', dict(max_objects=-1)),
        ('ObjectMotion', dict(min_pixels=0)),
        ('ObjectMotion', dict(translate=-0.1)),
        ('ObjectMotion', dict(scale=0.9)),
        ('ClipPhotometricDrift', dict(brightness=-1)),
        ('ClipPhotometricDrift', dict(contrast=0.9)),
        ('ClipPhotometricDrift', dict(temperature=0.9)),
        ('ClipPhotometricDrift', dict(prob=2)),
        ('ClipBlur', dict(motion=0.5)),
        ('ClipBlur', dict(defocus=-0.1)),
        ('ClipBlur', dict(motion_prob=2)),
    ],
)
def test_settings_out_of_range_are_named(name: str, options: dict) -> None:
    with pytest.raises(InputError, match=f'{name}: .*{next(iter(options))}='):
        TRANSFORMS.build(dict(type=name, **options))
