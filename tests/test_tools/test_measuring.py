"""What the benchmark tools share."""

import itertools
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from mmrcf.errors import InputError
from mmrcf.utils import describe_machine


@pytest.fixture(scope='module')
def measuring(load_script) -> ModuleType:
    return load_script('tools/benchmarks/measuring.py')


def test_statistics_by_hand(measuring: ModuleType) -> None:
    figures = measuring.statistics_of([1.0, 2.0, 3.0, 10.0])
    assert (figures.mean, figures.p50, figures.count) == (4.0, 2.5, 4)
    assert figures.p95 == pytest.approx(3.0 + 0.85 * 7.0)
    with pytest.raises(ValueError, match='nothing'):
        measuring.statistics_of([])


def test_ratios_are_taken_pair_by_pair(measuring: ModuleType) -> None:
    # The second pair was measured on a machine ten times as slow: its ratio is the same.
    assert measuring.paired_ratio([4.0, 40.0, 9.0], [2.0, 20.0, 3.0]).p50 == 2.0
    with pytest.raises(ValueError, match='pairs'):
        measuring.paired_ratio([1.0], [1.0, 2.0])


class Slow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Identity(), Nap()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.second(self.first(x)))


class Nap(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.01)
        return x


def test_parts_are_timed_and_hooks_taken_away(measuring: ModuleType) -> None:
    model = Slow()
    with measuring.PartTimer(model) as timer:
        model(torch.zeros(1))
        assert 0 <= timer.milliseconds['first'] < timer.milliseconds['second']
        assert timer.milliseconds['second'] >= 20
        timer.reset()
        assert timer.milliseconds == {}
    model(torch.zeros(1))
    assert timer.milliseconds == {}


def test_made_up_frames_never_end_and_move(measuring: ModuleType) -> None:
    source = measuring.encoded_frames(None, (80, 48))
    frames = list(itertools.islice(source.frames, 40))
    assert all(image.shape == (48, 80, 3) and image.dtype == np.uint8 and spent > 0 for image, spent in frames)
    assert not np.array_equal(frames[0][0], frames[1][0])
    assert source.size == (80, 48)


def test_a_clip_is_repeated(measuring: ModuleType, write_clip, tmp_path: Path) -> None:
    source = measuring.encoded_frames(str(write_clip(tmp_path / 'clip.mp4')), (1, 1))
    frames = [image for image, _ in itertools.islice(source.frames, 20)]
    assert np.array_equal(frames[0], frames[8]) and not np.array_equal(frames[0], frames[1])
    assert source.size == (96, 64)


def test_a_missing_clip_is_named(measuring: ModuleType) -> None:
    with pytest.raises(InputError, match='nowhere.mp4'):
        measuring.encoded_frames('nowhere.mp4', (80, 48))


def test_the_machine_is_described(measuring: ModuleType) -> None:
    machine = describe_machine(torch.device('cpu'))
    assert machine['packages']['torch'] == torch.__version__.split('+')[0]
    assert machine['threads'] == torch.get_num_threads()
    assert measuring.matrix_product_rate(torch.device('cpu'), size=64) > 0


def test_a_paced_source_keeps_to_the_clock(load_script, write_clip, tmp_path: Path) -> None:
    camera = load_script('tools/benchmarks/live.py').PacedSource(
        str(write_clip(tmp_path / 'clip.mp4')), fps=50, seconds=0.6
    )
    frames = [(frame, time.perf_counter() - camera.started) for frame in camera]
    assert len(frames) == 30
    assert all(due >= frame.time for frame, due in frames)
    assert np.array_equal(frames[8][0].image, frames[0][0].image)
