import json

import pytest

from mmrcf.evaluation import OrderMetric
from mmrcf.evaluation.metrics.order_metric import match_masks

LEFT, NEAR_LEFT, RIGHT = (0, 0, 20, 20), (4, 0, 20, 20), (100, 0, 20, 20)
CAT, DOG = (0.9, 0.1), (0.1, 0.9)


@pytest.fixture
def measure(tmp_path, annotations):
    def run(tracks, frames, **options):
        path = tmp_path / 'instances.json'
        content = annotations(tracks, **options)
        path.write_text(json.dumps(content))
        metric = OrderMetric(path, classes=('cat', 'dog'))
        for frame in frames:
            metric.process({}, [frame])
        return {key.removeprefix('order/'): value for key, value in metric.evaluate(len(frames)).items()}

    return run


def test_by_hand(measure, frame):
    tracks = [(1, 'cat', [LEFT] * 4), (1, 'dog', [RIGHT, RIGHT, None, RIGHT])]
    frames = [
        frame(1, 0, 4, [(1, 0, CAT, LEFT), (2, 1, DOG, RIGHT)]),
        # The two objects swap slots, and the cat's track ID is a new one; the dog is taken for a cat.
        frame(1, 1, 4, [(3, 1, CAT, NEAR_LEFT), (2, 0, CAT, RIGHT)]),
        # The cat is missed. What is seen in the place of the absent dog matches nothing.
        frame(1, 2, 4, [(2, 0, DOG, RIGHT)]),
        # Both as in the frame in which each was matched last, but for the dog's track ID.
        frame(1, 3, 4, [(3, 1, CAT, LEFT), (5, 0, DOG, RIGHT)]),
    ]
    # 7 object-frames, 6 of them matched; IoU 1 but for one of 16 * 20 / (24 * 20).
    assert measure(tracks, frames) == pytest.approx(
        {
            'matched': 6,
            'recall': 6 / 7,
            'slot_changes': 2 / 6,
            'id_changes': 2 / 6,
            'id_switches': 2,
            'class_accuracy': 5 / 6,
            'mean_iou': (5 + 16 / 24) / 6,
        }
    )


def test_no_predictions(measure, frame):
    figures = measure([(1, 'cat', [LEFT])], [frame(1, 0, 1)])
    nothing = dict.fromkeys(('slot_changes', 'id_changes', 'class_accuracy', 'mean_iou'), -1)
    assert figures == {'matched': 0, 'recall': 0, 'id_switches': 0, **nothing}
    assert measure([(1, 'cat', [LEFT])], []) == figures


def test_no_annotated_object(measure, frame):
    figures = measure([], [frame(1, 0, 1, [(1, 0, CAT, LEFT)])], lengths={1: 1})
    assert figures['matched'] == 0 and figures['recall'] == -1


def test_objects_of_other_classes_are_left_out(measure, frame):
    tracks = [(1, 'cat', [LEFT]), (1, 'cow', [RIGHT])]
    figures = measure(tracks, [frame(1, 0, 1, [(1, 0, CAT, LEFT)])], categories=('cat', 'dog', 'cow'))
    assert figures['recall'] == 1


def test_matching_takes_the_greatest_sum_above_one_half(result):
    def rles(*boxes):
        return result(1, 10, boxes)['segmentations']

    wide = (0, 0, 30, 20)
    # LEFT overlaps wide by 2/3 and itself fully; NEAR_LEFT overlaps LEFT by 2/3 and wide by 2/3.
    pairs = match_masks(rles(LEFT, NEAR_LEFT), rles(wide, LEFT))
    assert sorted((row, column) for row, column, _ in pairs) == [(0, 1), (1, 0)]
    assert sum(iou for _, _, iou in pairs) == pytest.approx(1 + 2 / 3)
    # Exactly one half is not enough.
    assert match_masks(rles((0, 0, 10, 20)), rles((0, 0, 20, 20))) == []
    assert match_masks([], rles(LEFT)) == match_masks(rles(LEFT), []) == []
