"""What a model finds beside labelled objects: objects, doubtful regions, background."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmrcf.datasets.label_completion import complete_labels
from mmrcf.structures import FrameResult
from mmrcf.utils import mask_boxes

SHAPE = (12, 16)


def box(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def findings(*items: tuple[int, float, np.ndarray]) -> FrameResult:
    labels, scores, masks = zip(*items, strict=True) if items else ((), (), np.zeros((0, *SHAPE), bool))
    masks, count = np.array(masks), len(items)
    return FrameResult(
        frame_index=0,
        ids=np.arange(count),
        labels=np.array(labels, np.int64),
        scores=np.array(scores, np.float32),
        masks=masks,
        boxes=mask_boxes(masks),
        class_names=tuple('ab'[label] for label in labels),
        class_probs=np.zeros((count, 2), np.float32),
        queries=np.arange(count),
    )


def test_scores_decide_class_by_class() -> None:
    found = findings(
        (0, 0.8, box(0, 0, 3, 3)), (1, 0.6, box(4, 0, 3, 3)), (0, 0.6, box(8, 0, 3, 3)), (1, 0.1, box(0, 8, 3, 3))
    )
    completion = complete_labels(found, np.zeros(SHAPE, bool), accept_thr=(0.7, 0.5), ignore_thr=(0.3, 0.2))
    assert completion.labels == (0, 1)
    assert [round(score, 5) for score in completion.scores] == [0.8, 0.6]
    assert (completion.masks[0] == box(0, 0, 3, 3)).all() and (completion.masks[1] == box(4, 0, 3, 3)).all()
    assert completion.ignored.keys() == {0} and (completion.ignored[0] == box(8, 0, 3, 3)).all()


def test_the_labelled_object_is_not_found_again() -> None:
    labelled = box(2, 2, 4, 4)
    found = findings((0, 0.9, box(2, 2, 4, 5)), (0, 0.9, box(2, 4, 4, 8)))
    completion = complete_labels(found, labelled, accept_thr=(0.5, 0.5), ignore_thr=(0.1, 0.1))
    (mask,) = completion.masks  # 16 of 20 pixels of the first are labelled; of the second 8 of 32
    assert (mask == box(2, 6, 4, 6)).all()


def test_an_object_covers_an_ignored_region_and_no_detection_means_background() -> None:
    found = findings((0, 0.9, box(0, 0, 4, 4)), (1, 0.3, box(0, 0, 4, 4)), (1, 0.3, box(0, 3, 4, 4)))
    completion = complete_labels(found, np.zeros(SHAPE, bool), accept_thr=(0.5, 0.5), ignore_thr=(0.1, 0.1))
    assert completion.ignored.keys() == {1} and (completion.ignored[1] == box(0, 4, 4, 3)).all()
    completion = complete_labels(findings(), box(0, 0, 2, 2), accept_thr=(0.5, 0.5), ignore_thr=(0.1, 0.1))
    assert not completion.ignored and completion.masks.shape == (0, *SHAPE)


def test_doubtful_regions_of_two_classes_do_not_overlap() -> None:
    found = findings((1, 0.4, box(0, 0, 4, 4)), (0, 0.3, box(0, 2, 4, 4)))
    ignored = complete_labels(found, np.zeros(SHAPE, bool), accept_thr=(0.5, 0.5), ignore_thr=(0.1, 0.1)).ignored
    assert (ignored[0] == box(0, 2, 4, 4)).all() and (ignored[1] == box(0, 0, 4, 2)).all()


_boxes = st.builds(box, st.integers(0, 9), st.integers(0, 12), st.integers(1, 6), st.integers(1, 6))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0.01, 1), _boxes), max_size=6), _boxes)
def test_a_pixel_has_one_meaning(items: list, labelled: np.ndarray) -> None:
    found = findings(*sorted(items, key=lambda item: -item[1]))
    completion = complete_labels(found, labelled, accept_thr=(0.6, 0.5), ignore_thr=(0.2, 0.2))
    regions = [labelled, *completion.masks, *completion.ignored.values()]
    assert np.sum(regions, axis=0).max() <= 1
    assert all(mask.any() for mask in regions)
    assert len(completion.labels) == len(completion.scores) == len(completion.masks)
