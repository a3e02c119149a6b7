import json
import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.structures import FrameResult
from mmrcf.web.tracks import Span, TrackTable, write_masks


def result_of(index: int, ids: list[int], names: list[str], scores: list[float]) -> FrameResult:
    count = len(ids)
    return FrameResult(
        frame_index=index,
        ids=np.array(ids, np.int64),
        labels=np.zeros(count, np.int64),
        scores=np.array(scores, np.float32),
        masks=np.ones((count, 4, 4), bool),
        boxes=np.zeros((count, 4), np.float32),
        class_names=tuple(names),
        class_probs=np.ones((count, 1), np.float32),
        queries=np.arange(count),
    )


def test_presence_and_class_of_tracks() -> None:
    table = TrackTable(fps=10)
    for index, ids in enumerate(([3], [3, 5], [5], [3, 5])):
        names = ['cat' if track_id == 5 or index else 'dog' for track_id in ids]
        table.add(result_of(index, ids, names, [0.9 if name == 'dog' else 0.5 for name in names]), index / 10)
    assert table.tracks[3].spans == [Span(0, 0.1, 0.2), Span(0.3, 0.3, 0.4)]
    assert table.tracks[5].spans == [Span(0.1, 0.3, 0.4)]
    assert table.tracks[3].class_name == 'cat', '0.5 + 0.5 is more than 0.9'
    page = table.html()
    assert re.findall(r'data-time="([\d.]+)"', page) == ['0.000', '0.300', '0.100']
    assert 'left: 75.00%; width: 25.00%' in page and '<td>0.63</td><td>3</td><td>0.0 s</td><td>0.3 s</td>' in page


def test_frames_that_were_passed_over_do_not_break_a_span() -> None:
    table = TrackTable(fps=10)
    for index in (0, 1, 4):
        table.add(result_of(index, [1], ['cat'], [0.5]), index / 10)
    assert table.tracks[1].spans == [Span(0, 0.4, 0.5)] and table.length == 5


def test_bars_are_where_the_frames_are() -> None:
    """A frame lasts until the next one, the last one as long as the rate says."""
    table = TrackTable(fps=2)
    for index, (time, ids) in enumerate(((0, [1]), (3, [2]), (3.5, [1, 2]))):
        table.add(result_of(index, ids, ['cat'] * len(ids), [0.5] * len(ids)), time)
    page = table.html()
    assert re.findall(r'data-time="([\d.]+)"', page) == ['0.000', '3.500', '3.000']
    assert re.findall(r'left: ([\d.]+)%; width: ([\d.]+)%', page) == [
        ('0.00', '75.00'),
        ('87.50', '12.50'),
        ('75.00', '25.00'),
    ]
    assert '<span>4.0 s</span>' in page


def test_a_page_shows_names_as_text() -> None:
    table = TrackTable(fps=10)
    table.add(result_of(0, [1], ['<script>'], [0.5]), 0)
    assert '<script>' not in table.html() and '&lt;script&gt;' in table.html()


def test_long_lists_are_cut() -> None:
    table = TrackTable(fps=10)
    table.add(result_of(0, list(range(50)), ['cat'] * 50, [0.5] * 50), 0)
    assert table.html().count('<tr>') == 41 and '10 shorter tracks in the JSON only' in table.html()
    assert 'No object' in TrackTable(fps=10).html()


def test_masks_as_images(tmp_path: Path) -> None:
    mask = np.zeros((6, 9), np.uint8)
    mask[2:4, 3:8] = 1
    rle = mask_utils.encode(np.asfortranarray(mask))
    rle['counts'] = rle['counts'].decode()
    tracks = tmp_path / 'tracks.json'
    tracks.write_text(json.dumps({'annotations': [{'track_id': 7, 'segmentations': [None, rle, None]}]}))
    write_masks(tracks, tmp_path / 'masks.zip')
    with zipfile.ZipFile(tmp_path / 'masks.zip') as archive:
        assert archive.namelist() == ['00001/7.png']
        image = cv2.imdecode(np.frombuffer(archive.read('00001/7.png'), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(image, mask * 255)
