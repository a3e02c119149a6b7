import json
import logging
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mmrcf.apis import SHIPPED_MODELS, init_model
from mmrcf.demo import model_line


@pytest.fixture(scope='module')
def demo(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script('demo/video_demo.py')


@pytest.fixture(scope='module')
def model_files(tiny_config: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Config and checkpoint on the command line."""
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.manual_seed(0)
    torch.save({'state_dict': init_model(tiny_config).state_dict()}, path)
    return [str(tiny_config), str(path)]


@pytest.fixture(scope='module')
def audio_visual_files(audio_visual_config: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Config and checkpoint of an audio-visual model."""
    path = tmp_path_factory.mktemp('weights') / 'audio_visual.pth'
    torch.manual_seed(0)
    torch.save({'state_dict': init_model(audio_visual_config).state_dict()}, path)
    return [str(audio_visual_config), str(path)]


def run(demo: ModuleType, monkeypatch: pytest.MonkeyPatch, arguments: list) -> int:
    """Run the script's main; returns its exit code."""
    monkeypatch.setattr(sys, 'argv', ['video_demo.py', *map(str, arguments)])
    try:
        demo.main()
    except SystemExit as stop:
        return stop.code
    return 0


def test_writes_video_and_tracks(
    demo: ModuleType,
    model_files: list[str],
    in_tmp_path: Path,
    write_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    clip = write_clip(in_tmp_path / 'clip.mp4', audio='aac')
    arguments = [clip, *model_files, '--out', 'a/out.mp4', '--json', 'a/out.json', '--score-thr', '0.01']
    assert run(demo, monkeypatch, [*arguments, '--max-size', '48']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('model: ') and all(name in lines[0] for name in (*model_files, 'disc', 'heart'))
    assert lines[1:3] == ['wrote a/out.mp4', 'wrote a/out.json']
    assert lines[3].startswith('8 frames, ') and 'FPS' in lines[3] and 'p95' in lines[3]
    content = json.loads(Path('a/out.json').read_text())
    assert content['videos'][0]['width'] == 48 and content['annotations']


def test_a_line_about_the_model_has_no_secret() -> None:
    args = Namespace(model=None, config='a.py', checkpoint='https://user:secret@host/x.pth?signature=secret')
    assert model_line(args, ('disc',)) == 'model: a.py, https://***@host/x.pth?*** (disc)'


def test_a_file_of_an_earlier_run_was_not_written(
    demo: ModuleType,
    model_files: list[str],
    in_tmp_path: Path,
    write_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr('mmrcf.apis.online.OnlineSegmenter.step', interrupted)
    Path('out.json').write_text('of before')
    clip = write_clip(in_tmp_path / 'clip.mp4')
    assert run(demo, monkeypatch, [clip, *model_files, '--json', 'out.json']) == 130
    assert Path('out.json').read_text() == 'of before' and 'wrote' not in capsys.readouterr().out


@pytest.mark.parametrize(
    ('audio', 'said'),
    [
        ([], 'audio: clip.mp4 (44100 Hz, 2 channels)'),
        (['--audio', 'none'], 'audio: none'),
        (['--audio', 'other.wav'], 'audio: other.wav (44100 Hz, 2 channels)'),
        (['--show-attention', 'audio'], 'audio: clip.mp4 (44100 Hz, 2 channels)'),
    ],
    ids=['auto', 'none', 'file', 'attention'],
)
def test_audio(
    demo: ModuleType,
    audio_visual_files: list[str],
    in_tmp_path: Path,
    write_beep: Callable[..., Path],
    flash_and_beep: Callable,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    audio: list[str],
    said: str,
) -> None:
    clip = write_beep(in_tmp_path / 'clip.mp4')
    write_beep(in_tmp_path / 'other.wav', audio='pcm_s16le', times=None, seconds=5.0)
    assert run(demo, monkeypatch, [clip, *audio_visual_files, '--out', 'out.mp4', *audio]) == 0
    assert f'; {said}; ' in capsys.readouterr().out
    flash, beep = flash_and_beep(Path('out.mp4'))
    assert beep == pytest.approx(flash, abs=0.02), 'in step to a fraction of a frame'


def test_default_outputs(
    demo: ModuleType,
    model_files: list[str],
    in_tmp_path: Path,
    write_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run(demo, monkeypatch, [write_clip(in_tmp_path / 'clip.mp4', frames=2), *model_files]) == 0
    assert sorted(path.name for path in Path('outputs').iterdir()) == ['demo.json', 'demo.mp4']


@pytest.fixture
def stand_in(model_files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives 'real' a tiny model with its classes and a path for its sample clip, which is returned."""
    checkpoint, sample = tmp_path / 'real.pth', tmp_path / 'sample.mp4'
    config = tmp_path / 'real.py'
    config.write_text(
        f"_base_ = ['{model_files[0]}']\n"
        'model = dict(head=dict(num_classes=3, loss_cls=dict(class_weight=[1.0] * 3 + [0.1])))\n'
    )
    torch.manual_seed(0)
    meta = dict(dataset_meta=dict(classes=['person', 'animal', 'vehicle']))
    options = {'test_dataloader.dataset.metainfo.classes': ['person', 'animal', 'vehicle']}
    torch.save({'state_dict': init_model(config, cfg_options=options).state_dict(), 'meta': meta}, checkpoint)
    model = replace(SHIPPED_MODELS['real'], config=str(config), checkpoint=str(checkpoint), sample=str(sample))
    monkeypatch.setitem(SHIPPED_MODELS, 'real', model)
    return sample


def said(capsys: pytest.CaptureFixture) -> tuple[str, str]:
    """The printed lines with the model and the sample clip that are used; '' where there is none."""
    lines = capsys.readouterr().out.splitlines()
    return tuple(next((line for line in lines if line.startswith(start)), '') for start in ('model: ', 'input: '))


def test_an_input_alone_runs_the_real_model(
    demo: ModuleType,
    stand_in: Path,
    in_tmp_path: Path,
    write_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clip = write_clip(in_tmp_path / 'clip.mp4', frames=2)
    assert run(demo, monkeypatch, [clip, '--json', 'out.json']) == 0
    model = SHIPPED_MODELS['real']
    assert said(capsys) == (f'model: real (person, animal, vehicle), {model.config}, {model.checkpoint}', '')
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_no_arguments_run_a_sample_clip(
    demo: ModuleType,
    stand_in: Path,
    repository: Path,
    in_tmp_path: Path,
    write_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    write_clip(stand_in, frames=2)
    assert run(demo, monkeypatch, ['--json', 'out.json']) == 0
    model, sample = said(capsys)
    assert model.startswith('model: real (') and str(stand_in) in sample


@pytest.mark.parametrize('name', ['shapes', 'shapes-av'])
def test_a_model_by_its_name(
    demo: ModuleType,
    in_tmp_path: Path,
    write_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    clip = write_clip(in_tmp_path / 'clip.mp4', frames=2)
    assert run(demo, monkeypatch, [clip, '--model', name, '--json', 'out.json']) == 0
    assert said(capsys)[0].startswith(f'model: {name} (') and Path('out.json').exists()
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert 'synthetic shapes only' in warning and '--model real' in warning and 'clip.mp4' in warning


def test_unknown_models_are_refused(
    demo: ModuleType, stand_in: Path, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert run(demo, monkeypatch, ['clip.mp4', '--model', 'forms']) == 2
    assert 'forms' in capsys.readouterr().err
    for arguments in (['clip.mp4', 'minvis_r50_koko'], ['clip.mp4', '--model', 'minvis_r50_koko']):
        assert run(demo, monkeypatch, arguments) == 2
        assert 'close names are minvis_r50_coco' in capsys.readouterr().err


def make_bad_call(kind: str, folder: Path, clip: Path, config: str, checkpoint: str) -> tuple[list, str]:
    """Arguments that cannot work, and what the error must name."""
    text = folder / 'text.mp4'
    text.write_text('no video')
    (folder / 'empty').mkdir()
    return {
        'missing input': (['gone.mp4', config, checkpoint], 'gone.mp4'),
        'text as input': ([text, config, checkpoint], 'text.mp4'),
        'folder without images': ([folder / 'empty', config, checkpoint], 'holds no images'),
        'missing camera': (['97', config, checkpoint], 'camera 97'),
        'model and config': ([clip, config, checkpoint, '--model', 'shapes'], '--model shapes'),
        'config without checkpoint': ([clip, config], 'CHECKPOINT'),
        'missing config': ([clip, 'gone.py', checkpoint], 'gone.py'),
        'missing checkpoint': ([clip, config, 'gone.pth'], 'gone.pth'),
        'text as checkpoint': ([clip, config, text], 'text.mp4'),
        'device': ([clip, config, checkpoint, '--device', 'cuda:77'], 'cuda:77'),
        'threshold': ([clip, config, checkpoint, '--score-thr', '7'], 'score_thr'),
        'size': ([clip, config, checkpoint, '--max-size', '-4'], 'max_size'),
        'fps': ([clip, config, checkpoint, '--fps', '-4'], 'fps'),
        'unwritable video': ([clip, config, checkpoint, '--out', clip / 'out.mp4'], 'out.mp4'),
        'unwritable tracks': ([clip, config, checkpoint, '--json', clip / 'out.json'], 'out.json'),
        'folder as video': ([clip, config, checkpoint, '--out', folder / 'empty'], 'empty'),
        'attention of a visual-only model': ([clip, config, checkpoint, '--show-attention', 'audio'], 'is visual-only'),
        'audio for a visual-only model': ([clip, config, checkpoint, '--audio', clip], 'this model takes no audio'),
    }[kind]


KINDS = ['missing input', 'text as input', 'folder without images', 'missing camera', 'config without checkpoint']
KINDS += ['missing config', 'missing checkpoint', 'text as checkpoint', 'device', 'threshold', 'size', 'fps']
KINDS += [
    'model and config',
    'unwritable video',
    'unwritable tracks',
    'folder as video',
    'audio for a visual-only model',
    'attention of a visual-only model',
]


@pytest.mark.parametrize('kind', KINDS)
def test_bad_input_is_one_line(
    demo: ModuleType,
    model_files: list[str],
    in_tmp_path: Path,
    write_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    kind: str,
) -> None:
    clip = write_clip(in_tmp_path / 'clip.mp4', frames=2)
    arguments, named = make_bad_call(kind, in_tmp_path, clip, *model_files)
    before = sorted(in_tmp_path.rglob('*'))
    assert run(demo, monkeypatch, arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith('error: ') and named in line
    assert sorted(in_tmp_path.rglob('*')) == before, 'nothing is left behind'


@pytest.mark.slow
def test_as_a_program(repository: Path, in_tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(repository / 'demo/video_demo.py'), 'gone.mp4'],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count('\n') == 1 and done.stderr.startswith('error: '), done.stderr


def test_a_missing_input_is_named_before_a_model_is_loaded(
    demo: ModuleType, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr('mmrcf.demo.RCFInferencer', lambda *_, **_options: pytest.fail('a model was loaded'))
    for name in ('nothing.mp4', 'no/folder'):
        assert run(demo, monkeypatch, [name, '--model', 'shapes']) == 2
        assert f'input {name}: no such file' in capsys.readouterr().err
