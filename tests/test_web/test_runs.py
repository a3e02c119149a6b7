import json
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from mmrcf.apis import RCFInferencer
from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.shipped_models import SHIPPED_MODELS
from mmrcf.web.limits import Limits
from mmrcf.web.runs import LiveStream, ModelShelf, Run, RunOptions, Turns
from tests.fixtures.videos import clip_frame

OPTIONS = RunOptions(score_thr=0.01)


@pytest.fixture(scope='module')
def shelf(tiny_config: Path, audio_visual_config: Path, make_without_threshold: Callable) -> ModelShelf:
    """Three models with random weights, for ordinary video."""

    def build(config: Path) -> Callable[[], RCFInferencer]:
        def make() -> RCFInferencer:
            torch.manual_seed(0)
            inferencer = RCFInferencer(config, cfg_options={'model.score_thr': 0.01})
            inferencer.segmenter.model.dataset_meta = dict(classes=tuple('abcdefgh'))
            return inferencer

        return make

    return ModelShelf(
        {'tiny': build(tiny_config), 'audio': build(audio_visual_config), 'plain': make_without_threshold}
    )


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


def write_gif(path: Path, milliseconds: Sequence[int]) -> Path:
    """An animation whose frames are shown for so long."""
    images = [Image.fromarray(clip_frame(index, 64, 96)) for index in range(len(milliseconds))]
    images[0].save(path, save_all=True, append_images=images[1:], duration=list(milliseconds))
    return path


@pytest.mark.parametrize(
    ('name', 'times'), [('clip.mp4', (0, 0.1, 0.2, 1.9, 2.0, 3.5)), ('clip.gif', (0, 3.0, 3.1, 3.2, 3.7))]
)
def test_times_are_those_of_the_frames(
    shelf: ModelShelf, tmp_path: Path, write_clip: Callable[..., Path], name: str, times: Sequence[float]
) -> None:
    """Of a variable frame rate, and of an animation whose first frame says nothing about the rate."""
    clip = tmp_path / name
    if clip.suffix == '.gif':
        write_gif(clip, [round(1000 * (end - begin)) for begin, end in pairwise((*times, times[-1] + 0.1))])
    else:
        write_clip(clip, frames=len(times), times=[round(10 * time) for time in times])
    run = Run(shelf, 'tiny', clip, folder_of(tmp_path / 'whole'), OPTIONS, Limits())
    list(run)
    spans = [span for track in run.table.tracks.values() for span in track.spans]
    assert {time for span in spans for time in (span.first, span.last)} <= set(times)
    assert min(span.first for span in spans) == 0 and max(span.last for span in spans) == times[-1]
    assert {span.end for span in spans if span.last < times[-1]} <= set(times)

    limits = Limits(seconds=times[-2] + 0.1)
    run = Run(shelf, 'tiny', clip, folder_of(tmp_path / 'start'), OPTIONS, limits)
    steps = list(run)
    assert [step.frames for step in steps] == list(range(1, len(times)))
    assert all(step.frames <= step.total <= len(times) for step in steps) and steps[-1].total == len(times) - 1
    assert run.notes == [f'Only the first {limits.seconds:g} seconds are processed here.']
    assert json.loads(run.outputs[1].read_text())['videos'][0]['timestamps'] == list(times[:-1])


def test_the_audio_ends_with_the_limit(shelf: ModelShelf, tmp_path: Path, write_beep: Callable[..., Path]) -> None:
    run = Run(shelf, 'tiny', write_beep(tmp_path / 'a.mp4'), folder_of(tmp_path / 'out'), OPTIONS, Limits(seconds=0.5))
    assert len(list(run)) == 5
    with av.open(str(run.outputs[0])) as video:
        audio = video.streams.audio[0]
        assert float(audio.duration * audio.time_base) < 0.6


def test_a_model_without_a_threshold(shelf: ModelShelf, tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mp4', frames=2)
    run = Run(shelf, 'plain', clip, folder_of(tmp_path / 'out'), OPTIONS, Limits())
    assert len(list(run)) == 2 and len(run.outputs) == 2
    assert LiveStream(shelf, 'plain', OPTIONS).step(np.zeros((48, 64, 3), np.uint8)).frames == 1


def test_a_visitor_who_leaves_is_waited_for_by_nobody(
    shelf: ModelShelf, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    """Gradio closes the run in its event loop, while another visitor has the turn."""
    run = Run(shelf, 'tiny', write_clip(tmp_path / 'clip.mp4'), folder_of(tmp_path / 'out'), OPTIONS, Limits())
    steps = iter(run)
    next(steps)
    with shelf.get('tiny')[1]:
        closing = threading.Thread(target=steps.close, daemon=True)
        closing.start()
        closing.join(20)
        assert not closing.is_alive() and not run.ended.is_set()
    assert run.ended.wait(20) and not run.outputs and not list((tmp_path / 'out').iterdir())


def test_what_nobody_will_get_is_not_written(
    shelf: ModelShelf, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    run = Run(shelf, 'tiny', write_clip(tmp_path / 'clip.mp4'), folder_of(tmp_path / 'out'), OPTIONS, Limits())
    for _ in run:
        run.stop(keep=False)
    assert run.ended.is_set() and not run.outputs and not list((tmp_path / 'out').iterdir())


def test_a_model_of_shapes_is_not_for_other_videos(
    tiny_config: Path, shelf: ModelShelf, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    """Its sample clip has another name here, as a visitor may give it."""
    clip = write_clip(tmp_path / 'clip.mp4', frames=2)
    sample = shutil.copy(SHIPPED_MODELS['shapes'].sample_path, tmp_path / 'sample.mp4')
    models = {'shapes': lambda: RCFInferencer(tiny_config), 'real': lambda: shelf.get('tiny')[0]}

    def notes_of(model: str, source: Path, *others: str) -> list[str]:
        folder = folder_of(tmp_path / f'{model}-{source.stem}-{len(others)}')
        offered = ModelShelf({name: models[name] for name in (model, *others)})
        run = Run(offered, model, source, folder, OPTIONS, Limits(seconds=0.1))
        list(run)
        return run.notes[:-1]

    only = 'This model detects synthetic shapes only'
    assert notes_of('shapes', clip, 'real') == [f'{only}; choose the model real.']
    assert notes_of('shapes', clip) == [f'{only}.']
    assert notes_of('shapes', sample) == []
    assert notes_of('real', clip) == []
    assert LiveStream(ModelShelf(models), 'shapes', OPTIONS).notes == [f'{only}; choose the model real.']
    assert LiveStream(ModelShelf(models), 'real', OPTIONS).notes == []
    assert notes_of('real', sample, 'shapes') == [
        'The video shows synthetic shapes, which this model does not detect; choose the model shapes.'
    ]


def test_bad_choices_are_input_errors(shelf: ModelShelf, tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mp4')
    for model, options, message in (
        ('other', OPTIONS, 'model other: not on this server; choose from tiny, audio, plain'),
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


def test_trails_of_a_camera_end_where_its_size_changes(shelf: ModelShelf) -> None:
    image = clip_frame(0, 64, 96)
    turned = np.ascontiguousarray(image.transpose(1, 0, 2))
    options = replace(OPTIONS, trails=True)
    stream = LiveStream(shelf, 'tiny', options)
    assert stream.step(image).objects
    np.testing.assert_array_equal(stream.step(turned).picture, LiveStream(shelf, 'tiny', options).step(turned).picture)
