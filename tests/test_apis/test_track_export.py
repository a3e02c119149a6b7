import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmrcf.apis.track_export import TrackExporter, video_name
from mmrcf.datasets.annotations.validation import validate_annotations
from mmrcf.datasets.frame_times import frame_times
from mmrcf.media import Frame, FrameSource
from mmrcf.structures import FrameResult
from mmrcf.utils import mask_boxes


class Nothing(FrameSource):
    def __init__(self) -> None:
        self.name, self.height, self.width, self.fps = 'clip.mp4', 20, 30, 10.0

    def __iter__(self) -> Iterator[Frame]:
        yield from ()


def square(left: int, side: int = 5) -> np.ndarray:
    mask = np.zeros((20, 30), bool)
    mask[4 : 4 + side, left : left + side] = True
    return mask


def result(objects: dict[int, tuple[np.ndarray, list[float]]]) -> FrameResult:
    masks = np.stack([mask for mask, _ in objects.values()]) if objects else np.zeros((0, 20, 30), bool)
    probs = np.array([probs for _, probs in objects.values()], np.float32).reshape(-1, 3)
    labels = probs.argmax(-1) if len(probs) else np.zeros(0, np.int64)
    return FrameResult(
        frame_index=0,
        ids=np.array(list(objects), np.int64),
        labels=labels,
        scores=probs.max(-1) if len(probs) else np.zeros(0, np.float32),
        masks=masks,
        boxes=mask_boxes(masks),
        class_names=tuple('abc'[label] for label in labels),
        class_probs=probs,
        queries=np.arange(len(objects)),
    )


def test_layout(tmp_path: Path) -> None:
    with TrackExporter(tmp_path / 'tracks.json', Nothing(), 'abc') as exporter:
        exporter.add(result({7: (square(0), [0.5, 0.4, 0.0]), 2: (square(9), [0.0, 0.1, 0.9])}), 0.0, 0)
        exporter.add(result({}), 0.1, 1)
        exporter.add(result({7: (square(2), [0.1, 0.8, 0.0])}), 0.2, 2)
        exporter.add(result({7: (square(6), [0.1, 0.9, 0.0]), 3: (square(0, side=0), [0.9, 0.0, 0.0])}), 0.4, 4)
    content = json.loads((tmp_path / 'tracks.json').read_text())
    (video,) = content['videos']
    assert (video['id'], video['width'], video['height'], video['length'], video['fps']) == (1, 30, 20, 5, 10)
    assert (
        video['timestamps'] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4]) and video['file_names'][4] == 'clip/00004.jpg'
    )
    assert content['categories'] == [{'id': 1, 'name': 'a'}, {'id': 2, 'name': 'b'}, {'id': 3, 'name': 'c'}]
    two, seven = content['annotations']
    assert (two['track_id'], two['category_id'], two['score']) == (2, 3, pytest.approx(0.9))
    # The mean over its three frames: (0.7, 2.1, 0) / 3.
    assert (seven['track_id'], seven['category_id'], seven['score']) == (7, 2, pytest.approx(0.7))
    assert [item is not None for item in seven['segmentations']] == [True, False, True, False, True]
    assert two['segmentations'][1:] == [None] * 4
    for frame, left in ((0, 0), (2, 2), (4, 6)):
        np.testing.assert_array_equal(mask_utils.decode(seven['segmentations'][frame]).astype(bool), square(left))
        assert seven['bboxes'][frame] == [left, 4, 5, 5] and seven['areas'][frame] == 25
    assert seven['bboxes'][1] is None and seven['areas'][1] is None
    assert {len(annotation[key]) for annotation in (two, seven) for key in ('segmentations', 'bboxes', 'areas')} == {5}


@pytest.mark.parametrize(
    ('frames', 'expected'),
    [
        ([(0, 0.0), (3, 0.3)], [0.0, 0.1, 0.2, 0.3]),
        ([(2, 0.5), (3, 0.6)], [0.0, 0.25, 0.5, 0.6]),
        ([(2, 0.0), (3, 0.1)], [-0.2, -0.1, 0.0, 0.1]),
        ([(0, 1e8), (3, 1e8 + 2e-8)], None),
        ([(0, 0.5), (1, 0.5), (2, 0.4)], None),
        ([(0, 1.0000001), (1, 1.0000002)], None),
    ],
    ids=['skipped', 'skipped first', 'skipped before time 0', 'close', 'not growing', 'less than a microsecond'],
)
def test_times_grow(tmp_path: Path, frames: list[tuple[int, float]], expected: list[float] | None) -> None:
    with TrackExporter(tmp_path / 'tracks.json', Nothing(), 'abc') as exporter:
        for index, time in frames:
            exporter.add(result({7: (square(0), [0.5, 0.4, 0.0])}), time, index)
    (video,) = json.loads((tmp_path / 'tracks.json').read_text())['videos']
    times = frame_times(video, video['length'])
    assert len(times) == frames[-1][0] + 1
    if expected is not None:
        assert times == pytest.approx(expected)
    assert not validate_annotations(tmp_path / 'tracks.json')


@pytest.mark.parametrize(
    ('source', 'name'),
    [
        ('videos/a clip.v2.mp4', 'a clip.v2'),
        (Path('/data/clip.mp4'), 'clip'),
        ('http://user:secret@127.0.0.1:80/live/street.m3u8?key=secret', 'street'),
        ('rtsp://user:secret@camera.local', 'camera.local'),
        (3, 'camera3'),
        ('0', 'camera0'),
        ('..mp4', 'video'),
        (b'frames', 'video'),
        ('a\\b\n.mp4', 'a_b_'),
    ],
)
def test_video_name(source: object, name: str) -> None:
    assert video_name(source) == name


@pytest.mark.parametrize(
    ('name', 'expected'),
    [('video clip.mp4', 'clip'), ('stream udp://host:5000', 'host'), ('camera 1 (/dev/video1)', 'camera1')],
)
def test_video_name_of_an_open_source(name: str, expected: str) -> None:
    source = Nothing()
    source.name = name
    assert video_name(source) == expected


def test_no_objects_and_no_frames(tmp_path: Path) -> None:
    with TrackExporter(tmp_path / 'tracks.json', Nothing(), 'abc') as exporter:
        exporter.add(result({}), 0.0, 0)
    assert json.loads((tmp_path / 'tracks.json').read_text())['annotations'] == []


def test_many_objects_come_back_in_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    active: dict[int, list[int | None]] = {track_id: [] for track_id in range(1, 6)}
    with TrackExporter(tmp_path / 'tracks.json', Nothing(), 'abc') as exporter:
        for index in range(60):
            present = {track_id: int(rng.integers(0, 20)) for track_id in active if rng.random() < 0.6}
            exporter.add(result({i: (square(left), [0.1, 0.2, 0.3]) for i, left in present.items()}), index / 10, index)
            for track_id, lefts in active.items():
                lefts.append(present.get(track_id))
    for annotation in json.loads((tmp_path / 'tracks.json').read_text())['annotations']:
        lefts = [None if box is None else box[0] for box in annotation['bboxes']]
        assert lefts == active[annotation['track_id']]


def test_interrupted_export_is_kept_and_a_failed_one_is_not(tmp_path: Path) -> None:
    for error in (KeyboardInterrupt, RuntimeError):
        path = tmp_path / f'{error.__name__}.json'
        with pytest.raises(error), TrackExporter(path, Nothing(), 'abc') as exporter:
            exporter.add(result({1: (square(0), [0.5, 0.4, 0.0])}), 0.0, 0)
            raise error
    assert [path.name for path in tmp_path.iterdir()] == ['KeyboardInterrupt.json']
    assert json.loads((tmp_path / 'KeyboardInterrupt.json').read_text())['videos'][0]['length'] == 1
