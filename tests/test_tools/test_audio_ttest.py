"""tools/analysis_tools/audio_ttest.py: two result files in, a table and figures out."""

import json
import zipfile

import numpy as np
import pytest
from pycocotools import mask as mask_utils

HEIGHT, WIDTH, LENGTH, OBJECTS = 40, 120, 2, 4


def rle(x: int) -> dict:
    """A square of 20x20 pixels at (x, 10)."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order='F')
    mask[10:30, x : x + 20] = 1
    encoded = mask_utils.encode(mask)
    return {'size': encoded['size'], 'counts': encoded['counts'].decode()}


def shifted(shifts) -> list[dict]:
    """One prediction a video, off by so many pixels in both frames."""
    return [
        dict(video_id=number, category_id=3, score=0.5, segmentations=[rle(50 + shift)] * LENGTH)
        for number, shift in enumerate(shifts, start=1)
    ]


def iou(shift: int) -> float:
    return (20 - shift) / (20 + shift)


@pytest.fixture
def files(tmp_path):
    content = dict(
        videos=[
            dict(id=i, height=HEIGHT, width=WIDTH, file_names=[f'{i}/{frame}.jpg' for frame in range(LENGTH)])
            for i in range(1, OBJECTS + 1)
        ],
        categories=[dict(id=3, name='disc')],
        annotations=[
            dict(id=i, video_id=i, category_id=3, iscrowd=0, segmentations=[rle(50)] * LENGTH)
            for i in range(1, OBJECTS + 1)
        ],
    )
    truth, a, b = tmp_path / 'instances.json', tmp_path / 'a.json', tmp_path / 'b.zip'
    truth.write_text(json.dumps(content))
    a.write_text(json.dumps(shifted([1, 4, 3, 12])))
    with zipfile.ZipFile(b, 'w') as archive:
        archive.writestr('results.json', json.dumps(shifted([1, 1, 2, 0])))
    return [str(path) for path in (truth, a, b)]


@pytest.fixture
def script(load_script):
    return load_script('tools/analysis_tools/audio_ttest.py')


def test_table_and_figures(script, files, tmp_path, capsys):
    out = tmp_path / 'out.json'
    script.main([*files, '--json', str(out)])
    printed, figures = capsys.readouterr().out, json.loads(out.read_text())
    assert figures['objects'] == OBJECTS and '4 annotated objects' in printed
    half, three_quarters = figures['tests']
    # IoU in A: 19/21, 16/24, 17/23, 8/32; in B: 19/21, 19/21, 18/22, 1.
    assert (half['threshold'], half['instances'], half['only_a'], half['only_b']) == (0.5, 3, 0, 1)
    assert half['mean_a'] == pytest.approx(np.mean([iou(1), iou(4), iou(3)]))
    gains = np.array([0, iou(1) - iou(4), iou(2) - iou(3)])
    assert half['t'] == pytest.approx(gains.mean() / (gains.std(ddof=1) / np.sqrt(3)))
    assert 0 < half['p'] < 1 and half['interval'][0] < gains.mean() < half['interval'][1]
    assert f'{half["t"]:+.3f}' in printed and f'{half["p"]:.3g}' in printed
    # Above 0.75 there is one object in both: a line that says so, and no number that is none.
    assert three_quarters['instances'] == 1 and three_quarters['t'] is None
    assert 'IoU > 0.75: one object' in printed
    assert 'nan' not in (printed + out.read_text()).lower()


def refused(script, capsys, *arguments) -> str:
    with pytest.raises(SystemExit) as exit_info:
        script.main([str(argument) for argument in arguments])
    assert exit_info.value.code == 2
    return capsys.readouterr().err


def test_what_cannot_be_used_is_named(script, files, tmp_path, capsys):
    truth, a, b = files
    assert 'nope.json' in refused(script, capsys, truth, a, tmp_path / 'nope.json')
    assert 'instances.json' in refused(script, capsys, truth, a, truth)
    assert '0.3' in refused(script, capsys, truth, a, b, '--thresholds', '0.3')
    assert '1' in refused(script, capsys, truth, a, b, '--thresholds', '1')
    content = json.loads((tmp_path / 'instances.json').read_text())
    del content['annotations']
    bare = tmp_path / 'bare.json'
    bare.write_text(json.dumps(content))
    assert 'bare.json' in refused(script, capsys, bare, a, b)
