"""AVISDataset: whose audio a frame gets, and of which time."""

import copy
import logging
import shutil

import av
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmrcf.audio.file import read_audio
from mmrcf.datasets import AVISDataset, ClipRequest, YouTubeVISDataset, avis
from mmrcf.errors import InputError, InputFileError
from mmrcf.structures import IGNORED_LABEL

RATE = 16000
AUDIO = [dict(type='LoadClipAudio'), dict(type='AudioPatches'), dict(type='PackClip')]
TEST = [dict(type='LoadClipFrames'), dict(type='ClipResize', scale=(30, 20)), *AUDIO]
TRAIN = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='RandomClipWindow', size=(48, 32)),
    *AUDIO,
]


@pytest.fixture
def write_avis(write_ytvis, write_wav):
    """``write_avis(content)``: as ``write_ytvis``, with two seconds of noise for each of the two videos."""

    def write(content=None):
        path = write_ytvis(content)
        for seed, name in enumerate('ab'):
            (path.parent / 'audio').mkdir(exist_ok=True)
            samples = np.random.default_rng(seed).integers(-9000, 9000, 2 * RATE).astype(np.int16)
            write_wav(path.parent / 'audio' / f'{name}.wav', samples, RATE)
        return path

    return write


def make(path, **settings):
    settings = dict(pipeline=TEST, test_mode=True, fps=4.0) | settings
    prefix = dict(img='images', audio='audio')
    return AVISDataset('instances.json', data_root=path.parent, **(dict(data_prefix=prefix) | settings))


def records(dataset):
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def audio_of(dataset):
    """The stem of the audio file of each frame, or None."""
    paths = [record['audio_path'][0] for record in records(dataset)]
    return [None if path is None else path.rsplit('/', 1)[-1].split('.')[0] for path in paths]


def times_of(dataset):
    return [record['time'][0] for record in records(dataset)]


def test_a_test_item_has_the_audio_that_ends_at_its_frame(write_avis):
    path = write_avis()
    dataset = make(path)
    whole = {name: read_audio(path.parent / 'audio' / f'{name}.wav') for name in 'ab'}
    for index, (name, frame) in enumerate([('a', t) for t in range(6)] + [('b', t) for t in range(3)]):
        inputs = dataset[index]['inputs']
        expected, valid = whole[name].patch(frame / 4)
        assert inputs['audio'].shape == (1, 96, 64) and inputs['audio'].dtype == torch.float32
        assert torch.equal(inputs['audio'][0], expected)
        assert inputs['audio_valid'].tolist() == [valid] == [frame > 0]


def test_a_training_item_has_for_each_frame_the_audio_of_a_test_item(write_avis):
    path = write_avis()
    frames = make(path)
    clips = make(path, pipeline=TRAIN, test_mode=False, num_references=3, num_targets=2, max_gap=2)
    starts = {7: 0, 3: 6}
    for seed in range(6):
        sample = clips[ClipRequest(seed % 2, (seed,))]
        assert sample['inputs']['audio'].shape == (5, 96, 64)
        for place, frame in enumerate(sample['data_samples'].video_data_samples):
            alone = frames[starts[frame.video_id] + frame.frame_id]['inputs']
            assert torch.equal(sample['inputs']['audio'][place], alone['audio'][0])
            assert sample['inputs']['audio_valid'][place] == alone['audio_valid'][0]


def test_frames_are_those_of_the_same_data_set_without_audio(write_avis):
    path = write_avis()
    visual = [step for step in TRAIN if step not in AUDIO[:2]]
    drop = [*TRAIN[:-2], dict(type='RandomAudioDrop', prob=0.5), *TRAIN[-2:]]
    settings = dict(num_references=2, num_targets=2, max_gap=2)
    videos = YouTubeVISDataset(
        'instances.json', data_root=path.parent, data_prefix=dict(img='images'), pipeline=visual, **settings
    )
    audio_visual = make(path, pipeline=drop, test_mode=False, **settings)
    for seed in range(6):
        draw = ClipRequest(seed % 2, (seed,))
        one, other = videos[draw], audio_visual[draw]
        assert torch.equal(one['inputs']['img'], other['inputs']['img'])
        assert set(one['inputs']) == {'img'}
        for frame, counterpart in zip(*(item['data_samples'].video_data_samples for item in (one, other)), strict=True):
            assert frame.metainfo == counterpart.metainfo
            assert (frame.gt_instances.masks.masks == counterpart.gt_instances.masks.masks).all()


def test_the_options_of_videos_hold_for_videos_with_audio(write_avis):
    path = write_avis()
    assert len(records(make(path, exclude=['a']))) < len(records(make(path)))
    assert set(audio_of(make(path, exclude=['a']))) == set(audio_of(make(path, only=['b']))) == {'b'}
    names = dict(class_map=dict(dog='animal'), metainfo=dict(classes=['animal']))
    mapped = make(path, test_mode=False, num_references=2, **names)
    assert mapped.metainfo['classes'] == ('animal',)
    assert [[item['label'] for item in frame] for frame in mapped.get_data_info(0)['instances']] == [[0]] * 3
    partly = make(path, test_mode=False, num_references=2, partly_labelled=True, **names)
    labels = [[item['label'] for item in frame] for frame in partly.get_data_info(0)['instances']]
    assert labels == [[0, IGNORED_LABEL]] * 3


def test_times_come_from_the_video_and_else_from_the_data_set(write_avis, content):
    content = copy.deepcopy(content)
    content['videos'][0]['fps'] = 2
    content['videos'][1]['timestamps'] = [0.5, 0.75, 1.5]
    path = write_avis(content)
    own = [index / 2 for index in range(6)]
    assert times_of(make(path)) == [*own, 0.5, 0.75, 1.5]
    assert times_of(make(path, fps=None, time_offset=0.25)) == [*[time + 0.25 for time in own], 0.75, 1.0, 1.75]
    assert times_of(make(write_avis()))[:6] == [index / 4 for index in range(6)]


@pytest.mark.parametrize(
    ('field', 'value', 'message'),
    [
        ('fps', 0, "'fps' is 0"),
        ('fps', None, "has no 'timestamps' and no 'fps'; add one of them or give the data set fps="),
        ('timestamps', [0, 1, 1, 2, 3, 4], r"'timestamps\[2\]' is 1 after 1; times must grow"),
        ('timestamps', [0, 1], "'timestamps' has 2 entries, but the video has 6 frames"),
    ],
)
def test_times_that_are_none_name_file_video_and_field(write_avis, content, field, value, message):
    content = copy.deepcopy(content)
    content['videos'][0][field] = value
    path = write_avis(content)
    with pytest.raises(InputError, match=f'video 7: .*{message}') as caught:
        make(path, fps=None)
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)


def test_the_audio_of_another_video_is_always_the_same_and_never_its_own(write_ytvis, write_wav, content):
    content = copy.deepcopy(content)
    names = ['a', 'b', 'c', 'd', 'e']
    frames = [f'{name}/0.png' for name in names]
    content['videos'] = [
        dict(id=index, height=40, width=60, length=1, file_names=[name]) for index, name in enumerate(frames, 1)
    ]
    content['annotations'] = []
    path = write_ytvis(content)
    (path.parent / 'audio').mkdir()
    for name in names[:4]:  # the last has none
        write_wav(path.parent / 'audio' / f'{name}.wav', np.zeros(RATE, np.int16), RATE)
    dataset = make(path, audio='other', pipeline=AUDIO[:1])
    expected = ['c', 'd', 'a', 'b', 'c']
    assert audio_of(dataset) == audio_of(dataset) == audio_of(make(path, audio='other')) == expected
    loader = DataLoader(dataset, num_workers=2, collate_fn=lambda items: items[0]['audio_path'][0])
    assert [found.rsplit('/', 1)[-1] for found in loader] == [f'{name}.wav' for name in expected]
    for name in 'bcd':
        (path.parent / 'audio' / f'{name}.wav').unlink()
    with pytest.raises(InputError, match="1 of its videos have an audio file; audio='other' needs two"):
        make(path, audio='other')


def test_no_audio_and_silence_need_no_files(write_ytvis):
    path = write_ytvis()
    for audio, valid in (('none', False), ('silent', True)):
        dataset = make(path, audio=audio, data_prefix=dict(img='images'))
        assert audio_of(dataset) == [None] * 9
        inputs = [dataset[index]['inputs'] for index in (0, 4, 8)]
        assert all(item['audio_valid'].tolist() == [valid] for item in inputs)
        assert all(torch.equal(item['audio'], inputs[0]['audio']) for item in inputs)
        assert bool(inputs[0]['audio'].any()) == valid  # log(0.01) where silence was recorded


def test_a_video_without_a_file_is_one_without_audio(write_avis, monkeypatch):
    lines = []
    monkeypatch.setattr(avis, 'print_log', lambda text, logger, level=logging.INFO: lines.append((level, text)))
    path = write_avis()
    make(path)
    assert lines == []
    (path.parent / 'audio' / 'b.wav').unlink()
    dataset = make(path)
    assert audio_of(dataset) == ['a'] * 6 + [None] * 3
    inputs = dataset[8]['inputs']
    assert not inputs['audio'].any() and inputs['audio_valid'].tolist() == [False]
    make(path, audio_suffix='.flac')
    assert [level for level, _ in lines] == [logging.INFO, logging.WARNING]
    assert lines[0][1].endswith('audio: 1 of 2 videos have no .wav file there; they are without audio')
    assert lines[1][1].endswith('2 of 2 videos have no .flac file there; check audio_suffix and data_prefix.audio')


def test_the_audio_inside_videos(write_ytvis, write_clip):
    path = write_ytvis()
    (path.parent / 'videos').mkdir()
    write_clip(path.parent / 'videos' / 'a.mp4', frames=20, audio='aac')
    write_clip(path.parent / 'videos' / 'b.mp4', frames=20)
    dataset = make(path, audio_suffix='.mp4', data_prefix=dict(img='images', audio='videos'))
    assert dataset[5]['inputs']['audio_valid'].tolist() == [True]
    # A tone of 440 Hz: the loudest band is the one around it.
    assert dataset[5]['inputs']['audio'][0, 40:56].mean(dim=0).argmax() in (7, 8, 9)
    assert dataset[8]['inputs']['audio_valid'].tolist() == [False]


def test_flac(write_avis):
    path = write_avis()
    for name in 'ab':
        source = path.parent / 'audio' / f'{name}.wav'
        with av.open(str(source)) as reader, av.open(str(source.with_suffix('.flac')), 'w') as writer:
            stream = writer.add_stream('flac', rate=RATE, layout='mono')
            for frame in reader.decode(audio=0):
                writer.mux(stream.encode(frame))
            writer.mux(stream.encode(None))
    plain, packed = make(path), make(path, audio_suffix='.flac')
    for index in (3, 8):
        assert torch.equal(plain[index]['inputs']['audio'], packed[index]['inputs']['audio'])


def test_folders_and_files_that_cannot_be_used_are_named(write_avis, content):
    path = write_avis()
    with pytest.raises(InputFileError, match='audio folder .*/nowhere: no such folder'):
        make(path, data_prefix=dict(img='images', audio='nowhere'))
    with pytest.raises(InputError, match="data_prefix has no 'audio'; give the folder of the audio files"):
        make(path, data_prefix=dict(img='images'))
    with pytest.raises(InputError, match=r"keys \['audio', 'depth', 'img'\], expected 'img' and 'audio' only"):
        make(path, data_prefix=dict(img='images', audio='audio', depth='audio'))
    (path.parent / 'audio' / 'b.wav').write_bytes(b'this is text')
    with pytest.raises(InputError, match=r'audio/b\.wav') as caught:
        make(path)[7]
    assert '\n' not in str(caught.value)
    flat = copy.deepcopy(content)
    flat['videos'][1]['file_names'] = [f'{t}.png' for t in range(3)]
    shutil.copytree(path.parent / 'images' / 'b', path.parent / 'images', dirs_exist_ok=True)
    with pytest.raises(InputError, match=r"video 3: 'file_names\[0\]' is '0.png', in no folder"):
        make(write_avis(flat))


@pytest.mark.parametrize(
    'settings', [dict(audio='loud'), dict(fps=0), dict(fps=float('inf')), dict(fps='6'), dict(time_offset=float('nan'))]
)
def test_settings_out_of_range(settings):
    prefix = dict(img='images', audio='audio')
    with pytest.raises(InputError, match=f'AVISDataset: {next(iter(settings))}='):
        AVISDataset('instances.json', data_prefix=prefix, lazy_init=True, **settings)
