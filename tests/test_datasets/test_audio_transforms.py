import wave
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmrcf.audio import AudioChunk, AudioWindow
from mmrcf.audio.file import read_audio, read_wav_segment
from mmrcf.datasets.transforms import PackClip
from mmrcf.errors import InputError, InputFileError
from mmrcf.registry import TRANSFORMS

RATE = 16000


def noise(seconds: float, rate: int = RATE, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9000, 9000, (round(seconds * rate), channels)).astype(np.int16)


def run(results: dict, name: str, seed: int = 0, **options) -> dict:
    return TRANSFORMS.build(dict(type=name, **options))(results | dict(rng=np.random.default_rng(seed)))


def clip_of(path, times: list[float]) -> dict:
    return dict(audio_path=[None if path is None else str(path)] * len(times), time=times)


def patches(results: dict) -> tuple[torch.Tensor, torch.Tensor]:
    results = run(results, 'AudioPatches')
    return results['audio'], results['audio_valid']


def window(samples: np.ndarray, rate: int = RATE) -> AudioWindow:
    return AudioWindow.empty().append(AudioChunk(samples, rate))


def test_a_patch_ends_at_its_frame(tmp_path, write_wav):
    path = write_wav(tmp_path / 'a.wav', noise(3), RATE)
    times = [0.0, 0.5, 1.25, 1.25, 2.0, 3.5, 3.98, 10.0]
    audio, valid = patches(run(clip_of(path, times), 'LoadClipAudio'))
    assert audio.shape == (8, 96, 64) and audio.dtype == torch.float32 and valid.dtype == torch.bool
    assert valid.tolist() == [False, True, True, True, True, True, False, False]
    whole = read_audio(path)
    for time, patch in zip(times, audio, strict=True):
        assert torch.equal(patch, whole.patch(time)[0])
    assert torch.equal(audio[2], audio[3]) and not audio[~valid].any()


@pytest.mark.parametrize(('rate', 'channels'), [(16000, 1), (44100, 2), (8000, 1), (48000, 6), (1000, 1)])
def test_a_piece_of_a_wav_file_gives_the_patches_of_the_whole(tmp_path, write_wav, rate, channels):
    path = write_wav(tmp_path / 'a.wav', noise(4, rate, channels), rate)
    whole, times = read_audio(path), [2.0, 2.5]
    results = run(clip_of(path, times), 'LoadClipAudio')
    assert results['audio_window'].num_samples_kept < whole.num_samples_kept
    audio, valid = patches(results)
    assert valid.all() and torch.equal(audio, torch.stack([whole.patch(time)[0] for time in times]))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.floats(-2, 3), length=st.floats(0, 4), seconds=st.floats(0, 2))
def test_any_piece_of_any_wav_file(tmp_path, write_wav, start, length, seconds):
    samples = noise(seconds, 8000)
    path = write_wav(tmp_path / 'a.wav', samples, 8000)
    piece = read_wav_segment(path, start, start + length)
    if len(samples) == 0:  # read_audio is to see what follows such a header
        assert piece is None
        return
    expected = np.arange(len(samples))
    expected = expected[(expected >= start * 8000) & (expected < (start + length) * 8000)]
    assert 0 <= piece.num_samples_kept - len(expected) <= 1
    for found in piece.runs:
        assert np.array_equal(found.samples, samples[found.first : found.end, 0] / np.float32(32768))


def test_a_wav_file_of_another_kind_is_left_to_the_decoder(tmp_path):
    for width in (1, 3):
        path = tmp_path / f'{width}.wav'
        with wave.open(str(path), 'wb') as file:
            file.setnchannels(1)
            file.setsampwidth(width)
            file.setframerate(RATE)
            file.writeframes(np.random.default_rng(0).bytes(2 * RATE * width))
        assert read_wav_segment(path, 0, 1) is None
        audio, valid = patches(run(clip_of(path, [1.0]), 'LoadClipAudio'))
        assert valid.all() and torch.equal(audio[0], read_audio(path).patch(1.0)[0])


def test_a_wav_file_that_was_cut_short_is_read_up_to_there(tmp_path, write_wav):
    path = write_wav(tmp_path / 'a.wav', noise(3, channels=2), RATE)
    path.write_bytes(path.read_bytes()[: 44 + 4 * RATE + 3])
    audio, valid = patches(run(clip_of(path, [1.0, 1.5, 2.5]), 'LoadClipAudio'))
    assert valid.tolist() == [True, True, False]
    assert torch.equal(audio[0], read_audio(path).patch(1.0)[0])


@pytest.mark.parametrize(('suffix', 'codec'), [('.flac', 'flac'), ('.mp4', 'aac')])
def test_other_containers(tmp_path, suffix, codec):
    path = tmp_path / f'a{suffix}'
    tone = (9000 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)).astype(np.int16)
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=RATE, layout='mono')
        frame = av.AudioFrame.from_ndarray(tone[None], format='s16', layout='mono')
        frame.rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout='mono', rate=RATE)
        for piece in resampler.resample(frame):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    audio, valid = patches(run(clip_of(path, [0.0, 1.0, 2.0]), 'LoadClipAudio'))
    assert valid.tolist() == [False, True, True]
    expected = window(tone).patch(2.0)[0]
    assert (audio[2] - expected).abs().mean() < (0.01 if codec == 'flac' else 0.5)


def test_no_audio_and_recorded_silence(tmp_path):
    times = [0.0, 0.3, 7.0]
    audio, valid = patches(run(clip_of(None, times), 'LoadClipAudio'))
    assert not audio.any() and not valid.any()
    silent = clip_of(None, times) | dict(silent=[True] * 3)
    audio, valid = patches(run(silent, 'LoadClipAudio'))
    assert valid.all()
    zeros = window(np.zeros(4 * RATE, np.float32)).patch(2.0)[0]
    assert all(torch.equal(patch, zeros) for patch in audio)


def test_a_file_that_is_replaced_is_read_anew(tmp_path):
    path = tmp_path / 'a.flac'
    for seed, seconds in ((1, 2.0), (2, 2.5)):
        with av.open(str(path), 'w') as container:
            stream = container.add_stream('flac', rate=RATE, layout='mono')
            frame = av.AudioFrame.from_ndarray(noise(seconds, seed=seed).T.copy(), format='s16', layout='mono')
            frame.rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        assert run(clip_of(path, [1.0]), 'LoadClipAudio')['audio_window'].end_time == pytest.approx(seconds)


@pytest.mark.parametrize(
    ('name', 'content'),
    [
        ('a.wav', None),
        ('a.wav', b''),
        ('a.wav', b'no audio at all'),
        ('a.wav', b'RIFF\x10\x00\x00\x00WAVEfmt '),
        ('a.flac', None),
        ('a.flac', b''),
        ('a.mp4', b'no audio at all'),
    ],
)
def test_a_file_that_is_no_audio_is_named(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputFileError, match=name) as caught:
        run(clip_of(path, [1.0]), 'LoadClipAudio')
    assert '\n' not in str(caught.value)


def test_transforms_of_frames_leave_audio_alone_and_the_other_way_round(tmp_path, write_wav):
    path = write_wav(tmp_path / 'a.wav', noise(2), RATE)
    frames = [np.random.default_rng(t).integers(0, 255, (20, 30, 3), dtype=np.uint8) for t in range(2)]
    clip = clip_of(path, [1.0, 1.5]) | dict(img=frames, img_path=['0', '1'])
    audio = patches(run(clip, 'LoadClipAudio'))
    moved = run(clip, 'LoadClipAudio')
    for step in (
        dict(name='RandomClipFlip', prob=1.0),
        dict(name='ClipResize', scale=(15, 10)),
        dict(name='ClipPhotometricDistortion', prob=1.0),
    ):
        moved = run(moved, **step)
    assert all(torch.equal(a, b) for a, b in zip(audio, patches(moved), strict=True))
    changed = run(run(run(clip, 'LoadClipAudio'), 'ClipAudioAugmentation', gain_db=(3, 6)), 'AudioPatches')
    assert all(np.array_equal(a, b) for a, b in zip(changed['img'], frames, strict=True))
    packed = PackClip()(changed)
    assert set(packed['inputs']) == {'img', 'audio', 'audio_valid'}
    assert set(PackClip()(clip)['inputs']) == {'img'}


def test_dropping_takes_the_audio_of_the_whole_clip():
    clip = dict(audio_window=window(noise(2)), time=[0.5, 1.0])
    dropped = [
        run(clip, 'RandomAudioDrop', seed, prob=0.3)['audio_window'] is not clip['audio_window'] for seed in range(200)
    ]
    assert 35 < sum(dropped) < 85
    audio, valid = patches(run(clip, 'RandomAudioDrop', prob=1.0))
    assert not audio.any() and not valid.any()
    assert run(clip, 'RandomAudioDrop', prob=0.0)['audio_window'] is clip['audio_window']


def test_gain_is_one_factor_for_the_clip():
    samples = noise(3).astype(np.float32) / 32768
    clip = dict(audio_window=window(samples), time=[1.0, 2.0, 2.5])
    louder, valid = patches(run(clip, 'ClipAudioAugmentation', gain_db=(6.0, 6.0)))
    expected, _ = patches(clip | dict(audio_window=window(samples * np.float32(10 ** (6 / 20)))))
    assert valid.all() and torch.allclose(louder, expected, atol=1e-5)
    plain, _ = patches(run(clip, 'ClipAudioAugmentation'))
    assert torch.equal(plain, patches(clip)[0])


def test_noise_is_the_same_where_patches_overlap():
    clip = dict(audio_window=window(np.zeros(3 * RATE, np.float32)), time=[1.0, 1.5, 2.0])
    audio, valid = patches(run(clip, 'ClipAudioAugmentation', noise_db=(-40, -40)))
    assert valid.all()
    # Half a second is 50 frames of a patch.
    assert torch.allclose(audio[0, 50:], audio[1, : 96 - 50], atol=1e-5)
    assert not torch.equal(audio[0], patches(clip)[0][0])
    changed = run(clip, 'ClipAudioAugmentation', noise_db=(-40, -40))['audio_window']
    level = np.sqrt(np.mean(np.concatenate([found.samples for found in changed.runs]) ** 2))
    assert level == pytest.approx(0.01, rel=0.05)
    again, _ = patches(run(clip, 'ClipAudioAugmentation', noise_db=(-40, -40)))
    assert torch.equal(audio, again)


def test_a_shift_moves_the_audio_of_all_frames_alike():
    count = 4 * RATE
    whole = window(np.arange(count, dtype=np.float32) / count)  # a sample says which it was
    clip = dict(audio_window=whole, time=[1.5, 2.0])
    shifts = set()
    for seed in range(8):
        results = run(clip, 'ClipAudioAugmentation', seed, max_shift=0.5)
        (moved,) = results['audio_window'].runs
        shift = moved.first - round(float(moved.samples[0]) * count)
        audio, _ = patches(results)
        expected = torch.stack([whole.patch(time - shift / RATE)[0] for time in clip['time']])
        assert torch.equal(audio, expected) and abs(shift) <= RATE / 2
        shifts.add(shift)
    assert len(shifts) == 8 and min(shifts) < 0 < max(shifts)


def test_what_is_unknown_stays_unknown():
    gap = window(noise(1)).append(AudioChunk(noise(1), RATE, 3.0))
    clip = dict(audio_window=gap, time=[0.5, 2.5, 3.5])
    options = dict(gain_db=(-6, 6), noise_db=(-30, -20))
    _, valid = patches(run(clip, 'ClipAudioAugmentation', **options))
    assert valid.tolist() == [True, False, True]
    _, valid = patches(run(dict(audio_window=AudioWindow.empty(), time=[1.0]), 'ClipAudioAugmentation', **options))
    assert valid.tolist() == [False]


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('RandomAudioDrop', dict(prob=1.5)),
        ('RandomAudioDrop', dict(prob=float('nan'))),
        ('ClipAudioAugmentation', dict(gain_db=(6, -6))),
        ('ClipAudioAugmentation', dict(noise_db=(0,))),
        ('ClipAudioAugmentation', dict(gain_db=(float('nan'), 0))),
        ('ClipAudioAugmentation', dict(max_shift=-1)),
        ('ClipAudioAugmentation', dict(max_shift=2.0)),
    ],
)
def test_settings_out_of_range(name, options):
    with pytest.raises(InputError, match=f'{name}: {next(iter(options))}='):
        TRANSFORMS.build(dict(type=name, **options))


def test_a_wrong_order_of_transforms_is_named():
    for name in ('AudioPatches', 'RandomAudioDrop', 'ClipAudioAugmentation'):
        with pytest.raises(InputError, match=f'{name}: there is no audio in the pipeline; put LoadClipAudio before'):
            run(dict(time=[0.0]), name)
    with pytest.raises(InputError, match='LoadClipAudio: the data set gives no audio .* use AVISDataset'):
        run(dict(img_path=['a']), 'LoadClipAudio')
