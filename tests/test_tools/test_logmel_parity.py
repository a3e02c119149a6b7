"""tools/analysis_tools/logmel_parity.py: our patches against an independent implementation."""

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from mmrcf.errors import InputError

needs_reference = pytest.mark.skipif(
    importlib.util.find_spec('torchvggish') is None, reason='torchvggish is not installed'
)


@pytest.fixture(scope='module')
def logmel_parity(load_script):
    return load_script('tools/analysis_tools/logmel_parity.py')


@pytest.fixture
def audio(tmp_path: Path) -> list[str]:
    """Noise of 3 s at 16 kHz, and a short stereo file at 44.1 kHz."""
    rng = np.random.default_rng(0)
    wavfile.write(tmp_path / 'noise.wav', 16000, rng.normal(0, 0.2, 48000).astype(np.float32))
    wavfile.write(tmp_path / 'short.wav', 44100, rng.integers(-9000, 9000, (20_000, 2)).astype(np.int16))
    return [str(tmp_path / 'noise.wav'), str(tmp_path / 'short.wav')]


@needs_reference
def test_the_table_and_the_figures(logmel_parity, audio: list[str], tmp_path: Path, capsys) -> None:
    logmel_parity.main([*audio, '--json', str(tmp_path / 'figures.json')])
    figures = json.loads((tmp_path / 'figures.json').read_text())
    assert [row['patches'] for row in figures.values()] == [3, 1]
    assert all(row['largest_difference'] < 1e-4 for row in figures.values())
    assert 'largest difference' in capsys.readouterr().out


@needs_reference
def test_exit_code_above_the_tolerance(logmel_parity, audio: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        logmel_parity.main([*audio, '--tolerance', '1e-12'])
    assert exit_info.value.code == 'the difference is above 1e-12', 'a text: exit code 1'


@needs_reference
def test_it_sees_what_is_wrong(logmel_parity, audio: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One sample too late is a difference."""
    patch_at = logmel_parity.patch_at
    monkeypatch.setattr(logmel_parity, 'patch_at', lambda *args: patch_at(*args[:2], 1, args[3]))
    _, difference = logmel_parity.largest_difference(
        logmel_parity.load_reference(), logmel_parity.read_waveform(audio[0])
    )
    assert difference > 0.1 and math.isfinite(difference)


def test_without_the_package(logmel_parity, audio: list[str], monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit) as exit_info:
        logmel_parity.main(audio)
    assert exit_info.value.code == 2
    assert capsys.readouterr().err == (
        'error: torchvggish is not installed; run: pip install --no-deps torchvggish==0.2\n'
    )


@pytest.mark.parametrize('name', ['none.wav', 'empty.wav'])
def test_files_without_audio(logmel_parity, tmp_path: Path, name: str) -> None:
    wavfile.write(tmp_path / 'empty.wav', 16000, np.zeros(0, np.int16))
    with pytest.raises(InputError, match=name):
        logmel_parity.read_waveform(str(tmp_path / name))
