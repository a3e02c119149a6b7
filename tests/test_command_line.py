"""The start of programs, and options that several command lines share."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mmrcf import command_line
from mmrcf.command_line import add_cfg_options, add_device, add_json, add_size


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_size(parser, 'frames', (640, 360), least=16)
    add_device(parser)
    add_cfg_options(parser)
    add_json(parser)
    return parser


def test_without_options(parser: argparse.ArgumentParser) -> None:
    args = parser.parse_args([])
    assert vars(args) == dict(size=(640, 360), device='auto', cfg_options=None, json=None)


def test_width_comes_first(parser: argparse.ArgumentParser) -> None:
    assert parser.parse_args(['--size', '32x16']).size == (32, 16)


@pytest.mark.parametrize('text', ['96', '96x', 'x96', '8x96', '96x8', '-96x96', '96x64x3'])
def test_another_size_is_refused(parser: argparse.ArgumentParser, text: str, capsys) -> None:
    with pytest.raises(SystemExit):
        parser.parse_args([f'--size={text}'])
    assert f'--size: expected WIDTHxHEIGHT in pixels, 16 or more, for example 640x360, got {text!r}' in (
        capsys.readouterr().err
    )


def test_fields_of_the_config(parser: argparse.ArgumentParser) -> None:
    assert parser.parse_args(['--cfg-options', 'a.b=1', 'c=x']).cfg_options == {'a.b': 1, 'c': 'x'}


@pytest.mark.parametrize('value', ['(1,)', '[[', '[' * 5000 + ']' * 5000, '{' * 5000, 'dict(' * 5000, '{a', "dict('"])
def test_values_that_cannot_be_read_are_refused(parser: argparse.ArgumentParser, value: str, capsys) -> None:
    try:
        parser.parse_args(['--cfg-options', f'a={value}'])
    except SystemExit as stop:
        assert stop.code == 2 and '--cfg-options' in capsys.readouterr().err


@pytest.mark.parametrize('option', ['threads', 'frames'])
def test_a_count_is_a_whole_number_from_one_on(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command_line.add_threads(parser)
    command_line.add_frame_limit(parser)
    assert vars(parser.parse_args([])) == dict(threads=None, frames=None)
    assert vars(parser.parse_args([f'--{option}', '2']))[option] == 2
    for text in ('0', '-1', '1.5', 'x'):
        with pytest.raises(SystemExit):
            parser.parse_args([f'--{option}={text}'])
        assert f"--{option}: expected a whole number, at least 1, got '{text}'" in capsys.readouterr().err


def test_launchers_may_append_the_rank_in_either_form() -> None:
    parser = argparse.ArgumentParser()
    command_line.add_launcher(parser)
    for option in ('--local-rank', '--local_rank'):
        assert vars(parser.parse_args([f'{option}=1'])) == dict(launcher='none', local_rank=1)


def test_a_shared_option_is_declared_once(repository: Path) -> None:
    declaration = re.compile(r'add_argument\(\s*(?:\'-\w\', )?\'--([\w-]+)\'')
    shared = declaration.findall(Path(command_line.__file__).read_text(encoding='utf-8'))
    assert {'device', 'json', 'threads', 'max-size'} <= set(shared)
    again = {
        f'{path.relative_to(repository)}: --{option}'
        for folder in ('tools', 'demo')
        for path in (repository / folder).rglob('*.py')
        for option in declaration.findall(path.read_text(encoding='utf-8'))
        if option in shared
    }
    # Of another meaning: lengths of a stream or video, pictures a second, a seed that the config has too, frame times
    # of audio.
    assert again == {
        'tools/benchmarks/busy.py: --frames',
        'tools/benchmarks/gpu.py: --frames',
        'tools/benchmarks/latency.py: --frames',
        'tools/benchmarks/mmdet_parity.py: --frames',
        'tools/benchmarks/operators.py: --frames',
        'tools/benchmarks/soak.py: --frames',
        'tools/dataset_converters/validate_ytvis.py: --audio',
        'tools/dataset_converters/validate_ytvis.py: --fps',
        'tools/misc/make_shapes.py: --frames',
        'tools/train.py: --seed',
        'tools/misc/animate.py: --fps',
    }


def test_threads_are_settled_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(command_line, 'set_thread_policy', lambda: calls.append('threads'))
    command_line.start_program(lambda: calls.append('options'))  # --cfg-options imports torch
    assert calls == ['threads', 'options']


@pytest.mark.skipif(sys.platform == 'win32', reason='POSIX')
def test_an_interrupt_before_main_is_one_line() -> None:
    code = """
import signal
from mmrcf import command_line
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
command_line.start_program(lambda: signal.raise_signal(signal.SIGINT))
"""
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (-signal.SIGINT, 'interrupted\n')


HELP_OF_ALL = """
import contextlib, importlib, io, json, runpy, sys

heavy = {'torch', 'mmengine', 'mmcv', 'mmdet', 'numpy', 'scipy', 'matplotlib', 'cv2', 'av', 'onnxruntime', 'openvino'}
found = {}
for path in sys.argv[1:]:
    sys.argv, sys.path[0] = [path, '--help'], path.rpartition('/')[0]
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        module, _, function = path.partition(':')
        getattr(importlib.import_module(module), function)() if function else runpy.run_path(path, run_name='__main__')
    found[path] = [printed.getvalue().startswith('usage:'), sorted(heavy & set(sys.modules))]
print(json.dumps(found))
"""


def test_help_is_answered_before_anything_heavy_is_imported(repository: Path) -> None:
    scripts = [*repository.glob('tools/**/*.py'), *repository.glob('demo/*.py')]
    programs = [str(path) for path in scripts if '__main__' in path.read_text(encoding='utf-8')]
    installed = re.findall(r"'mmrcf-\w+ = ([\w.]+:\w+)'", (repository / 'setup.py').read_text(encoding='utf-8'))
    assert len(programs) >= 40 and len(installed) == 2
    command = [sys.executable, '-c', HELP_OF_ALL, *programs, *installed]
    environment = os.environ | {'PYTHONPATH': str(repository)}
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert {path: found for path, found in json.loads(output).items() if found != [True, []]} == {}


def test_opencv_without_graphics_libraries_is_one_line(tmp_path: Path, repository: Path) -> None:
    missing = 'libGL.so.1: cannot open shared object file'
    (tmp_path / 'cv2.py').write_text(f"raise ImportError('{missing}')\n")
    environment = os.environ | {'PYTHONPATH': f'{tmp_path}{os.pathsep}{repository}'}
    for options, code in (['--help'], 0), ([], 2):
        result = subprocess.run(
            [sys.executable, '-m', 'mmrcf.demo', *options], env=environment, capture_output=True, text=True
        )
        assert result.returncode == code
    assert result.stderr.startswith(f'error: OpenCV cannot be loaded ({missing}); ') and result.stderr.count('\n') == 1
    assert 'opencv-python-headless==' in result.stderr
