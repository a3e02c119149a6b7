import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from mmrcf.apis import RCFInferencer
from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.web.limits import Limits
from mmrcf.web.runs import LiveStream, ModelShelf, Run, RunOptions, Turns

OPTIONS = RunOptions(score_thr=0.01)


@pytest.fixture(scope='module')
def shelf(tiny_config: Path, audio_visual_config: Path) -> ModelShelf:
    """Two models with random weights."""

    def build(config: Path) -> Callable[[], RCFInferencer]:
        def make() -> RCFInferencer:
            torch.manual_seed(0)
            return RCFInferencer(config, cfg_options={'model.score_thr': 0.01})

        return make

    return ModelShelf({'tiny': build(tiny_config), 'audio': build(audio_visual_config)})


def folder_of(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_run_gives_pictures_on_the_way_and_files_at_the_end(
    shelf: ModelShelf, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    run = Run(
        shelf, 'tiny', write_clip(tmp_path / 'clip.mp4', audio='aac'), folder_of(tmp_path / 'out'), OPTIONS, Limits()
    )
    steps = iter(run)
    first = next(steps)
    assert (first.frames, first.total) == (1, 8) and first.picture.shape == (64, 96, 3) and not run.outputs
    assert [step.frames for step in steps] == list(range(2, 9))
    assert [path.name for path in run.outputs] == ['tracks.mp4', 'tracks.json'] and not run.notes and run.ended.is_set()
    with av.open(str(run.outputs[0])) as video:
        assert len(video.streams.audio) == 1
    content = json.loads(run.outputs[1].read_text())
    assert {item['track_id'] for item in content['annotations']} == set(run.table.tracks)


def test_limits_of_length_and_size(shelf: ModelShelf, tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip, limits = write_clip(tmp_path / 'clip.mp4'), Limits(seconds=0.3, side=48)
    run = Run(shelf, 'tiny', clip, folder_of(tmp_path / 'out'), OPTIONS, limits)
    steps = list(run)
    assert len(steps) == 3 == steps[0].total and steps[0].picture.shape == (32, 48, 3)
    assert run.notes == ['Only the first 0.3 seconds are processed here.'] and len(run.outputs) == 2
    with pytest.raises(InputError, match='more than 1000 pixels'):
        list(Run(shelf, 'tiny', clip, tmp_path / 'out', OPTIONS, Limits(pixels=1000)))


def test_stopping_keeps_what_is_done(shelf: ModelShelf, tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    run = Run(shelf, 'tiny', write_clip(tmp_path / 'clip.mp4'), folder_of(tmp_path / 'out'), OPTIONS, Limits())
    for step in run:
        if step.frames == 2:
            run.stop()
    assert json.loads(run.outputs[1].read_text())['videos'][0]['length'] == 2


def test_bad_choices_are_input_errors(shelf: ModelShelf, tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mp4')
    for model, options, message in (
        ('other', OPTIONS, 'model other: not on this server; choose from tiny, audio'),
        ('tiny', RunOptions(score_thr=7), 'score_thr 7'),
        ('tiny', RunOptions(score_thr=0.1, attention=True), 'visual-only'),
    ):
        run = Run(shelf, model, clip, tmp_path, options, Limits())
        with pytest.raises(InputError, match=message):
            list(run)
        assert not run.outputs and run.ended.is_set()


def test_two_visitors_do_not_mix(
    shelf: ModelShelf, tmp_path: Path, write_beep: Callable[..., Path], write_clip: Callable[..., Path]
) -> None:
    """In threads, one of them with hooks on the model that they share, and with thresholds of their own."""
    clips = [write_beep(tmp_path / 'a.mp4'), write_clip(tmp_path / 'b.mp4', frames=12, audio='aac')]
    options = [RunOptions(score_thr=0.01, attention=True, trails=True), RunOptions(score_thr=0.05, boxes=True)]

    def run_of(visitor: int, name: str) -> Run:
        return Run(shelf, 'audio', clips[visitor], folder_of(tmp_path / f'{name}{visitor}'), options[visitor], Limits())

    alone = [run_of(visitor, 'alone') for visitor in (0, 1)]
    for run in alone:
        list(run)
    together = [run_of(visitor, 'together') for visitor in (0, 1)]
    threads = [threading.Thread(target=lambda run=run: list(run)) for run in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        first, second = (json.loads(run.outputs[1].read_text()) for run in (one, other))
        assert first['annotations'] == second['annotations']
        with open_source(one.outputs[0]) as video, open_source(other.outputs[0]) as same:
            for frame, again in zip(video, same, strict=True):
                np.testing.assert_array_equal(frame.image, again.image)


def test_turns_are_given_in_the_order_of_asking() -> None:
    turns, order, threads = Turns(), [], []
    with turns:
        for number in range(4):
            threads.append(threading.Thread(target=lambda number=number: _append_in_turn(turns, order, number)))
            threads[-1].start()
            while len(turns._waiting) < number + 2:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3]


def _append_in_turn(turns: Turns, order: list, number: int) -> None:
    with turns:
        order.append(number)


def test_a_camera_is_one_stream_until_its_size_changes(shelf: ModelShelf) -> None:
    stream = LiveStream(shelf, 'tiny', OPTIONS)
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    counts = [stream.step(frame).frames for frame in (image, image, image[:40], image[:40])]
    assert counts == [1, 2, 1, 2]
