import sys
from collections.abc import Sequence

import numpy as np
import pytest

from mmrcf.errors import InputError
from mmrcf.structures import FrameResult
from mmrcf.utils import mask_boxes


def result(columns: Sequence[int], ids: Sequence[int]) -> FrameResult:
    """Squares of 4 pixels in a frame of 20 x 40, beginning at these columns."""
    masks = np.zeros((len(columns), 20, 40), bool)
    for mask, column in zip(masks, columns, strict=True):
        mask[8:12, column : column + 4] = True
    count = len(columns)
    return FrameResult(
        frame_index=0,
        ids=np.array(ids, np.int64),
        labels=np.arange(count),
        scores=np.linspace(0.9, 0.5, count).astype(np.float32),
        masks=masks,
        boxes=mask_boxes(masks),
        class_names=tuple(f'class {label}' for label in range(count)),
        class_probs=np.eye(count, 3, dtype=np.float32),
        queries=np.arange(count),
    )


def test_everything_is_handed_on() -> None:
    pytest.importorskip('supervision')
    frame = result([3, 30], [7, 2])
    detections = frame.to_supervision()
    assert detections.xyxy.tolist() == [[3, 8, 7, 12], [30, 8, 34, 12]]
    assert np.array_equal(detections.mask, frame.masks)
    assert detections.tracker_id.tolist() == [7, 2] and detections.class_id.tolist() == [0, 1]
    assert detections.confidence.tolist() == frame.scores.tolist()
    assert detections['class_name'].tolist() == ['class 0', 'class 1']
    assert detections.area.tolist() == [16, 16]


def test_a_frame_without_objects_has_no_detections() -> None:
    pytest.importorskip('supervision')
    assert len(result([], []).to_supervision()) == 0


def test_a_line_counts_track_ids_that_cross_it_and_zones_count_what_is_inside() -> None:
    sv = pytest.importorskip('supervision')
    line = sv.LineZone(start=sv.Point(20, 0), end=sv.Point(20, 20))
    zone = sv.PolygonZone(polygon=np.array([[25, 0], [40, 0], [40, 20], [25, 20]]))
    inside = []
    for step in range(10):
        detections = result([2 + 3 * step, 2], [5, 6]).to_supervision()
        line.trigger(detections)
        inside.append(int(zone.trigger(detections).sum()))
    assert line.in_count + line.out_count == 1
    assert inside[0] == 0 and inside[-1] == 1


def test_without_supervision_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(InputError, match=r"pip install 'mmrcf\[supervision\]'"):
        result([], []).to_supervision()
