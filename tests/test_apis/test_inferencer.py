import contextlib
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

from mmrcf.apis import RCFInferencer
from mmrcf.apis import inferencer as window_module
from mmrcf.apis.track_export import TrackExporter
from mmrcf.datasets.annotations import read_labelled_videos
from mmrcf.datasets.annotations.validation import validate_annotations
from mmrcf.datasets.frame_times import frame_times
from mmrcf.errors import InputError, InputFileError
from mmrcf.media import VideoWriter, open_source
from mmrcf.visualization import TrackStyle, draw_tracks


@pytest.fixture(scope='module')
def inferencer(tiny_config: Path) -> RCFInferencer:
    """A model with random weights that shows every slot."""
    torch.manual_seed(0)
    options = {'model.score_thr': 0.01, 'test_dataloader.dataset.pipeline.1.scale': (96, 64)}
    return RCFInferencer(tiny_config, cfg_options=options)


def video_properties(path: Path) -> tuple[int, int, int, int]:
    """Height, width, frames and audio streams."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = sum(1 for _ in container.decode(stream))
        return stream.height, stream.width, frames, len(container.streams.audio)


@pytest.mark.parametrize(
    ('options', 'size', 'audio'),
    [
        (dict(), (64, 96), 0),
        (dict(audio='aac'), (64, 96), 1),
        (dict(height=96, width=64), (96, 64), 0),
        (dict(height=97, width=161, pix_fmt='yuv444p'), (98, 162), 0),
        (dict(rotation=90), (96, 64), 0),
        (dict(pix_fmt='gray'), (64, 96), 0),
        (dict(times=[0, 40, 50, 400, 410, 900, 910, 920], time_base=Fraction(1, 1000)), (64, 96), 0),
    ],
    ids=['plain', 'audio', 'portrait', 'odd', 'rotated', 'grey', 'variable'],
)
def test_videos(
    inferencer: RCFInferencer,
    tmp_path: Path,
    write_clip: Callable[..., Path],
    options: dict,
    size: tuple[int, int],
    audio: int,
) -> None:
    clip, out, tracks = write_clip(tmp_path / 'clip.mp4', **options), tmp_path / 'o/out.mp4', tmp_path / 'o/out.json'
    summary = inferencer(clip, out=out, json=tracks)
    assert (summary.frames, summary.skipped, summary.interrupted) == (8, 0, False) and summary.objects > 0
    assert str(summary).startswith('8 frames, ') and 't_stream + t_model' in str(summary)
    assert video_properties(out) == (*size, 8, audio)
    content = json.loads(tracks.read_text())
    assert content['videos'][0]['length'] == 8
    times = [frame.time for frame in open_source(clip)]
    np.testing.assert_allclose(content['videos'][0]['timestamps'], times, atol=1e-6)
    assert sorted(path.name for path in out.parent.iterdir()) == ['out.json', 'out.mp4'], 'no temporary file is left'


def test_json_holds_what_the_stream_yields(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    clip, path = write_clip(tmp_path / 'clip.mp4'), tmp_path / 'tracks.json'
    results = list(inferencer.stream(clip, json=path))
    content = json.loads(path.read_text())
    tracks = {annotation['track_id']: annotation for annotation in content['annotations']}
    active = {
        (t, i) for t, result in enumerate(results) for i, box in zip(result.ids, result.boxes, strict=True) if box.any()
    }
    assert active == {(t, i) for i, track in tracks.items() for t, rle in enumerate(track['segmentations']) if rle}
    for t, result in enumerate(results):
        for track_id, mask in zip(result.ids.tolist(), result.masks, strict=True):
            if mask.any():
                np.testing.assert_array_equal(mask_utils.decode(tracks[track_id]['segmentations'][t]) > 0, mask)
    for track_id, track in tracks.items():
        probs = [r.class_probs[r.ids == track_id][0] for r in results if track_id in r.ids]
        assert track['score'] == pytest.approx(np.mean(probs, axis=0).max(), abs=1e-5)
        assert track['category_id'] == np.mean(probs, axis=0).argmax() + 1


def test_json_is_a_data_set(inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    inferencer(write_clip(tmp_path / 'clip.mp4'), json=tmp_path / 'tracks.json')
    classes, videos = read_labelled_videos(str(tmp_path / 'tracks.json'), None, ())
    assert tuple(classes) == inferencer.segmenter.classes
    assert len(videos) == 1 and len(videos[0].file_names) == 8 and any(videos[0].objects)


def test_json_of_a_run_is_valid_where_frames_are_missing(inferencer: RCFInferencer, tmp_path: Path) -> None:
    folder = tmp_path / 'images'
    folder.mkdir()
    for index in range(5):
        cv2.imwrite(str(folder / f'{index}.png'), np.full((64, 96, 3), 40 * index, np.uint8))
    for index in (0, 3):
        (folder / f'{index}.png').write_bytes(b'damaged')
    inferencer(folder, json=tmp_path / 'tracks.json')
    problems = [str(problem) for problem in validate_annotations(tmp_path / 'tracks.json')]
    assert not problems
    (video,) = json.loads((tmp_path / 'tracks.json').read_text())['videos']
    assert frame_times(video, 5) == pytest.approx([index / 6 for index in range(5)])


def test_streams_that_are_taken_in_turn_do_not_mix(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    clips = [write_clip(tmp_path / 'clip.mp4'), write_clip(tmp_path / 'other.mp4', height=80)]
    alone = [list(inferencer.stream(clip)) for clip in clips]
    for expected, found in zip(zip(*alone, strict=True), zip(*map(inferencer.stream, clips), strict=True), strict=True):
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one.ids, other.ids)
            np.testing.assert_array_equal(one.masks, other.masks)


def test_an_output_that_fails_costs_no_other(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(writer: object, *_content: object) -> None:
        raise InputFileError('output: cannot be written (disk quota exceeded)')

    clip = write_clip(tmp_path / 'clip.mp4')
    outputs = dict(out=tmp_path / 'out.mp4', json=tmp_path / 'out.json')
    for kind, lost, kept in ((VideoWriter, 'out.mp4', 'out.json'), (TrackExporter, 'out.json', 'out.mp4')):
        for method in ('add', '_finish'):
            with monkeypatch.context() as patch, pytest.raises(InputFileError, match=f'quota.*{kept} is complete'):
                patch.setattr(kind, method, fail)
                inferencer(clip, **outputs)
            assert not (tmp_path / lost).exists()
            assert len(list(tmp_path.iterdir())) == 2, 'no temporary file is left'
            (tmp_path / kept).unlink()
    with monkeypatch.context() as patch, pytest.raises(InputFileError, match=r'exceeded\)$'):
        patch.setattr(VideoWriter, 'add', fail)
        patch.setattr(TrackExporter, 'add', fail)
        inferencer(clip, **outputs)


def test_no_output_is_an_image_or_a_weight_that_was_read(inferencer: RCFInferencer, tmp_path: Path) -> None:
    (tmp_path / 'photos').mkdir()
    photo = tmp_path / 'photos/a.png'
    cv2.imwrite(str(photo), np.full((64, 96, 3), 90, np.uint8))
    before = photo.read_bytes()
    for source in (photo, photo.parent, f'{tmp_path}/photos/*.png'):
        with pytest.raises(InputError, match='is an input of this command'):
            inferencer(source, out=photo)
        with pytest.raises(InputError, match='is an input of this command'):
            list(inferencer.stream(source, out=photo))
    config = tmp_path / 'config.json'
    config.write_text('{}')
    with pytest.MonkeyPatch.context() as patch, pytest.raises(InputError, match='is an input of this command'):
        patch.setattr(inferencer, '_files', (str(config), None))
        inferencer(photo, json=config)
    assert photo.read_bytes() == before and config.read_text() == '{}'


def test_no_output_is_a_source_that_was_opened_before(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    clip = write_clip(tmp_path / 'clip.mp4')
    before = clip.read_bytes()
    with open_source(clip) as source, pytest.raises(InputError, match='is an input of this command'):
        next(inferencer.stream(source, out=clip))
    assert clip.read_bytes() == before


def test_stream_is_lazy_and_ends_cleanly(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    clip = write_clip(tmp_path / 'clip.mp4', frames=20)
    results = inferencer.stream(clip, out=tmp_path / 'out.mp4', json=tmp_path / 'out.json')
    assert list(tmp_path.iterdir()) == [clip]
    for index in range(3):
        assert next(results).frame_index == index
    results.close()
    assert video_properties(tmp_path / 'out.mp4')[2] == 3
    assert json.loads((tmp_path / 'out.json').read_text())['videos'][0]['length'] == 3


def test_each_source_is_a_new_stream(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    clip = write_clip(tmp_path / 'clip.mp4')
    other = write_clip(tmp_path / 'other.mp4', height=80)
    first = list(inferencer.stream(clip))
    list(inferencer.stream(other))
    for one, again in zip(first, inferencer.stream(clip), strict=True):
        np.testing.assert_array_equal(one.ids, again.ids)
        np.testing.assert_array_equal(one.masks, again.masks)


def test_folder_glob_and_image(inferencer: RCFInferencer, tmp_path: Path) -> None:
    (tmp_path / 'images').mkdir()
    for index in range(4):
        image = np.random.default_rng(index).integers(0, 255, (40, 60, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / 'images' / f'{index}.jpg'), image)
    (tmp_path / 'images/2.jpg').write_bytes(b'')
    summary = inferencer(tmp_path / 'images', out=tmp_path / 'a.mp4', json=tmp_path / 'a.json', fps=12)
    assert (summary.frames, summary.skipped) == (3, 1) and '1 unreadable' in str(summary)
    content = json.loads((tmp_path / 'a.json').read_text())
    assert content['videos'][0]['file_names'] == ['0.jpg', '1.jpg', '2.jpg', '3.jpg']
    assert all(track['segmentations'][2] is None for track in content['annotations'])
    with av.open(str(tmp_path / 'a.mp4')) as container:
        assert [round(12 * frame.time) for frame in container.decode(video=0)] == [0, 1, 3]
    assert inferencer(f'{tmp_path}/images/[01].jpg', out=tmp_path / 'b.mp4').frames == 2
    assert inferencer(tmp_path / 'images/1.jpg', out=tmp_path / 'c.png').frames == 1
    assert cv2.imread(str(tmp_path / 'c.png')).shape == (40, 60, 3)


def test_frame_index_is_the_place_in_the_source(inferencer: RCFInferencer, tmp_path: Path) -> None:
    for index in range(5):
        image = np.random.default_rng(index).integers(0, 255, (40, 60, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f'{index}.jpg'), image)
    (tmp_path / '1.jpg').write_bytes(b'')
    assert [result.frame_index for result in inferencer.stream(tmp_path)] == [0, 2, 3, 4]


def test_damaged_frame_does_not_end_track_ids(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    clip = write_clip(tmp_path / 'clip.avi', codec='mjpeg', pix_fmt='yuvj420p')
    with av.open(str(clip)) as container:
        place = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size][4]
    content = bytearray(clip.read_bytes())
    content[place[0] : sum(place)] = bytes(place[1])
    clip.write_bytes(content)
    summary = inferencer(clip, out=tmp_path / 'out.mp4', json=tmp_path / 'out.json')
    assert (summary.frames, summary.skipped) == (7, 1)
    tracks = json.loads((tmp_path / 'out.json').read_text())['annotations']
    assert any(track['segmentations'][3] and track['segmentations'][5] for track in tracks)


def test_interrupt_keeps_what_is_done(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, step, calls = write_clip(tmp_path / 'clip.mp4', frames=20, audio='aac'), inferencer.segmenter.step, []

    def interrupted_step(frame: np.ndarray, *audio, **time):
        calls.append(frame)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return step(frame, *audio, **time)

    monkeypatch.setattr(inferencer.segmenter, 'step', interrupted_step)
    summary = inferencer(clip, out=tmp_path / 'out.mp4', json=tmp_path / 'out.json')
    assert summary.interrupted and summary.frames == 5 and 'interrupted after 5 frames' in str(summary)
    assert video_properties(tmp_path / 'out.mp4')[2] == 5
    assert json.loads((tmp_path / 'out.json').read_text())['videos'][0]['length'] == 5


def test_failure_leaves_nothing(inferencer: RCFInferencer, tmp_path: Path) -> None:
    frames = [np.zeros((40, 40, 3), np.uint8)] * 2 + [np.zeros((40, 40, 3), np.float32)]
    with pytest.raises(InputError, match='frame 2: expected'):
        inferencer(frames, out=tmp_path / 'out.mp4', json=tmp_path / 'out.json')
    assert not list(tmp_path.iterdir())


def test_outputs_that_cannot_be(inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mp4')
    before = clip.read_bytes()
    with pytest.raises(InputError, match='is an input of this command'):
        inferencer(clip, out=tmp_path / '.' / 'clip.mp4')
    with pytest.raises(InputError, match=r'ends in \.json'):
        inferencer(clip, json=tmp_path / 'tracks.mp4')
    for options in (dict(out=clip / 'out.mp4'), dict(json=clip / 'out.json')):
        with pytest.raises(InputFileError, match='cannot write there'):
            inferencer(clip, **options)
    assert clip.read_bytes() == before and list(tmp_path.iterdir()) == [clip]


def test_show_without_a_display(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    monkeypatch.setattr(window_module.sys, 'platform', 'linux')
    with pytest.raises(InputError, match='there is no display'):
        inferencer(write_clip(tmp_path / 'clip.mp4'), show=True)


def test_key_stops_the_window(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    active = []
    monkeypatch.setenv('DISPLAY', ':0')
    monkeypatch.setattr(window_module.cv2, 'namedWindow', lambda *_: None)
    monkeypatch.setattr(window_module.cv2, 'destroyWindow', lambda *_: None)
    monkeypatch.setattr(window_module.cv2, 'imshow', lambda _, image: active.append(image))
    monkeypatch.setattr(window_module.cv2, 'waitKey', lambda _: ord('q') if len(active) == 3 else -1)
    summary = inferencer(write_clip(tmp_path / 'clip.mp4'), show=True, out=tmp_path / 'out.mp4')
    assert summary.frames == len(active) == 3 and video_properties(tmp_path / 'out.mp4')[2] == 3


def test_pictures_go_to_a_function_that_may_stop_the_run(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    clip, pictures = write_clip(tmp_path / 'clip.mp4'), []

    def take(picture: np.ndarray) -> bool:
        pictures.append(picture)
        return len(pictures) == 3

    style = TrackStyle(opacity=0, labels=False, boxes=True)
    results = list(inferencer.stream(clip, show=take, out=tmp_path / 'out.mp4', style=style))
    assert len(results) == len(pictures) == 3 and video_properties(tmp_path / 'out.mp4')[2] == 3
    with open_source(clip) as source:
        first = next(iter(source)).image
    np.testing.assert_array_equal(pictures[0], draw_tracks(first, results[0], style))


def test_the_threshold_of_a_stream_is_its_own(
    inferencer: RCFInferencer, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    clip = write_clip(tmp_path / 'clip.mp4')
    everything = list(inferencer.stream(clip))
    threshold = float(np.median(np.concatenate([result.scores for result in everything])))
    streams = zip(inferencer.stream(clip, score_thr=threshold), inferencer.stream(clip), strict=True)
    for (strict, lenient), expected in zip(streams, everything, strict=True):
        np.testing.assert_array_equal(lenient.ids, expected.ids)
        assert (strict.scores >= threshold).all()
        assert len(strict) == (expected.scores >= threshold).sum()
    with pytest.raises(InputError, match='score_thr 2: expected a number from 0 to 1'):
        next(inferencer.stream(clip, score_thr=2))


@pytest.mark.parametrize('adapts', [True, False])
def test_the_threads_of_a_program_follow_the_load_at_each_frame(
    tiny_config: Path, adapts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[object] = []

    class Adapter(contextlib.nullcontext):
        def __init__(self, set_threads: Callable[[int], None], most: int) -> None:
            super().__init__(self)
            assert set_threads is torch.set_num_threads
            log.append(most)

        def update(self) -> None:
            log.append('update')

    monkeypatch.setattr(window_module, 'ThreadAdapter', Adapter)
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 5)
    program = RCFInferencer(tiny_config, device='cpu', adapt_threads=adapts)
    assert len(list(program.stream([np.zeros((48, 80, 3), np.uint8)] * 3))) == 3
    assert log == [5 if adapts else 1, 'update', 'update', 'update']
