"""tools/misc/make_shapes.py and make_demo_clip.py: what they write, and the one line that bad input gets."""

import json
import shutil
import subprocess
from pathlib import Path

import av
import cv2
import numpy as np
import pytest


@pytest.fixture(scope='module')
def make_shapes(load_script):
    return load_script('tools/misc/make_shapes.py')


@pytest.fixture(scope='module')
def make_demo_clip(load_script):
    return load_script('tools/misc/make_demo_clip.py')


@pytest.fixture(scope='module')
def tree(make_shapes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('made') / 'shapes'
    make_shapes.main(['--out', str(root), '--splits', 'test=2', '--frames', '12', '--size', '96x64', '--workers', '1'])
    return root


def refused(script, capsys: pytest.CaptureFixture, *arguments: object) -> str:
    """Run a script that must end with code 2 and one line on stderr; returns the line."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        script.main([str(argument) for argument in arguments])
    assert stopped.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1
    return lines[0]


def test_writes_the_splits_it_is_asked_for(tree: Path) -> None:
    data = json.loads((tree / 'test/instances.json').read_text())
    settings = json.loads((tree / 'test/make_shapes.json').read_text())
    assert [len(video['file_names']) for video in data['videos']] == [12, 12]
    assert settings['size'] == [64, 96] and settings['seed'] == 0 and settings['variant'] == 'shapes'
    assert [path.name for path in tree.iterdir()] == ['test']


def test_a_second_run_adds_what_is_missing(
    make_shapes, tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    common = ['--out', str(tmp_path), '--frames', '2', '--size', '96x64', '--workers', '2']
    make_shapes.main([*common, '--splits', 'val=2'])
    written = (tmp_path / 'val/instances.json').stat().st_mtime_ns
    capsys.readouterr()
    make_shapes.main([*common, '--splits', 'val=2,test=3'])
    lines = capsys.readouterr().out.splitlines()
    assert 'val: 2 videos' in lines[0] and 'kept' in lines[0]
    assert 'test: 3 videos' in lines[1] and 'written' in lines[1]
    assert (tmp_path / 'val/instances.json').stat().st_mtime_ns == written
    line = refused(make_shapes, capsys, *common, '--splits', 'val=2', '--seed', 1)
    assert f'{tmp_path}/val' in line and 'other settings' in line
    make_shapes.main([*common, '--splits', 'val=2', '--seed', '1', '--overwrite'])
    assert json.loads((tmp_path / 'val/make_shapes.json').read_text())['seed'] == 1


@pytest.mark.parametrize(
    ('option', 'value'),
    [
        ('--variant', 'forms'),
        ('--size', '8x8'),
        ('--splits', 'train'),
        ('--splits', 'train=0'),
        ('--splits', 'train=1,train=2'),
        ('--splits', '../x=1'),
        ('--frames', '0'),
        ('--seed', '-1'),
        ('--workers', '0'),
    ],
)
def test_bad_options_are_named(
    make_shapes, tmp_path: Path, capsys: pytest.CaptureFixture, option: str, value: str
) -> None:
    assert option.lstrip('-') in refused(make_shapes, capsys, '--out', tmp_path / 'new', option, value)
    assert not (tmp_path / 'new').exists()


def test_an_output_that_is_a_file_is_named(make_shapes, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / 'file').write_text('x')
    assert f'{tmp_path}/file' in refused(make_shapes, capsys, '--out', tmp_path / 'file', '--splits', 'val=1')


def test_clip_has_the_frames_and_the_audio(make_demo_clip, tree: Path, tmp_path: Path) -> None:
    out = tmp_path / 'clip.mp4'
    make_demo_clip.main(['synthetic', str(tree / 'test'), '--videos', '0002', '0001', '--out', str(out)])
    with av.open(str(out)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == 'yuv420p'
        assert container.streams.audio[0].rate == 16000
        frames = list(container.decode(video=0))
    assert [frame.pts * frame.time_base * 6 for frame in frames] == list(range(24))
    for index, file_name in ((0, '0002/00000.jpg'), (23, '0001/00011.jpg')):
        picture = cv2.imread(str(tree / 'test/JPEGImages' / file_name))
        assert np.abs(frames[index].to_ndarray(format='bgr24').astype(int) - picture).mean() < 5
    with av.open(str(out)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(samples - 4 * 16000) < 4096


def test_clip_refuses_what_it_cannot_read(
    make_demo_clip, make_shapes, tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / 'clip.mp4'
    assert "no video '0009'" in refused(
        make_demo_clip, capsys, 'synthetic', tree / 'test', '--videos', '0009', '--out', out
    )
    assert 'no such folder' in refused(
        make_demo_clip, capsys, 'synthetic', tmp_path / 'none', '--videos', '0001', '--out', out
    )
    make_shapes.main(['--out', str(tmp_path), '--splits', 'bad=1', '--frames', '3', '--size', '96x64'])
    (tmp_path / 'bad/JPEGImages/0001/00001.jpg').write_bytes(b'not a picture')
    line = refused(make_demo_clip, capsys, 'synthetic', tmp_path / 'bad', '--videos', '0001', '--out', out)
    assert '0001/00001.jpg' in line
    (tmp_path / 'bad/WAVAudios/0001.wav').write_bytes(b'not audio')
    assert '0001.wav' in refused(
        make_demo_clip, capsys, 'synthetic', tmp_path / 'bad', '--videos', '0001', '--out', out
    )
    assert [path.name for path in tmp_path.iterdir()] == ['bad']


def test_the_sample_clip(repository: Path) -> None:
    path = repository / 'demo/shapes.mp4'
    assert path.stat().st_size < 1_000_000
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 1
        assert 8 <= container.duration / av.time_base <= 13
        assert sum(1 for _ in container.decode(video=0)) == 72


def test_make_does_not_take_any_data_for_the_benchmark(repository: Path, in_tmp_path: Path) -> None:
    shutil.copy(repository / 'Makefile', in_tmp_path)
    Path('data/shapes/train').mkdir(parents=True)
    Path('data/shapes/train/instances.json').touch()
    command = ['make', '--dry-run', '--assume-old=.venv/.installed', 'data-shapes']
    planned = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert 'make_shapes.py --out data/shapes' in planned
