"""tools/benchmarks: each runs on a tiny model and writes what it measured."""

import json
from pathlib import Path

import pytest

from mmrcf.media import open_source


def test_latency(load_script, tiny_config: Path, tmp_path: Path, capsys) -> None:
    latency = load_script('tools/benchmarks/latency.py')
    out = tmp_path / 'latency.json'
    baseline = tmp_path / 'baseline.py'
    baseline.write_text(f"_base_ = '{tiny_config}'\n")
    options = ['--size', '96x64', '--frames', '4', '--warmup', '1', '--stream-fps', '10']
    latency.main([str(tiny_config), *options, '--baseline', str(baseline), '--json', str(out)])
    figures = json.loads(out.read_text())
    first, second = figures['subjects']
    assert first['name'] == 'tiny.py (fp32, random weights)' and second['name'].startswith('baseline.py')
    assert {'decode', 'preprocess', 'network', 'track', 'masks'} <= first['stages'].keys()
    assert {'backbone', 'neck', 'mask_decoder', 'head'} <= first['parts'].keys()
    # A frame takes at least what its stages take, and the paper's latency is one frame's wait more.
    assert first['end_to_end']['mean'] >= sum(stage['mean'] for stage in first['stages'].values()) * 0.999
    assert first['latency']['p50'] == pytest.approx(100 + first['end_to_end']['p50'])
    assert figures['faster_than'][second['name']]['count'] == 4
    assert figures['peak_process_mib'] > 100
    assert 'times as fast as baseline.py' in capsys.readouterr().out


@pytest.mark.parametrize(
    'arguments', [['--size', '96'], ['--frames', '0'], ['--threads', '0'], ['--stream-fps', '0'], ['--size', '8x8']]
)
def test_latency_refuses_by_name(load_script, tiny_config: Path, arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit):
        load_script('tools/benchmarks/latency.py').main([str(tiny_config), *arguments])
    assert arguments[0] in capsys.readouterr().err


def test_soak(load_script, tiny_config: Path, tmp_path: Path, capsys) -> None:
    out, picture = tmp_path / 'soak.json', tmp_path / 'soak.png'
    arguments = [str(tiny_config), '--size', '96', '64', '--frames', '30', '--json', str(out), '--plot', str(picture)]
    load_script('tools/benchmarks/soak.py').main(arguments)
    figures = json.loads(out.read_text())
    assert (figures['frames'], figures['window'], figures['settled_after']) == (30, 15, 15)
    assert figures['ratio_of_p50'] > 0
    with open_source(str(picture)) as source:
        assert source.width > 100
    assert '30 frames; memory grew by' in capsys.readouterr().out


def test_soak_compares_the_ends_and_takes_the_highest_memory(load_script) -> None:
    soak = load_script('tools/benchmarks/soak.py')
    times = [50.0] * 500 + [10.0] * 1000 + [11.0] * 1000
    memory = [100.0] * 500 + [110.0] * 1000 + [125.0] * 500 + [112.0] * 500
    figures = soak.summarise(times, memory)
    assert figures['memory_mib'] == dict(settled=110.0, end=112.0, growth=15.0)
    assert figures['ratio_of_p50'] == pytest.approx(1.1)


def test_live_drops_frames_rather_than_fall_behind(load_script, tiny_config: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / 'live.json'
    options = ['--source-fps', '50', '--model-fps', '8', '--seconds', '1.5', '--json', str(out)]
    load_script('tools/benchmarks/live.py').main([str(tiny_config), *options])
    figures = json.loads(out.read_text())
    assert figures['answered'] + figures['dropped'] == pytest.approx(75, abs=1)
    assert figures['dropped'] > figures['answered']
    assert 'dropped to keep up' in capsys.readouterr().out
