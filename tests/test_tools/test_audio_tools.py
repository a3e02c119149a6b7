"""tools/analysis_tools/audio_ablation.py and attention.py on a tiny data set with audio and random weights."""

import json
import shutil
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from mmrcf.apis import init_model
from mmrcf.engine.loops import FrameStream

# Two voices, so that the audio of the other video is another one.
CONFIG = """
_base_ = '{tiny}'
model = dict(
    score_thr=0.01,
    audio_encoder=dict(type='SmallAudioEncoder', num_references=1, embed_dims=32, feature_dims=16, lstm_dims=8),
)
_dataset = dict(
    type='AVISDataset',
    data_root='{root}/',
    data_prefix=dict(img='test/JPEGImages', audio='test/WAVAudios'),
    fps=6.0,
    pipeline=[
        dict(type='LoadClipFrames'),
        dict(type='LoadClipAudio'),
        dict(type='AudioPatches'),
        dict(type='PackClip'),
    ],
)
test_dataloader = dict(dataset=_dataset)
test_evaluator = [
    dict(type='VISMetric', ann_file='{root}/test/instances.json'),
    dict(type='OrderMetric', ann_file='{root}/test/instances.json'),
    dict(type='LookAlikeMetric', ann_file='{root}/test/instances.json', groups=[{classes}]),
]
"""
COUNTERPART = """
_base_ = '{audio_visual}'
model = dict(audio_encoder=None)
"""


def write_wav(path: Path, frequency: float, seconds: float = 2.0) -> None:
    path.parent.mkdir(exist_ok=True)
    samples = np.sin(2 * np.pi * frequency * np.arange(int(seconds * 16000)) / 16000)
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((samples * 20000).astype('<i2').tobytes())


@pytest.fixture(scope='module')
def root(tiny_ytvis: Path, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('tiny_avis')
    shutil.copytree(tiny_ytvis / 'test', root / 'test')
    for video, frequency in (('0001', 300), ('0002', 2500)):
        write_wav(root / 'test/WAVAudios' / f'{video}.wav', frequency)
    return root


@pytest.fixture(scope='module')
def files(tiny_config: Path, root: Path, tmp_path_factory) -> dict[str, str]:
    """Config and random weights of an audio-visual model and of its visual-only counterpart."""
    folder = tmp_path_factory.mktemp('audio_visual')
    names = [category['name'] for category in json.loads((root / 'test/instances.json').read_text())['categories']]
    audio_visual, counterpart = folder / 'audio_visual.py', folder / 'counterpart.py'
    audio_visual.write_text(CONFIG.format(tiny=tiny_config, root=root, classes=names))
    counterpart.write_text(COUNTERPART.format(audio_visual=audio_visual))
    files = {'av': str(audio_visual), 'counterpart': str(counterpart)}
    for name, config in list(files.items()):
        torch.manual_seed(0)
        model = init_model(config)
        torch.nn.init.normal_(model.head.query_content.weight)
        torch.nn.init.normal_(model.head.classifier.weight)
        path = folder / f'{name}.pth'
        torch.save({'state_dict': model.state_dict(), 'meta': {'dataset_meta': model.dataset_meta}}, path)
        files[f'{name}_weights'] = str(path)
    return files


@pytest.fixture(scope='module')
def ablation(load_script):
    return load_script('tools/analysis_tools/audio_ablation.py')


@pytest.fixture(scope='module')
def attention(load_script):
    return load_script('tools/analysis_tools/attention.py')


def refused(script, capsys, *arguments: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as exit_info:
        script.main(list(arguments))
    assert exit_info.value.code == 2
    return capsys.readouterr().err


def test_every_audio_is_measured(ablation, load_script, files, root, tmp_path, capsys) -> None:
    out, readme, results = tmp_path / 'audio.json', tmp_path / 'README.md', tmp_path / 'results'
    readme.write_text('Before\n<!-- audio:start -->\nold\n<!-- audio:end -->\nAfter\n')
    arguments = [
        files['av'],
        files['av_weights'],
        '--counterpart',
        files['counterpart'],
        files['counterpart_weights'],
    ]
    ablation.main([*arguments, '--json', str(out), '--table', str(readme), '--results', str(results)])
    printed, figures = capsys.readouterr().out, json.loads(out.read_text())
    assert list(figures) == ['own', 'none', 'silent', 'other', 'counterpart']
    for values in figures.values():
        assert {'vis/AP', 'order/class_accuracy', 'pairs/frame_accuracy', 'pairs/track_accuracy'} <= set(values)

    # Backbone features are shared and streams run side by side: the figures are those of a run alone all the same.
    tested = tmp_path / 'tested.json'
    load_script('tools/test.py').main(
        [files['av'], files['av_weights'], '--work-dir', str(tmp_path), '--json', str(tested)]
    )
    for name, value in json.loads(tested.read_text()).items():
        if '/' in name:
            assert figures['own'][name] == pytest.approx(value), name

    # What is said about the frames differs from audio to audio.
    scores = {}
    for name in figures:
        text = load_results(results / f'{name}.zip')
        scores[name] = sorted(track['score'] for track in text)
    assert all(scores.values())
    assert len({tuple(np.round(values, 6)) for values in scores.values()}) == 5

    text = readme.read_text()
    assert text.startswith('Before\n<!-- audio:start -->\n|') and text.endswith('|\n<!-- audio:end -->\nAfter\n')
    for row in ('own audio', 'no audio', 'recorded silence', "another video's audio", 'visual-only counterpart'):
        assert f'| {row} |' in text and f'| {row} |' in printed


def load_results(path: Path) -> list[dict]:
    from mmrcf.evaluation import read_results

    return read_results(path)


def test_shared_features_are_those_of_the_frame(ablation, files) -> None:
    model = init_model(files['av'], files['av_weights'])
    frames = torch.randn(2, 1, 3, 64, 96)
    with torch.no_grad():
        expected = [model.extract_feat(frame) for frame in frames]
        calls = []
        model.backbone.register_forward_pre_hook(lambda *_: calls.append(1))
        with ablation.SharedFeatures(model):
            for index in (0, 0, 1, 1, 1, 0):
                for level, other in zip(model.extract_feat(frames[index].clone()), expected[index], strict=True):
                    assert torch.equal(level, other)
    assert len(calls) == 3
    assert 'extract_feat' not in vars(model)


def test_table(ablation) -> None:
    figures = {'own': {'vis/AP': 41.24, 'order/class_accuracy': 0.912}, 'counterpart': {'vis/AP': -1.0}}
    assert ablation.table(figures).splitlines() == [
        '|  | AP | class accuracy |',
        '| --- | --- | --- |',
        '| own audio | 41.2 | 91.2 |',
        '| visual-only counterpart | - | - |',
    ]


def test_configs_that_cannot_be_compared(ablation, files, tmp_path, capsys, root) -> None:
    audio_visual = [files['av'], files['av_weights']]
    assert 'is visual-only' in refused(ablation, capsys, files['counterpart'], files['counterpart_weights'])
    other = tmp_path / 'other.py'
    other.write_text(
        f"_base_ = '{files['counterpart']}'\n"
        f"test_evaluator = [dict(type='VISMetric', ann_file='{root}/test/other.json')]\n"
    )
    message = refused(ablation, capsys, *audio_visual, '--counterpart', str(other), files['counterpart_weights'])
    assert 'other.py' in message and 'annotation files' in message
    # The same file with a view of its own is no other file.
    other.write_text(
        f"_base_ = '{files['counterpart']}'\n"
        f"test_evaluator = [dict(type='VISMetric', ann_file=dict(ann_file='{root}/test/instances.json', only=['1']))]\n"
    )
    message = refused(ablation, capsys, *audio_visual, '--counterpart', str(other), files['counterpart_weights'])
    assert 'instances.json has 1 video and the tested data set 2' in message
    bare = tmp_path / 'bare.py'
    bare.write_text(f"_base_ = '{files['av']}'\ntest_evaluator = None\n")
    assert 'test_evaluator' in refused(ablation, capsys, str(bare), files['av_weights'])
    frames_only = tmp_path / 'frames_only.py'
    frames_only.write_text(
        f"_base_ = '{files['av']}'\n"
        'test_dataloader = dict(dataset=dict(_delete_=True, type="YouTubeVISDataset", test_mode=True, pipeline=[], '
        f"data_root='{root}/', ann_file='test/instances.json', data_prefix=dict(img='test/JPEGImages')))\n"
    )
    assert 'test_dataloader.dataset.audio' in refused(ablation, capsys, str(frames_only), files['av_weights'])


def test_attention_shares_over_a_split(attention, files, tmp_path, capsys) -> None:
    out, readme = tmp_path / 'shares.json', tmp_path / 'README.md'
    readme.write_text('<!-- attention:start -->\n<!-- attention:end -->')
    attention.main([files['av'], files['av_weights'], '--attention-share', '--json', str(out), '--table', str(readme)])
    figures, printed = json.loads(out.read_text()), capsys.readouterr().out
    # Two videos of four frames. Before the first one there is no audio: it has 24 target and 4 reference tokens, the
    # next an audio token more, the others two.
    assert (figures['frames'], figures['frames_with_audio']) == (8, 6) and figures['objects'] > 0
    even = np.array([[24, 4, 0], [24, 4, 1], [24, 4, 2], [24, 4, 2]])
    even = (even / even.sum(1, keepdims=True)).mean(0)
    assert figures['even'] == pytest.approx(even)
    assert len(figures['queries']) == len(figures['active']) == 1
    assert sum(figures['queries'][0]) == pytest.approx(1) and min(figures['queries'][0]) > 0
    assert '| layer 1, all queries |' in printed and '(6 of them with audio)' in printed
    assert f'| {100 * even[0]:.1f} | {100 * even[1]:.1f} | {100 * even[2]:.1f} |' in printed
    assert '| layer 1, active queries |' in readme.read_text()
    stream = FrameStream(init_model(files['av'], files['av_weights']))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in stream.model.modules())


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]


def test_a_video_of_the_attention(attention, files, write_clip, tmp_path, capsys) -> None:
    clip, out, plain = write_clip(tmp_path / 'clip.mp4', frames=4, audio='aac'), tmp_path / 'a.mp4', tmp_path / 'b.mp4'
    arguments = [files['av'], files['av_weights'], str(clip), '--cfg-options', 'model.score_thr=0.999']
    attention.main([*arguments, '--out', str(out)])
    assert 'a.mp4: 4 frames, ' in capsys.readouterr().out
    pictures, frames = frames_of(out), frames_of(clip)
    assert len(pictures) == len(frames) == 4 and pictures[0].shape == frames[0].shape
    with av.open(str(out)) as container:
        assert len(container.streams.audio) == 1
    attention.main([*arguments, '--audio', 'none', '--out', str(plain)])
    assert 'b.mp4: 4 frames, 0 of them with audio' in capsys.readouterr().out
    difference = np.abs(np.array(pictures[1:], int) - np.array(frames_of(plain)[1:], int)).max((1, 2, 3))
    assert (difference > 5).all()
    tracks = tmp_path / 'c.mp4'
    attention.main([*arguments[:3], '--audio', 'none', '--tracks', '--out', str(tracks)])
    difference = np.abs(np.array(frames_of(tracks), int) - np.array(frames_of(plain), int)).max((1, 2, 3))
    assert (difference > 50).any()


def test_what_cannot_be_drawn_is_named(attention, files, write_clip, tmp_path, capsys) -> None:
    clip = str(write_clip(tmp_path / 'clip.mp4', frames=2))
    audio_visual, out = [files['av'], files['av_weights']], ['--out', str(tmp_path / 'out.mp4')]
    assert 'is visual-only' in refused(
        attention, capsys, files['counterpart'], files['counterpart_weights'], clip, *out
    )
    assert 'layer 7' in refused(attention, capsys, *audio_visual, clip, *out, '--layer', '7')
    assert 'nope.mp4' in refused(attention, capsys, *audio_visual, 'nope.mp4', *out)
    assert 'is an input of this command' in refused(attention, capsys, *audio_visual, clip, '--out', clip)
    for wrong in ([], [clip], ['--attention-share', clip], ['--attention-share', *out], out):
        assert 'either INPUT' in refused(attention, capsys, *audio_visual, *wrong)
    assert not (tmp_path / 'out.mp4').exists()
