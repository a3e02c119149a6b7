"""tools/benchmarks: each runs on a tiny model and writes what it measured."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mmrcf.apis import init_model
from mmrcf.errors import InputError
from mmrcf.media import open_source


@pytest.fixture(scope='module')
def tiny_checkpoint(tiny_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.save({'state_dict': init_model(tiny_config).state_dict()}, path)
    return path


def test_latency(load_script, tiny_config: Path, tiny_checkpoint: Path, tmp_path: Path, capsys) -> None:
    latency = load_script('tools/benchmarks/latency.py')
    out = tmp_path / 'latency.json'
    baseline = tmp_path / 'baseline.py'
    baseline.write_text(f"_base_ = '{tiny_config}'\n")
    options = ['--size', '96x64', '--frames', '4', '--warmup', '1', '--stream-fps', '10', '--busy', '1']
    baselines = ['--checkpoint', str(tiny_checkpoint), '--baseline', str(baseline), str(tiny_config)]
    latency.main([str(tiny_config), *options, *baselines, '--json', str(out)])
    figures = json.loads(out.read_text())
    first, second, third = figures['subjects']
    assert (
        first['name'] == 'tiny.py (optimized, fp32)' and second['name'] == 'baseline.py (eager, fp32, random weights)'
    )
    # The same config has the same weights, and so the same objects.
    assert third['name'] == 'tiny.py (eager, fp32)' and third['objects'] == first['objects']
    assert figures['busy_processes'] == 1
    assert {'decode', 'preprocess', 'network', 'track', 'masks'} <= first['stages'].keys()
    assert {'backbone', 'neck', 'mask_decoder', 'head'} <= first['parts'].keys()
    # A frame takes at least what its stages take, and the paper's latency is one frame's wait more.
    assert first['end_to_end']['mean'] >= sum(stage['mean'] for stage in first['stages'].values()) * 0.999
    assert first['latency']['p50'] == pytest.approx(100 + first['end_to_end']['p50'])
    assert figures['faster_than'][second['name']]['count'] == 4
    assert figures['peak_process_mib'] > 100
    assert 'times as fast as baseline.py' in capsys.readouterr().out


def test_offline_latency_is_the_paper_s_formula(load_script) -> None:
    offline_latency = load_script('tools/benchmarks/latency.py').offline_latency
    times = dict(decode=1.0, preprocess=2.0, network=50.0, track=0.0, masks=3.0)
    figures = dict(
        stages={name: dict(p50=time) for name, time in times.items()},
        parts=dict(backbone=dict(p50=14.0)),
        latency=dict(stream=100.0),
    )
    # Of each frame 1 + 2 + 14 + 3 = 20 ms; of the clip of four 50 - 14 = 36 ms, which are 9 ms for a frame.
    assert offline_latency(figures, 4) == dict(frames=4, model=29.0, latency=4 * (100.0 + 29.0))
    # Table I: at 6 frames a second and 89.4 frames a second of the model, a clip of 36 has 6.4 s.
    figures = dict(
        stages={name: dict(p50=0.0) for name in times},
        parts=dict(backbone=dict(p50=1000 / 89.4)),
        latency=dict(stream=1000 / 6),
    )
    assert offline_latency(figures, 36)['latency'] == pytest.approx(6400, abs=5)
    assert offline_latency(figures | dict(parts={}), 36) is None


@pytest.mark.parametrize(
    'arguments', [['--size', '96'], ['--frames', '0'], ['--threads', '0'], ['--stream-fps', '0'], ['--size', '8x8']]
)
def test_latency_refuses_by_name(load_script, tiny_config: Path, arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit):
        load_script('tools/benchmarks/latency.py').main([str(tiny_config), *arguments])
    assert arguments[0] in capsys.readouterr().err


def test_soak(load_script, tiny_config: Path, tmp_path: Path, capsys) -> None:
    out, picture = tmp_path / 'soak.json', tmp_path / 'soak.png'
    arguments = [str(tiny_config), '--size', '96x64', '--frames', '30', '--json', str(out), '--plot', str(picture)]
    load_script('tools/benchmarks/soak.py').main(arguments)
    figures = json.loads(out.read_text())
    assert (figures['frames'], figures['window'], figures['settled_after']) == (30, 7, 15)
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


@pytest.mark.slow
def test_live_drops_frames_rather_than_fall_behind(load_script, tiny_config: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / 'live.json'
    options = ['--source-fps', '50', '--model-fps', '8', '--seconds', '1.5', '--json', str(out)]
    load_script('tools/benchmarks/live.py').main([str(tiny_config), *options])
    figures = json.loads(out.read_text())
    assert figures['answered'] + figures['dropped'] == pytest.approx(75, abs=1)
    assert figures['dropped'] > figures['answered']
    assert 'dropped to keep up' in capsys.readouterr().out


def test_evaluation_takes_longer_than_its_steps(
    load_script, tiny_config: Path, tiny_checkpoint: Path, tmp_path: Path, capsys
) -> None:
    out = tmp_path / 'evaluation.json'
    load_script('tools/benchmarks/evaluation.py').main([str(tiny_config), str(tiny_checkpoint), '--json', str(out)])
    figures = json.loads(out.read_text())
    assert figures['frames'] > 0 and figures['ratio'] > 1 and figures['step_seconds'] > 0
    assert figures['total_seconds'] == pytest.approx(figures['ratio'] * figures['step_seconds'])
    assert 'vis/AP' in figures['metrics']
    assert "s of the model's steps" in capsys.readouterr().out


def test_parity_of_the_optimized_model(
    load_script, tiny_config: Path, tiny_checkpoint: Path, tmp_path: Path, capsys
) -> None:
    out = tmp_path / 'parity.json'
    arguments = [str(tiny_config), str(tiny_checkpoint), '--json', str(out)]
    load_script('tools/benchmarks/parity.py').main([*arguments, '--cfg-options', 'model.score_thr=0.01'])
    parity = json.loads(out.read_text())['parity']
    assert parity['frames'] > 0 and parity['objects'] > 0
    assert parity['unmatched'] == parity['track_ids'] == parity['labels'] == 0
    assert 'mask IoU at least' in capsys.readouterr().out


def test_operators_add_up(load_script, tiny_config: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / 'operators.json'
    options = ['--size', '96x64', '--frames', '2', '--top', '3', '--json', str(out)]
    load_script('tools/benchmarks/operators.py').main([str(tiny_config), *options])
    rows = json.loads(out.read_text())['operators']
    assert len(rows) == 4 and rows[-1]['operator'] == 'others'
    assert sum(row['share'] for row in rows) == pytest.approx(1)
    assert '| operator | ms a frame |' in capsys.readouterr().out


def test_gpu(load_script, tiny_config: Path, tmp_path: Path, capsys) -> None:
    gpu = load_script('tools/benchmarks/gpu.py')
    page = tmp_path / 'page.md'
    page.write_text('<!-- gpu:start -->\n<!-- gpu:end -->\n')
    options = ['--device', 'cpu', '--size', '96x64', '--frames', '3', '--modes', 'eager, fp32', 'eager, AMP']
    outputs = ['--json', str(tmp_path / 'gpu.json'), '--page', str(page)]
    gpu.main([*options, '--configs', str(tiny_config), *outputs])
    figures = json.loads((tmp_path / 'gpu.json').read_text())
    assert figures['left_out'] == [] and figures['frames']['tiny'].keys() == {'eager, fp32', 'eager, AMP'}
    frame = figures['frames']['tiny']['eager, fp32']
    assert frame['precision'] == 'fp32' and 0 < frame['p50'] <= frame['p95'] and 'peak_mib' not in frame
    assert figures['training']['tiny']['p50'] > 0 and figures['training']['tiny']['frames'] >= 2
    # On the same device the modes are the same.
    for agreed in figures['parity'].values():
        assert agreed['frames'] == 3 and agreed['objects'] > 3 and agreed['lowest_iou'] == 1.0
    text = page.read_text()
    assert text.count('| tiny |') == 1 and 'Left out' not in text and f'({frame["p50"]:.1f} ms)' in text
    gpu.main([*options, '--configs', str(tiny_config), '--minutes', '0', *outputs])
    assert 'Left out for lack of time: parity, eager, fp32; ' in page.read_text()


def test_busy_takes_turns_and_ends_what_it_starts(load_script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    busy = load_script('tools/benchmarks/busy.py')
    started, turns = [], []
    milliseconds = dict(programs=[40.0, 100.0, 80.0], library=[39.0, 390.0, 195.0])

    class Process(subprocess.Popen):
        def __init__(self, command: list[str]) -> None:
            super().__init__([command[0], '-c', 'import time; time.sleep(60)'])
            started.append(self)

    class Server(contextlib.nullcontext):
        def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
            super().__init__(self)
            self.name = arguments[-1]
            assert arguments[:3] == ['config.py', '--frames', '24']
            assert environment.get('GOMP_SPINCOUNT') == dict(programs=None, library='300000')[self.name]
            self.born = self.alive()

        def alive(self) -> int:
            return sum(process.poll() is None for process in started)

        def take_turn(self, frames: int) -> list[float]:
            load = {(0, 0): 0, (0, 2): 1, (2, 2): 2}[self.born, self.alive()]
            turns.append((self.name, load, frames))
            return frames * [milliseconds[self.name][load]]

    monkeypatch.setenv('GOMP_SPINCOUNT', '7')  # of this process, not of those that are measured
    monkeypatch.setattr(busy, 'Server', Server)
    monkeypatch.setattr(busy.subprocess, 'Popen', Process)
    out = str(tmp_path / 'busy.json')
    busy.main(['config.py', '--frames', '24', '--busy', '2', '--policy', 'programs', 'library', '--json', out])
    figures = json.loads(Path(out).read_text())
    assert turns == [
        (name, load, frames) for load in range(3) for frames in (20, 20, 4) for name in ('programs', 'library')
    ]
    assert figures['busy_processes'] == 2 and len(started) == 4
    assert all(process.poll() is not None for process in started)
    programs, library = figures['policies']['programs'], figures['policies']['library']
    assert programs == dict(
        ms=dict(quiet=40.0, later=100.0, busy=80.0),
        slower=dict(later=2.5, busy=2.0),
        of_first=dict(quiet=1.0, later=1.0, busy=1.0),
        frames=24,
    )
    assert library['of_first'] == dict(quiet=39 / 40, later=3.9, busy=195 / 80)


@pytest.mark.slow
def test_a_server_of_busy_steps_when_it_is_asked_to(load_script, tiny_config: Path) -> None:
    busy = load_script('tools/benchmarks/busy.py')
    arguments = [str(tiny_config), '--size', '96x64', '--policy', 'programs']
    with busy.Server(arguments, os.environ) as server:
        times = server.take_turn(2)
        assert len(times) == 2 and min(times) > 0
    with pytest.raises(InputError, match='has ended'):
        busy.Server(['--unknown'], os.environ).take_turn(1)  # before it imports anything that takes long


def test_the_stages_of_a_whole_run_add_up(
    load_script, tiny_config: Path, write_clip: Callable[..., Path], tmp_path: Path, capsys, monkeypatch
) -> None:
    whole_run = load_script('tools/benchmarks/whole_run.py')
    clip = write_clip(tmp_path / 'clip.mp4', frames=8, height=52, width=90)
    out = tmp_path / 'run.json'
    whole_run.main([str(tiny_config), '--input', str(clip), '--json', str(out)])
    figures = json.loads(out.read_text())
    stages = {name: values['mean'] for name, values in figures['stages'].items()}
    assert list(stages) == list(whole_run.STAGES) and min(stages.values()) >= 0
    assert figures['whole']['count'] == 8 - whole_run.WARMUP
    beside = stages['read'] + stages['draw'] + stages['write']
    assert 0 < beside + figures['step']['mean'] <= figures['whole']['mean']

    class Inferencer:
        """Seven frames that take no time, and an encoder that takes 140 ms to finish."""

        def __init__(self, *_arguments: object, **_options: object) -> None:
            self.segmenter = SimpleNamespace(setup='none')

        def stream(self, *_arguments: object, **_options: object) -> Iterator[SimpleNamespace]:
            yield from [SimpleNamespace(timings=dict.fromkeys((*whole_run.STAGES, 'total'), 1e-3))] * 7
            time.sleep(0.14)

    monkeypatch.setattr(whole_run, 'RCFInferencer', Inferencer)
    whole_run.main([str(tiny_config), '--input', str(clip), '--json', str(out)])
    assert 20 <= json.loads(out.read_text())['whole']['mean'] < 60
    monkeypatch.undo()
    short = write_clip(tmp_path / 'short.mp4', frames=5, height=52, width=90)
    with pytest.raises(SystemExit):
        whole_run.main([str(tiny_config), '--input', str(short)])
    assert 'has 5 frames, expected more than 5' in capsys.readouterr().err


def test_the_parts_of_a_training_step_add_up(load_script, tiny_config: Path, tmp_path: Path) -> None:
    training = load_script('tools/benchmarks/training.py')
    out = tmp_path / 'training.json'
    training.main([str(tiny_config), '--size', '80x48', '--steps', '1', '--json', str(out)])
    (figures,) = json.loads(out.read_text())['configs'].values()
    milliseconds = figures['ms']
    assert list(milliseconds) == ['total', 'data', 'network', 'matching', 'losses', 'gradients', 'update']
    assert min(milliseconds.values()) > 0
    assert sum(milliseconds.values()) == pytest.approx(2 * milliseconds['total'])
    assert (figures['clips'], figures['frames'], figures['steps']) == (2, 2, 1)
