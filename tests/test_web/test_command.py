"""The command line of the page, without a browser."""

import socket
from pathlib import Path

import pytest

from mmrcf.errors import InputError
from mmrcf.web.__main__ import model_builders, parse_args
from mmrcf.web.limits import Limits


def test_options_of_the_model_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path('own.onnx').touch()
    builders = model_builders(
        parse_args(['own.onnx', '--runtime', 'openvino', '--precision', 'bf16', '--device', 'cpu'])
    )
    assert list(builders)[0] == 'own' and {'real', 'shapes'} <= set(builders)
    assert builders['own'].keywords == dict(adapt_threads=True, device='cpu', precision='bf16', runtime='openvino')
    assert builders['real'].keywords == dict(adapt_threads=True, device='cpu', precision='bf16'), (
        'shipped models are no ONNX files'
    )


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['shapse'], 'model shapse: no such file, and no model of docs/model_zoo.md'),
        ([__file__], 'comes without a checkpoint; give CONFIG CHECKPOINT'),
        (['--runtime', 'openvino'], '--runtime openvino: is for ONNX files'),
    ],
)
def test_models_that_cannot_be_are_refused_at_once(arguments: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        model_builders(parse_args(arguments))


@pytest.mark.parametrize('option', ['--max-upload', '--max-seconds', '--max-size', '--visitors'])
def test_a_limit_is_at_least_one(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_args([option, '0'])
    assert f'{option}: expected a whole number, at least 1' in capsys.readouterr().err


def test_a_first_model_that_cannot_be_built_is_said_at_the_start() -> None:
    pytest.importorskip('gradio')
    from mmrcf.web.server import serve

    def build() -> None:
        raise InputError('checkpoint own.pth: is damaged')

    with pytest.raises(InputError, match='own.pth: is damaged'), serve({'own': build}, Limits(), port=0):
        pass


def test_a_port_that_cannot_be_is_said_before_anything_is_built() -> None:
    from mmrcf.web.server import serve

    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        for host, port in (
            ('127.0.0.1', other.getsockname()[1]),
            ('127.0.0.1', 70000),
            ('192.0.2.1', 0),  # of documents: no machine has it
        ):
            with (
                pytest.raises(InputError, match=f'port {port} of {host}: cannot listen there'),
                serve({}, Limits(), host, port),
            ):
                pass
