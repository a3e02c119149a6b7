"""tools/misc/page_pictures.py: a clip that is too short is refused before the page is served."""

from pathlib import Path

import pytest

pytest.importorskip('gradio')
pytest.importorskip('selenium')


def test_a_clip_that_is_done_before_its_picture_is_refused(load_script, in_tmp_path: Path, write_clip, capsys) -> None:
    clip = write_clip(in_tmp_path / 'clip.mp4')
    with pytest.raises(SystemExit, match='2'):
        load_script('tools/misc/page_pictures.py').main([str(clip), '--out', 'images'])
    assert f'clip {clip}: has 8 frames, expected at least 80' in capsys.readouterr().err
    assert [path.name for path in in_tmp_path.iterdir()] == ['clip.mp4']
