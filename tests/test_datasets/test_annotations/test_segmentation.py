import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils

from mmrcf.datasets.annotations.segmentation import SegmentationError, decode_counts, segmentation_to_rle

MASKS = arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 1))


def runs_of(mask: np.ndarray) -> list[int]:
    flat = mask.flatten(order='F').tolist()
    runs, value = [0], 0
    for pixel in flat:
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


@settings(max_examples=80, deadline=None, derandomize=True)
@given(MASKS)
def test_every_way_to_write_a_mask_gives_the_same_pixels(mask):
    height, width = mask.shape
    encoded = mask_utils.encode(np.asfortranarray(mask))
    runs = runs_of(mask)
    assert decode_counts(encoded['counts']).tolist() == runs
    for counts in (encoded['counts'], encoded['counts'].decode(), runs):
        rle = segmentation_to_rle(dict(size=[height, width], counts=counts), height, width)
        if mask.any():
            assert (mask_utils.decode(rle) == mask).all()
        else:
            assert rle is None


def test_decode_counts_of_runs_longer_than_one_character():
    mask = np.zeros((720, 1280), np.uint8)
    mask[100:400, 200:900] = 1
    encoded = mask_utils.encode(np.asfortranarray(mask))
    assert decode_counts(encoded['counts']).tolist() == runs_of(mask)


def test_polygons_are_rasterised_at_the_size_of_the_video():
    rle = segmentation_to_rle([[2, 1, 8, 1, 8, 5, 2, 5], [20, 10, 24, 10, 24, 14, 20, 14]], 20, 30)
    mask = mask_utils.decode(rle)
    assert mask.shape == (20, 30)
    expected = np.zeros((20, 30), np.uint8)
    expected[1:5, 2:8] = 1
    expected[10:14, 20:24] = 1
    assert (mask == expected).all()


@pytest.mark.parametrize('nothing', [None, [], dict(size=[4, 5], counts=[20]), [[1, 1, 1, 1, 1, 1]]])
def test_absent_objects_are_none(nothing):
    assert segmentation_to_rle(nothing, 4, 5) is None


@pytest.mark.parametrize(
    ('segmentation', 'message'),
    [
        (dict(counts=[20]), "without 'size'"),
        (dict(size=[4, 5]), "without 'counts'"),
        (dict(size=[5, 4], counts=[20]), r'\[5, 4\], expected \[height, width\] = \[4, 5\]'),
        (dict(size=[4, 5], counts=[19]), 'add up to 19'),
        (dict(size=[4, 5], counts=[19, -10]), 'negative'),
        (dict(size=[4, 5], counts=[21]), 'too large for the image'),
        (dict(size=[4, 5], counts=[10, 2**32, 10]), 'too large for the image'),
        (dict(size=[4, 5], counts=[10**400]), 'too large for the image'),
        (dict(size=[4, 5], counts='\ud800'), 'outside the alphabet'),
        (dict(size=[4, 5], counts=[10.0, 10.0]), 'not a whole number'),
        (dict(size=[4, 5], counts=None), 'expected a string or a list'),
        (dict(size=[4, 5], counts='d0!'), 'outside the alphabet'),
        (dict(size=[4, 5], counts='d'), 'the string is cut'),
        (dict(size=[4, 5], counts='oooooooooo0'), 'too large'),
        (dict(size=[4, 5], counts='é'), 'outside the alphabet'),
        ([[1, 2, 3, 4]], '4 numbers'),
        ([[1, 2, 3, 4, 5, 6, 7]], '7 numbers'),
        ([[1, 2, 'x', 4, 5, 6]], 'not a list of numbers'),
        ([1, 2, 3, 4, 5, 6], 'not a list of numbers'),
        ([[1, 2, float('nan'), 4, 5, 6]], 'far outside the image, or not a number'),
        ([[1, 2, 1e12, 4, 5, 6]], 'far outside the image'),
        ('0', 'expected null, polygons or RLE'),
    ],
)
def test_what_cannot_be_decoded_says_why(segmentation, message):
    with pytest.raises(SegmentationError, match=message):
        segmentation_to_rle(segmentation, 4, 5)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=30))
def test_no_string_of_counts_reaches_the_c_code_unchecked(counts):
    try:
        rle = segmentation_to_rle(dict(size=[6, 7], counts=counts), 6, 7)
    except SegmentationError:
        return
    if rle is not None:
        assert mask_utils.decode(rle).shape == (6, 7)


@pytest.mark.parametrize(
    ('polygon', 'rows', 'columns'),
    [
        ([50, -5000, 50, 5000, -5000, 0], slice(None), slice(0, 50)),  # the left half
        ([-4000, 30, 5000, 30, 5000, -4000, -4000, -4000], slice(0, 30), slice(None)),  # the upper half
        ([-6000, -6000, 6000, -6000, 6000, 6000, -6000, 6000], slice(None), slice(None)),  # everything
        ([5000, 0, 6000, 0, 6000, 50], slice(0, 0), slice(0, 0)),  # nothing
    ],
)
def test_a_polygon_far_beyond_the_image_is_cut_off(polygon: list, rows: slice, columns: slice) -> None:
    expected = np.zeros((60, 100), np.uint8)
    expected[rows, columns] = 1
    for points in (polygon, np.reshape(polygon, (-1, 2))[::-1].reshape(-1).tolist()):
        rle = segmentation_to_rle([points], 60, 100)
        found = np.zeros_like(expected) if rle is None else mask_utils.decode(rle)
        np.testing.assert_array_equal(found, expected)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-900, 900), st.integers(-900, 900)), min_size=3, max_size=8))
def test_cutting_off_keeps_the_pixels_of_the_image(points: list[tuple[int, int]]) -> None:
    """Against the rasteriser on the whole polygon; along the outline a pixel may be rounded to the other side."""
    polygon = [float(number) for point in points for number in point]
    rle = segmentation_to_rle([polygon], 40, 60)
    found = np.zeros((40, 60), np.uint8) if rle is None else mask_utils.decode(rle)
    whole = mask_utils.decode(mask_utils.merge(mask_utils.frPyObjects([polygon], 40, 60)))
    assert np.mean(found != whole) < 0.04


def test_an_outline_that_would_fill_the_memory_is_refused() -> None:
    zigzag = [float(value) for index in range(4000) for value in ((index % 2) * 1280, index % 700)]
    with pytest.raises(SegmentationError, match='polygons have an outline of 51[0-9]{5} pixels'):
        segmentation_to_rle([zigzag], 720, 1280)
