"""Differences between the results of two models, by hand."""

import numpy as np

from mmrcf.structures import FrameResult
from mmrcf.utils import mask_boxes
from mmrcf.visualization import TrackComparison
from mmrcf.visualization.differences import KINDS, draw_differences, match_objects
from mmrcf.visualization.track_visualizer import draw_tracks

LEFT, RIGHT = (4, 4, 14, 14), (24, 4, 34, 14)


def result(*objects: tuple[int, str, tuple[int, int, int, int]], scale: int = 1) -> FrameResult:
    """Objects as track ID, class and box in a frame of 20x40, both times ``scale``."""
    masks = np.zeros((len(objects), 20 * scale, 40 * scale), bool)
    for mask, (_, _, box) in zip(masks, objects, strict=True):
        left, top, right, bottom = (side * scale for side in box)
        mask[top:bottom, left:right] = True
    return FrameResult(
        frame_index=0,
        ids=np.array([track_id for track_id, _, _ in objects], np.int64),
        labels=np.zeros(len(objects), np.int64),
        scores=np.ones(len(objects), np.float32),
        masks=masks,
        boxes=mask_boxes(masks),
        class_names=tuple(name for _, name, _ in objects),
        class_probs=np.ones((len(objects), 1), np.float32),
        queries=np.arange(len(objects)),
    )


def test_objects_are_matched_one_to_one() -> None:
    masks = result((1, 'a', (0, 0, 10, 10)), (2, 'a', (1, 0, 11, 10)), (3, 'a', (30, 10, 40, 20))).masks
    assert match_objects(masks, masks[[1, 0]]) == [(0, 1), (1, 0)]
    # An IoU of one half is not above it.
    assert match_objects(masks[:1], result((1, 'a', (0, 0, 10, 5))).masks) == []
    assert match_objects(masks, masks[:0]) == []


def test_what_one_model_alone_finds_and_other_classes() -> None:
    comparison = TrackComparison()
    first, second = result((1, 'dog', LEFT), (2, 'cat', RIGHT)), result((7, 'cat', LEFT))
    assert comparison.differences(first, second) == (['other class', 'only here'], ['other class'])
    assert comparison.counts == {('other class', 0): 1, ('other class', 1): 1, ('only here', 0): 1}
    assert comparison.differences(result(), result()) == ([], [])


def test_track_ids_differ_where_one_model_changes_them() -> None:
    """The models number tracks as they like; only a change of one against the other is a difference."""
    comparison = TrackComparison()
    both = result((1, 'dog', LEFT), (2, 'dog', RIGHT))
    assert comparison.differences(both, result((5, 'dog', LEFT), (3, 'dog', RIGHT))) == ([None] * 2, [None] * 2)
    exchanged = result((3, 'dog', LEFT), (5, 'dog', RIGHT))
    changed = ['track ID changed'] * 2
    assert comparison.differences(both, exchanged) == (changed, changed)
    assert comparison.differences(both, exchanged) == ([None] * 2, [None] * 2)


def test_marks_are_drawn_around_what_differs() -> None:
    image = np.zeros((200, 400, 3), np.uint8)
    first, second = result((1, 'dog', LEFT), scale=10), result((1, 'dog', LEFT), (2, 'dog', RIGHT), scale=10)
    one, other = TrackComparison().pictures(image, first, second)
    color = np.array(KINDS['only here'])
    assert not (one == color).all(-1).any()
    assert (other[60:120, 237] == color).all() and not (other[:, :200] == color).all(-1).any()
    assert not image.any()


def test_a_mark_covers_no_label() -> None:
    """The word of the upper object is at its lower edge, where the label of the lower object is."""
    image, found = np.zeros((200, 400, 3), np.uint8), result((1, 'dog', LEFT), (2, 'cat', (4, 15, 14, 20)), scale=10)
    labels: list = []
    alone = draw_tracks(image, found, taken=labels)
    marked = draw_differences(image, found, ['only here', None])
    assert len(labels) == 2
    for left, top, right, bottom in labels:
        assert np.array_equal(marked[top:bottom, left:right], alone[top:bottom, left:right])
