"""tools/misc/contact_sheet.py: the frames that it takes, and the one line that bad input gets."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from mmrcf.media import open_source


@pytest.fixture(scope='module')
def script(load_script) -> ModuleType:
    return load_script('tools/misc/contact_sheet.py')


def test_takes_the_frame_that_is_shown_at_each_time(
    script: ModuleType, tmp_path: Path, write_clip: Callable[..., Path], capsys: pytest.CaptureFixture
) -> None:
    clip, out = write_clip(tmp_path / 'clip.mp4'), tmp_path / 'new/sheet.png'
    script.main([str(clip), '--times', '0', '0.35', '0.7', '--out', str(out), '--height', '64'])
    frames = [frame.image for frame in open_source(clip)]
    gap = np.full((64, script.GAP, 3), 255, np.uint8)
    expected = np.hstack([frames[0], gap, frames[3], gap, frames[7]])
    np.testing.assert_array_equal(cv2.imread(str(out))[..., ::-1], expected)
    assert '3 frames, 300x64' in capsys.readouterr().out
    script.main([str(clip), '--times', '0.1', '--out', str(out), '--height', '32'])
    assert cv2.imread(str(out)).shape == (32, 48, 3)


def test_without_times_four_frames_are_spread(
    script: ModuleType, tmp_path: Path, write_clip: Callable[..., Path], capsys: pytest.CaptureFixture
) -> None:
    clip, out = write_clip(tmp_path / 'clip.mp4'), tmp_path / 'sheet.png'
    script.main([str(clip), '--out', str(out), '--height', '64'])
    frames = [frame.image for frame in open_source(clip)]
    assert len(frames) == 8
    found = cv2.imread(str(out))[..., ::-1]
    width = frames[0].shape[1]
    for place, index in enumerate((1, 3, 5, 7)):
        left = place * (width + script.GAP)
        np.testing.assert_array_equal(found[:, left : left + width], frames[index])
    assert '4 frames' in capsys.readouterr().out
    assert len(script.spread_times(str(clip), 20)) == 8


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['--times', '0', '5'], '--times 5'),
        (['--times', '0.5', '0.1'], 'ascending'),
        (['--times', '-1'], '--times -1'),
        (['--times', '0', '--height', '3'], '--height 3'),
        (['--times', '0', '--out', 'sheet.txt'], 'sheet.txt'),
    ],
)
def test_bad_input_is_one_line(
    script: ModuleType,
    in_tmp_path: Path,
    write_clip: Callable[..., Path],
    capsys: pytest.CaptureFixture,
    arguments: list[str],
    named: str,
) -> None:
    write_clip(in_tmp_path / 'clip.mp4')
    with pytest.raises(SystemExit) as stopped:
        script.main(['clip.mp4', '--out', 'sheet.png', *arguments])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('error: ') and named in line
    assert [path.name for path in in_tmp_path.iterdir()] == ['clip.mp4']
