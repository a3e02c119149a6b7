"""The command lines: export, evaluation and the demo."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mmrcf.apis import OnlineSegmenter
from mmrcf.datasets.classes import SHAPES_CLASSES

pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')
# As TWO_REFERENCES of conftest.py, and frames of one size whatever their own.
OPTIONS = [
    'model.score_thr=0.75',
    'model.neck.num_references=2',
    'model.neck.grid_size=3',
    'test_dataloader.dataset.pipeline.1.scale=(96,55)',
    'test_dataloader.dataset.pipeline.1.keep_ratio=False',
]


@pytest.fixture(scope='module')
def exporter(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script('tools/export/onnx_export.py')


@pytest.fixture(scope='module')
def evaluator(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script('tools/export/evaluate_onnx.py')


def failure(main: Callable[[list[str]], None], arguments: list, capsys: pytest.CaptureFixture) -> str:
    """What the tool says on its way out with code 2."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    assert stop.value.code == 2
    return capsys.readouterr().err.strip()


@pytest.mark.slow
def test_exports_quantises_and_checks(
    exporter: ModuleType,
    tiny_config: Path,
    visual_only_weights: Path,
    write_clip: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    clip = write_clip(tmp_path / 'clip.mp4', frames=5)
    out = tmp_path / 'new/int8.onnx'
    arguments = [tiny_config, visual_only_weights, '--out', out, '--size', '96x64', '--int8', clip, '--check', clip]
    arguments += ['--calibration-frames', 3, '--check-frames', 4, '--cfg-options', *OPTIONS]
    exporter.main([str(argument) for argument in arguments])
    wrote, parity = capsys.readouterr().out.splitlines()
    assert wrote.startswith(f'wrote {out} (') and wrote.endswith('int8, 96x55, opset 20)')
    assert parity.startswith('4 frames, ') and 'mask IoU at least' in parity
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.slow
def test_exports_for_pytorch(
    exporter: ModuleType,
    tiny_config: Path,
    visual_only_weights: Path,
    write_clip: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    clip = write_clip(tmp_path / 'clip.mp4', frames=3)
    out = tmp_path / 'step.pt2'
    arguments = [
        tiny_config,
        visual_only_weights,
        '--out',
        out,
        '--format',
        'torch-export',
        '--size',
        '96x64',
        '--check',
        clip,
    ]
    exporter.main([str(argument) for argument in [*arguments, '--cfg-options', *OPTIONS]])
    wrote, parity = capsys.readouterr().out.splitlines()
    assert wrote.endswith('MiB, float32, 96x55)')
    assert '0 shown by one only, 0 other track IDs, 0 other labels; mask IoU at least 1.00000' in parity
    assert '3 frames, 0 objects' not in parity


def test_a_comparison_of_nothing_is_no_success(
    exporter: ModuleType, tiny_config: Path, write_clip: Callable[..., Path], tmp_path: Path, capsys
) -> None:
    clip = write_clip(tmp_path / 'clip.mp4', frames=2)
    arguments = [tiny_config, '--out', tmp_path / 'step.pt2', '--format', 'torch-export', '--size', '96x64']
    options = [*OPTIONS, 'model.score_thr=0.99']
    message = failure(exporter.main, [*arguments, '--check', clip, '--cfg-options', *options], capsys)
    assert 'no object was shown in 2 frames' in message


def test_the_size_of_the_network_is_that_after_the_pipeline(exporter: ModuleType, visual_only_model) -> None:
    segmenter = OnlineSegmenter(visual_only_model)
    assert exporter.network_shape(segmenter, (104, 180)) == (55, 96)
    assert segmenter.step(np.zeros((30, 40, 3), np.uint8)).frame_index == 0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--out', 'a.onnx', '--size', '640'], '--size: expected WIDTHxHEIGHT in pixels'),
        (['--out', 'a.onnx', '--size', '0x9'], '--size: expected WIDTHxHEIGHT in pixels'),
        (['--out', 'a.onnx', '--int8', 'none.mp4'], 'none.mp4: no such file'),
        (['--out', 'a.onnx', '--check', 'none.mp4'], 'none.mp4: no such file'),
        (['--out', 'a.pth'], '--out a.pth: expected a name that ends in .onnx'),
        (['--out', 'a.pt2', '--format', 'torch-export', '--int8', 'x'], '--int8 and --opset are for ONNX files'),
        (['--out', 'a.pt2', '--format', 'torch-export', '--opset', '18'], '--int8 and --opset are for ONNX files'),
        (['--out', 'a.onnx', '--keep-float', 'head'], '--calibration-frames and --keep-float are for --int8'),
        (['--out', 'a.onnx', '--int8', 'x', '--calibration-frames', '0'], 'expected at least 1'),
    ],
)
def test_what_cannot_be_is_said_at_once(
    exporter: ModuleType, tiny_config: Path, arguments: list[str], message: str, capsys, in_tmp_path: Path
) -> None:
    assert message in failure(exporter.main, [tiny_config, *arguments], capsys)
    assert not list(in_tmp_path.iterdir())


def test_evaluates_and_compares(
    evaluator: ModuleType, tiny_config: Path, visual_only_weights: Path, visual_only_file: Path, tmp_path: Path, capsys
) -> None:
    out = tmp_path / 'figures.json'
    arguments = [
        tiny_config,
        visual_only_file,
        '--against',
        visual_only_weights,
        '--json',
        out,
        '--cfg-options',
        *OPTIONS,
    ]
    evaluator.main([str(argument) for argument in arguments])
    figures = json.loads(out.read_text())
    assert figures['pytorch']['vis/AP'] == figures['exported']['vis/AP'] >= 0
    assert figures['parity']['frames'] == 8 and figures['parity']['track_ids'] == 0
    assert figures['parity']['lowest_iou'] >= 0.999 and figures['parity']['objects'] > 8
    assert '8 frames, ' in capsys.readouterr().out
    evaluator.main([str(argument) for argument in [*arguments, '--frames', 3]])
    figures = json.loads(out.read_text())
    assert figures['parity']['frames'] == 3 and set(figures['exported']) == {'median_ms'}


def test_evaluation_refuses_what_does_not_fit(
    evaluator: ModuleType, tiny_config: Path, visual_only_file: Path, tmp_path: Path, capsys
) -> None:
    message = failure(evaluator.main, [tiny_config, visual_only_file], capsys)
    assert 'takes frames that are 96x55 after the test pipeline, these are 240x160' in message
    classes = ','.join([*SHAPES_CLASSES, 'another'])
    options = ['--cfg-options', f'test_dataloader.dataset.metainfo.classes=[{classes}]']
    message = failure(evaluator.main, [tiny_config, visual_only_file, *options], capsys)
    assert 'exported: its classes are not those of the test data set' in message


@pytest.mark.slow
def test_the_demo_takes_it(
    load_script: Callable[[str], ModuleType],
    audio_visual_file: Path,
    write_clip: Callable[..., Path],
    in_tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys,
) -> None:
    demo = load_script('demo/video_demo.py')
    clip = write_clip(in_tmp_path / 'clip.mp4', frames=3)
    monkeypatch.setattr('mmrcf.demo.sample_clip', lambda classes: str(clip))
    for arguments in ([audio_visual_file], [clip, audio_visual_file, '--score-thr', '0.5']):
        monkeypatch.setattr(sys, 'argv', ['video_demo.py', *map(str, arguments), '--json', 'out.json'])
        demo.main()
        assert capsys.readouterr().out.splitlines()[-1].startswith('3 frames, ')
    monkeypatch.setattr(sys, 'argv', ['video_demo.py', str(audio_visual_file), '--device', 'cuda'])
    with pytest.raises(SystemExit):
        demo.main()
    assert 'error: device cuda' in capsys.readouterr().err
