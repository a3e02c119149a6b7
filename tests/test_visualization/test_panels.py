"""Pictures beside and below each other keep their pixels; titles fit."""

import numpy as np
import pytest

from mmrcf.visualization import fit, heat_map, panel, side_by_side, stacked


def filled(height: int, width: int, value: int) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


@pytest.mark.parametrize(
    ('shape', 'expected'), [((160, 288), (356, 640)), ((720, 1280), (360, 640)), ((400, 200), (360, 180))]
)
def test_fit_keeps_proportions(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fit(filled(*shape, 90)).shape == (*expected, 3)


def test_pictures_of_other_sizes_are_joined_on_black() -> None:
    row = side_by_side(filled(4, 5, 10), filled(2, 3, 20))
    assert row.shape == (4, 5 + 6 + 3, 3)
    assert (row[:, :5] == 10).all() and (row[:2, 11:] == 20).all()
    assert not row[:, 5:11].any() and not row[2:, 11:].any()
    column = stacked(filled(4, 5, 10), filled(2, 3, 20))
    assert column.shape == (4 + 6 + 2, 5, 3)
    assert (column[10:, :3] == 20).all() and not column[10:, 3:].any()


def test_a_title_is_above_the_picture_and_inside_it() -> None:
    for title in ('W', 'a title that is far too long for a narrow picture'):
        titled = panel(filled(20, 200, 50), title)
        assert titled.shape == (50, 200, 3) and (titled[30:] == 50).all()
        assert titled[:30].any() and not titled[:30, -4:].any()
    assert not panel(filled(20, 4, 50), 'no room')[:30].any()


def test_heat_maps_are_dark_where_values_are_lowest() -> None:
    colors = heat_map(np.array([[-3.0, 5.0]]), (2, 2)).astype(int).sum(-1)
    assert (colors[:, 0] < 50).all() and (colors[:, 1] > 500).all()
    assert (heat_map(np.full((2, 2), 7.0), (4, 4)) == heat_map(np.zeros((1, 1)), (4, 4))).all()
    # A tenth of the span: the colour that a tenth has between 0 and 1.
    nearly_flat = heat_map(np.array([[0.48, 0.49]]), (1, 2), least_span=0.1)
    np.testing.assert_array_equal(nearly_flat, heat_map(np.array([[0.0, 0.1, 1.0]]), (1, 3))[:, :2])
