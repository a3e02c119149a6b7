"""Tools that make the pictures of the documents."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmrcf.errors import InputError
from mmrcf.media import open_source


def test_an_animation_shows_the_frame_of_each_time(
    load_script, tmp_path: Path, write_clip: Callable[..., Path], capsys
) -> None:
    clip, out = write_clip(tmp_path / 'clip.mp4'), tmp_path / 'clip.gif'  # eight frames, ten a second
    load_script('tools/misc/animate.py').main(
        [str(clip), '--out', str(out), '--width', '48', '--fps', '5', '--colors', '256']
    )
    frames = [frame.image for frame in open_source(clip)]
    with Image.open(out) as picture:
        assert (picture.n_frames, picture.size, picture.info['duration']) == (4, (48, 32), 200)
        for index in range(4):
            picture.seek(index)
            shown, expected = np.array(picture.convert('RGB')), cv2.resize(frames[2 * index], (48, 32))
            assert np.abs(shown.astype(int) - expected).mean() < 16, f'picture {index} is frame {2 * index}'
    assert '4 pictures' in capsys.readouterr().out


def test_a_slow_video_keeps_its_duration_in_an_animation(
    load_script, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    clip = write_clip(tmp_path / 'clip.mp4', frames=3, rate=2, time_base=Fraction(1, 2))
    pictures = load_script('tools/misc/animate.py').read_pictures(str(clip), 48, 10)
    assert len(pictures) == 15
    assert [picture.tobytes() == pictures[0].tobytes() for picture in pictures[:6]] == [True] * 5 + [False]


@pytest.mark.parametrize('options', [['--out', 'clip.webm'], ['--out', 'clip.gif', '--colors', '257']])
def test_an_animation_is_a_gif(load_script, capsys, options: list[str]) -> None:
    with pytest.raises(SystemExit):
        load_script('tools/misc/animate.py').main(['clip.mp4', *options])
    assert 'ends in .gif, at most 256' in capsys.readouterr().err


def test_diagrams_are_those_of_the_documents(load_script, tmp_path: Path, repository: Path) -> None:
    load_script('tools/misc/diagrams.py').main(['--out', str(tmp_path)])
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    shown = {path.name: path.read_bytes() for path in repository.glob('docs/images/architecture_*.svg')}
    assert set(drawn) == set(shown) and len(drawn) == 2
    for name, content in drawn.items():
        assert content.startswith(b'<?xml') and name in (repository / 'docs/architecture.md').read_text()


def test_overlays_beside_supervision(load_script, tmp_path: Path, repository: Path) -> None:
    pytest.importorskip('supervision')
    script, clip, out = load_script('tools/misc/overlay_picture.py'), repository / 'demo/shapes.mp4', tmp_path / 'a.png'
    script.main([str(clip), '--time', '0.2', '--model', 'shapes', '--out', str(out)])
    picture = cv2.imread(str(out))
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    panels = [picture[y : y + height, x : x + width] for y in (0, height) for x in (0, width)]
    assert len({panel[30:].tobytes() for panel in panels}) == 4, 'the frame, and three drawings of it'
    with pytest.raises(InputError, match='is shorter'):
        script.draw_styles(str(clip), 1e3, script.OnlineSegmenter('shapes'))
