import random

import numpy as np
import pytest

from mmrcf.errors import InputError
from mmrcf.structures import FrameResult
from mmrcf.utils import mask_boxes
from mmrcf.visualization import TrackPainter, TrackStyle, draw_tracks
from mmrcf.visualization.track_colors import track_color


def make_result(masks: np.ndarray, ids: list[int], names: list[str] | None = None) -> FrameResult:
    count = len(ids)
    return FrameResult(
        frame_index=0,
        ids=np.array(ids, np.int64),
        labels=np.zeros(count, np.int64),
        scores=np.linspace(0.9, 0.5, count, dtype=np.float32),
        masks=masks,
        boxes=mask_boxes(masks),
        class_names=tuple(names or ['disc'] * count),
        class_probs=np.full((count, 2), 0.5, np.float32),
        queries=np.arange(count),
    )


def two_squares(height: int = 120, width: int = 200) -> np.ndarray:
    masks = np.zeros((2, height, width), bool)
    masks[0, 60:100, 20:80] = True
    masks[1, 50:110, 100:180] = True
    return masks


def test_masks_are_tinted_and_the_rest_is_kept() -> None:
    image = np.full((120, 200, 3), 100, np.uint8)
    drawn = draw_tracks(image, make_result(two_squares(), [3, 7]), TrackStyle(opacity=0.5))
    assert (image == 100).all(), 'the input is not changed'
    for pixel, track_id in (((80, 50), 3), ((90, 140), 7)):
        np.testing.assert_allclose(drawn[pixel], (np.array(track_color(track_id)) + 100) / 2, atol=1)
    assert (drawn[112:, :] == 100).all() and (drawn[:30, :] == 100).all()


def test_outline_has_the_full_color() -> None:
    drawn = draw_tracks(np.zeros((120, 200, 3), np.uint8), make_result(two_squares(), [3, 7]), TrackStyle(opacity=0.0))
    np.testing.assert_allclose(drawn[80, 20], track_color(3), atol=50)  # its edge is smoothed
    assert (drawn[80, 50] == 0).all()


def test_better_scored_object_lies_on_top() -> None:
    masks = np.ones((2, 120, 200), bool)
    drawn = draw_tracks(np.zeros((120, 200, 3), np.uint8), make_result(masks, [1, 2]), TrackStyle(opacity=1.0))
    np.testing.assert_array_equal(drawn[100, 100], track_color(1))


@pytest.mark.parametrize(('height', 'width'), [(20, 30), (64, 400), (161, 97), (720, 1280)])
def test_any_size(height: int, width: int) -> None:
    masks = np.zeros((3, height, width), bool)
    masks[0, : height // 2] = True
    masks[1, -3:, -3:] = True
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    drawn = draw_tracks(image, make_result(masks, [0, 1, 100], ['a_long_class_name', 'léger', '鳥']))
    assert drawn.shape == image.shape and drawn.dtype == np.uint8 and (drawn != image).any()


def test_no_objects_leave_the_image() -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    np.testing.assert_array_equal(draw_tracks(image, make_result(np.zeros((0, 20, 30), bool), [])), image)


def test_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match='expected one size'):
        draw_tracks(np.zeros((10, 10, 3), np.uint8), make_result(two_squares(), [1, 2]))


def test_labels_and_boxes_can_be_left_out() -> None:
    image, result = np.zeros((120, 200, 3), np.uint8), make_result(two_squares(), [3, 7])
    plain = draw_tracks(image, result, TrackStyle(labels=False))
    assert not plain[:50].any(), 'the labels are above the masks'
    assert draw_tracks(image, result)[:50].any()
    triangle = np.tril(np.ones((60, 60), bool))
    masks = np.zeros((1, 120, 200), bool)
    masks[0, 30:90, 20:80] = triangle
    corner = (30, 79)  # of the box, outside of the mask
    assert not draw_tracks(image, make_result(masks, [3]), TrackStyle(labels=False))[corner].any()
    boxed = draw_tracks(image, make_result(masks, [3]), TrackStyle(labels=False, boxes=True))
    np.testing.assert_array_equal(boxed[corner], track_color(3))


def test_trails_follow_the_centres_and_end() -> None:
    painter = TrackPainter(TrackStyle(opacity=0, labels=False, trail=4))
    image, pictures = np.zeros((60, 200, 3), np.uint8), []
    for left in range(0, 100, 20):
        masks = np.zeros((1, 60, 200), bool)
        masks[0, 20:40, left : left + 10] = True
        pictures.append(painter.draw(image, make_result(masks, [5])))
    assert not pictures[0][30, 1:9].any(), 'one frame has no trail'
    np.testing.assert_array_equal(pictures[1][30, 15], track_color(5))
    assert pictures[4][30, 15].any() and pictures[4][30, 75].any(), 'four frames back'
    assert pictures[4][10].sum() == 0
    empty = make_result(np.zeros((0, 60, 200), bool), [])
    later = [painter.draw(image, empty) for _ in range(5)]
    assert later[0].any() and not later[0][30, 15].any() and not later[4].any()


@pytest.mark.parametrize('values', [{'opacity': 1.1}, {'opacity': -0.1}, {'trail': -1}, {'trail': 1001}])
def test_a_style_out_of_range_is_refused(values: dict) -> None:
    with pytest.raises(InputError, match=f'{next(iter(values))}.*expected a number'):
        TrackStyle(**values)


def test_random_state_is_left_alone() -> None:
    python_state, numpy_state = random.getstate(), np.random.get_state()[1].copy()
    draw_tracks(np.zeros((120, 200, 3), np.uint8), make_result(two_squares(), [1, 2]))
    assert random.getstate() == python_state
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)


def test_labels_without_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(
        'mmrcf.visualization.track_visualizer.draw_label', lambda _canvas, texts, *_: drawn.append(texts[0])
    )
    image, result = np.zeros((120, 200, 3), np.uint8), make_result(two_squares(), [3, 7])
    draw_tracks(image, result)
    draw_tracks(image, result, TrackStyle(scores=False))
    with_scores, without = drawn[:2], drawn[2:]
    assert len(without) == 2 and all(
        long.startswith(f'{short}  0.') for long, short in zip(with_scores, without, strict=True)
    )
