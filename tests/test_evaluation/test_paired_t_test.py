import math

import numpy as np
import pytest

from mmrcf.errors import InputError
from mmrcf.evaluation import best_ious, paired_t_test, parse_ground_truth, parse_results

SQUARE = (0, 0, 20, 20)


def test_by_hand():
    """Differences 0.1, 0.0, 0.2: mean 0.1, deviation 0.1, t = 0.1 / (0.1 / sqrt 3), 2 degrees of freedom."""
    a = np.array([0.60, 0.70, 0.55, 0.90, 0.30])
    b = np.array([0.70, 0.70, 0.75, 0.40, 0.95])
    test = paired_t_test(a, b, 0.5)
    assert (test.instances, test.only_a, test.only_b) == (3, 1, 1)
    assert test.mean_a == pytest.approx(1.85 / 3) and test.mean_b == pytest.approx(2.15 / 3)
    assert test.difference == pytest.approx(0.1)
    assert test.t == pytest.approx(math.sqrt(3))
    # Student's distribution with 2 degrees of freedom: P(|T| > t) = 1 - t / sqrt(2 + t^2), and 4.302653 holds 95 %.
    assert test.p == pytest.approx(1 - math.sqrt(3 / 5))
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert test.interval == pytest.approx((0.1 - half, 0.1 + half), abs=1e-6)
    assert test.reason == ''


def test_the_sign_is_that_of_the_gain_of_b():
    a, b = np.array([0.6, 0.7, 0.8]), np.array([0.7, 0.9, 0.9])
    forth, back = paired_t_test(a, b, 0.5), paired_t_test(b, a, 0.5)
    assert forth.difference > 0 and forth.t > 0
    assert (back.difference, back.t, back.p) == pytest.approx((-forth.difference, -forth.t, forth.p))


@pytest.mark.parametrize(
    ('a', 'b', 'instances', 'reason'),
    [
        ([], [], 0, 'nothing to compare'),
        ([0.9, 0.3], [0.2, 0.9], 0, 'nothing to compare'),
        ([0.5, 0.9], [0.9, 0.5], 0, 'nothing to compare'),  # exactly the threshold is not above it
        ([0.9, 0.3], [0.8, 0.9], 1, 'at least 2'),
        ([0.9, 0.8], [0.9, 0.8], 2, 'no spread'),
        ([0.8, 0.6, 0.7], [0.9, 0.7, 0.8], 3, 'no spread'),
    ],
)
def test_too_little_to_test(a, b, instances, reason):
    test = paired_t_test(np.array(a), np.array(b), 0.5)
    assert test.instances == instances and reason in test.reason
    assert test.t is None and test.p is None and test.interval is None
    assert (test.difference is None) == (instances == 0)


def test_each_object_gets_the_best_prediction_of_its_class(annotations, result):
    content = annotations(
        [(1, 'cat', [SQUARE] * 2), (1, 'dog', [(100, 0, 20, 20)] * 2), (2, 'cat', [SQUARE]), (2, 'dog', [SQUARE])]
    )
    content['annotations'][3]['iscrowd'] = 1
    truth = parse_ground_truth(content)
    predictions = parse_results(
        [
            result(1, 10, [SQUARE, None], score=0.9),  # half of the cat
            result(1, 10, [SQUARE, (5, 0, 20, 20)], score=0.1),  # 400 + 300 of 400 + 500 pixels, with a low score
            result(1, 10, [(100, 0, 20, 20)] * 2),  # all of the dog, but called a cat
            result(2, 20, [SQUARE]),  # called a dog
        ],
        truth,
    )
    np.testing.assert_allclose(best_ious(truth, predictions), [700 / 900, 0, 0])
    np.testing.assert_array_equal(best_ious(truth, []), [0, 0, 0])


def test_no_annotations(annotations):
    content = annotations([(1, 'cat', [SQUARE])])
    del content['annotations']
    with pytest.raises(InputError, match='annotations'):
        best_ious(parse_ground_truth(content), [])
