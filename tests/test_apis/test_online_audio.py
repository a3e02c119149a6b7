"""One stream with audio: chunks of any size, the test loop and a whole file give the same, and nothing looks ahead."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from pycocotools import mask as mask_utils

from mmrcf.apis import OnlineSegmenter, RCFInferencer, init_model
from mmrcf.apis.online import AUDIO_AHEAD
from mmrcf.audio import AudioChunk
from mmrcf.engine import FrameStream
from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.models import RCF
from mmrcf.registry import DATASETS
from mmrcf.structures import FrameResult

FPS = 6
FIELDS = ('ids', 'queries', 'labels', 'scores', 'class_probs')


@pytest.fixture(scope='module')
def model(audio_visual_config: Path) -> RCF:
    """A model with random weights that depends on its audio and shows every slot."""
    torch.manual_seed(0)
    model = init_model(audio_visual_config)
    torch.nn.init.normal_(model.audio_encoder.projection[-1].weight)
    return model


@pytest.fixture(scope='module')
def video(tiny_avis: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """The frames of the first test video, and its samples (S, 2) int16 at 44.1 kHz."""
    frames = [frame.image for frame in open_source(tiny_avis / 'test/JPEGImages/0001', fps=FPS)]
    with av.open(str(tiny_avis / 'test/WAVAudios/0001.wav')) as container:
        samples = [frame.to_ndarray().reshape(-1, 2) for frame in container.decode(audio=0)]
    return frames, np.concatenate(samples)


@pytest.fixture(scope='module')
def expected(model: RCF, audio_visual_config: Path) -> list[dict]:
    """What the test loop hands to the metrics for the frames of the first video."""
    dataset = DATASETS.build(Config.fromfile(audio_visual_config).test_dataloader.dataset)
    stream = FrameStream(model)
    return [stream.process(pseudo_collate([dataset[index]])) for index in range(8)]


def assert_equals_the_test_loop(result: FrameResult, record: dict) -> None:
    assert len(result) > 0
    for name in FIELDS:
        np.testing.assert_array_equal(record[name], getattr(result, name))
    for rle, mask in zip(record['rles'], result.masks, strict=True):
        np.testing.assert_array_equal(mask_utils.decode(rle).astype(bool), mask)


def run(
    segmenter: OnlineSegmenter, frames: list[np.ndarray], samples: np.ndarray, ahead: list[float] | None = None
) -> list[FrameResult]:
    """Each frame with the samples of its time, and those of the next ``ahead`` seconds."""
    results, done = [], 0
    segmenter.reset(sample_rate=44100)
    for index, frame in enumerate(frames):
        end = max(done, int((index / FPS + (ahead[index] if ahead else 0)) * 44100))
        results.append(segmenter.step(frame, samples[done:end], time=index / FPS))
        done = end
    return results


def assert_same_results(ones: list[FrameResult], others: list[FrameResult]) -> None:
    for one, other in zip(ones, others, strict=True):
        for name in (*FIELDS, 'masks', 'boxes'):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_audio_is_used(model: RCF, video: tuple) -> None:
    frames, samples = video
    segmenter = OnlineSegmenter(model)
    without = [segmenter.step(frame) for frame in frames]
    with_audio = run(segmenter, frames, samples)
    assert segmenter.uses_audio and not np.array_equal(without[-1].class_probs, with_audio[-1].class_probs)


@pytest.mark.parametrize('kind', ['as it comes', 'all sizes', 'all at once', 'floats', 'mono floats'])
def test_equals_the_test_loop(model: RCF, expected: list[dict], video: tuple, kind: str) -> None:
    frames, samples = video
    ahead = None
    if kind == 'all sizes':  # 0 to 300 ms ahead; some frames come without new audio
        ahead = np.random.default_rng(0).uniform(0, 0.3, len(frames)).tolist()
    elif kind == 'all at once':
        ahead = [1.5] * len(frames)
    elif 'floats' in kind:
        samples = samples.astype(np.float32) / 32768
    if kind == 'mono floats':
        samples = samples.mean(axis=1)
    for result, record in zip(run(OnlineSegmenter(model), frames, samples, ahead), expected, strict=True):
        assert_equals_the_test_loop(result, record)


def test_chunks_with_times(model: RCF, video: tuple) -> None:
    """Times that tremble change nothing; a chunk that is missing is silence, and what follows is in its place."""
    frames, samples = video
    segmenter = OnlineSegmenter(model)
    ends = [int(index / FPS * 44100) for index in range(len(frames))]

    def run_with_times(late: list[float], missing: int | None) -> list[FrameResult]:
        segmenter.reset()
        results = []
        for index, frame in enumerate(frames):
            start, end = ends[max(index - 1, 0)], ends[index]
            chunk = AudioChunk(samples[start:end], 44100, start / 44100 + late[index])
            results.append(segmenter.step(frame, None if index == missing else chunk, time=index / FPS))
        return results

    trembling = run_with_times([0, 0, 0.008, -0.01, 0.003, 0.0, -0.018, 0.018], missing=None)
    assert_same_results(trembling, run(segmenter, frames, samples))
    gap = run_with_times([0.0] * 8, missing=4)
    silenced = samples.copy()
    silenced[ends[3] : ends[4]] = 0
    for one, other in zip(gap, run(segmenter, frames, silenced), strict=True):
        np.testing.assert_allclose(one.class_probs, other.class_probs, atol=1e-5)


def write_video(path: Path, frames: list[np.ndarray], samples: np.ndarray) -> Path:
    """A file that keeps every pixel, sample and time."""
    with av.open(str(path), 'w') as container:
        pictures = container.add_stream('png', rate=FPS)
        pictures.height, pictures.width, pictures.pix_fmt = *frames[0].shape[:2], 'rgb24'
        audio = container.add_stream('pcm_s16le', rate=44100, layout='stereo')
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format='s16', layout='stereo')
        frame.sample_rate, frame.pts, frame.time_base = 44100, 0, Fraction(1, 44100)
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


@pytest.mark.parametrize('kind', ['own audio', 'audio of a file', 'folder'])
def test_whole_file_equals_the_test_loop(
    model: RCF, expected: list[dict], video: tuple, tiny_avis: Path, tmp_path: Path, kind: str
) -> None:
    wav = tiny_avis / 'test/WAVAudios/0001.wav'
    inferencer = RCFInferencer(model)
    if kind == 'folder':
        results = inferencer.stream(tiny_avis / 'test/JPEGImages/0001', audio=wav, fps=FPS)
    else:
        frames, samples = video
        own = samples if kind == 'own audio' else samples[::-1]
        clip = write_video(tmp_path / 'clip.mov', frames, np.ascontiguousarray(own))
        results = inferencer.stream(clip, audio='auto' if kind == 'own audio' else wav)
    for result, record in zip(results, expected, strict=True):
        assert_equals_the_test_loop(result, record)


def test_nothing_looks_ahead(model: RCF, video: tuple) -> None:
    frames, samples = video
    segmenter, now = OnlineSegmenter(model), 5
    ahead = [0.3] * len(frames)
    expected = run(segmenter, frames, samples, ahead)
    for first, is_used in ((int(now / FPS * 44100), False), (int(now / FPS * 44100) - 1000, True)):
        changed = samples.copy()
        changed[first:] = 30000
        results = run(segmenter, frames, changed, ahead)
        assert_same_results(results[:now], expected[:now])
        assert np.array_equal(results[now].class_probs, expected[now].class_probs) != is_used
        assert not np.array_equal(results[now + 1].class_probs, expected[now + 1].class_probs)


def test_memory_of_a_long_stream(model: RCF, video: tuple) -> None:
    frames, _ = video
    segmenter, kept = OnlineSegmenter(model), []
    segmenter.reset(sample_rate=48000)
    for index in range(60):
        chunk = np.zeros((4000 * (1 + index % 5), 2), np.int16)
        segmenter.step(frames[0], chunk if index % 7 else None)
        kept.append(segmenter._audio_window.num_samples_kept)
    assert max(kept) <= 48000 * (AUDIO_AHEAD + 1) and max(kept[:30]) == max(kept[30:])


def test_time_is_the_end_of_the_audio(model: RCF, video: tuple) -> None:
    frames, samples = video
    segmenter = OnlineSegmenter(model)
    segmenter.reset(sample_rate=44100)
    one = [segmenter.step(frame, samples[7350 * i : 7350 * i + 7350]) for i, frame in enumerate(frames)]
    segmenter.reset(sample_rate=44100)
    chunks = [samples[7350 * i : 7350 * i + 7350] for i in range(len(frames))]
    other = [segmenter.step(f, c, time=(i + 1) / FPS) for i, (f, c) in enumerate(zip(frames, chunks, strict=True))]
    assert_same_results(one, other)


def test_two_streams_do_not_touch(model: RCF, video: tuple) -> None:
    frames, samples = video
    one, other = OnlineSegmenter(model), OnlineSegmenter(model)
    one.reset(sample_rate=44100)
    expected = run(other, frames, samples)
    other.reset(sample_rate=8000)
    for index, frame in enumerate(frames):
        start, end = (int(max(i, 0) / FPS * 44100) for i in (index - 1, index))
        other.step(frame, np.full(1000, 9000, np.int16))
        assert_same_results([one.step(frame, samples[start:end], time=index / FPS)], [expected[index]])


@pytest.mark.parametrize(
    ('audio', 'options', 'message'),
    [
        (np.zeros((4, 4, 4), np.float32), {}, 'samples: expected shape'),
        (np.zeros(4, np.complex64), {}, 'samples: expected signed integers'),
        (AudioChunk(np.zeros(4, np.float32), 7), {}, 'sample rate 7'),
        (AudioChunk(np.zeros(4, np.float32), 16000, float('nan')), {}, 'time nan'),
        (np.zeros(4, np.float32), dict(time=float('inf')), 'time inf'),
    ],
)
def test_bad_audio(model: RCF, video: tuple, audio: object, options: dict, message: str) -> None:
    segmenter = OnlineSegmenter(model)
    with pytest.raises(InputError, match=message):
        segmenter.step(video[0][0], audio, **options)
    assert segmenter.step(video[0][0]).frame_index == 0, 'the stream is as it was'


def test_bad_rate(model: RCF) -> None:
    with pytest.raises(InputError, match='sample rate 0'):
        OnlineSegmenter(model).reset(sample_rate=0)


def test_audio_that_is_no_number(model: RCF, video: tuple) -> None:
    result = OnlineSegmenter(model).step(video[0][0], np.full(16000, np.nan, np.float32))
    assert np.isfinite(result.class_probs).all()


def test_pipeline_without_audio(audio_visual_config: Path) -> None:
    config = Config.fromfile(audio_visual_config)
    steps = config.test_dataloader.dataset.pipeline
    config.test_dataloader.dataset.pipeline = [step for step in steps if step.type != 'AudioPatches']
    with pytest.raises(InputError, match='the test pipeline has no AudioPatches'):
        OnlineSegmenter(config)


def test_visual_only_model_with_a_pipeline_for_audio(audio_visual_config: Path, video: tuple) -> None:
    config = Config.fromfile(audio_visual_config)
    config.model.audio_encoder = None
    segmenter = OnlineSegmenter(config)
    assert not segmenter.uses_audio and segmenter.step(video[0][0], time=1.0).frame_index == 0


def test_a_clock_that_starts_anew_is_refused(model: RCF) -> None:
    segmenter, frame = OnlineSegmenter(model), np.zeros((64, 96, 3), np.uint8)
    segmenter.step(frame, AudioChunk(np.zeros(16000, np.float32), 16000, 100.0))
    with pytest.raises(InputError, match=r'jumps back from 101\.000 s to 0\.000 s; call reset\(\)'):
        segmenter.step(frame, AudioChunk(np.zeros(16000, np.float32), 16000, 0.0))
    segmenter.reset()
    segmenter.step(frame, AudioChunk(np.zeros(16000, np.float32), 16000, 0.0))
