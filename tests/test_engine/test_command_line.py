"""Options that several command lines share."""

import argparse

import pytest
import torch

from mmrcf.engine.command_line import add_cfg_options, add_device, add_json, add_size


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
    assert vars(args) == dict(size=(640, 360), device='cpu', cfg_options=None, json=None)


def test_width_comes_first(parser: argparse.ArgumentParser) -> None:
    assert parser.parse_args(['--size', '32x16']).size == (32, 16)


@pytest.mark.parametrize('text', ['96', '96x', 'x96', '8x96', '96x8', '-96x96', '96x64x3'])
def test_another_size_is_refused(parser: argparse.ArgumentParser, text: str, capsys) -> None:
    with pytest.raises(SystemExit):
        parser.parse_args([f'--size={text}'])
    assert f'--size: expected WIDTHxHEIGHT in pixels, 16 or more, for example 640x360, got {text!r}' in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(('found', 'device'), [(True, 'cuda'), (False, 'cpu')])
def test_auto_takes_a_gpu_if_there_is_one(
    parser: argparse.ArgumentParser, monkeypatch: pytest.MonkeyPatch, found: bool, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: found)
    assert parser.parse_args(['--device', 'auto']).device == device
    assert parser.parse_args(['--device', 'cuda:1']).device == 'cuda:1'
    automatic = argparse.ArgumentParser()
    add_device(automatic, default='auto')
    assert automatic.parse_args([]).device == device


def test_fields_of_the_config(parser: argparse.ArgumentParser) -> None:
    assert parser.parse_args(['--cfg-options', 'a.b=1', 'c=x']).cfg_options == {'a.b': 1, 'c': 'x'}


@pytest.mark.parametrize('value', ['(1,)', '[[', '[' * 5000 + ']' * 5000, '{' * 5000, 'dict(' * 5000, '{a', "dict('"])
def test_values_that_cannot_be_read_are_refused(parser: argparse.ArgumentParser, value: str, capsys) -> None:
    try:
        parser.parse_args(['--cfg-options', f'a={value}'])
    except SystemExit as stop:
        assert stop.code == 2 and '--cfg-options' in capsys.readouterr().err
