import itertools

import numpy as np
import pytest

from mmrcf.visualization.label_layout import draw_label, place_label

FRAME = (200, 100)


@pytest.mark.parametrize(
    ('box', 'place'),
    [
        ((50, 40, 90, 80), (50, 30)),  # above
        ((50, 5, 90, 80), (50, 5)),  # no room above: inside
        ((190, 40, 200, 80), (160, 30)),  # not off the right side
        ((-5, -5, 20, 20), (0, 20)),  # a box that begins outside: below
    ],
)
def test_a_label_is_above_its_box_and_on_the_frame(box: tuple, place: tuple) -> None:
    assert place_label((40, 10), box, FRAME, []) == place


def test_labels_of_one_box_do_not_cover_each_other() -> None:
    taken: list = []
    for _ in range(20):
        left, top = place_label((40, 10), (50, 40, 90, 80), FRAME, taken)
        taken.append((left, top, left + 40, top + 10))
        assert left >= 0 and top >= 0 and left + 40 <= FRAME[0] and top + 10 <= FRAME[1]
    overlaps = [
        one
        for one, other in itertools.combinations(taken, 2)
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]
    assert not overlaps
    assert max(abs(left - 50) + abs(top - 30) for left, top, _, _ in taken) < 120, 'near the box'


def test_a_full_frame_takes_the_least_covered_position() -> None:
    assert place_label((40, 10), (0, 40, 9, 80), (60, 30), [(0, 0, 60, 22)]) == (0, 20)


@pytest.mark.parametrize(('width', 'drawn'), [(300, 'person 12  0.93'), (110, 'person 12'), (30, '12')])
def test_a_label_that_is_wider_than_the_frame_is_shortened(width: int, drawn: str) -> None:
    texts = ('person 12  0.93', 'person 12', '12')
    pictures = []
    for choice in (texts, (drawn,)):
        canvas, taken = np.zeros((40, width, 3), np.uint8), []
        draw_label(canvas, choice, (0, 20, 10, 30), (255, 255, 0), 16, taken)
        assert taken[0][0] >= 0 and taken[0][2] <= width
        pictures.append(canvas)
    np.testing.assert_array_equal(*pictures)
