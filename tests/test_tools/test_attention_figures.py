"""Figures of tools/analysis_tools/attention.py, compare_models.py and query_classes.py on tiny models."""

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from mmrcf.apis import init_model
from mmrcf.media import open_source

SHAPES_WEIGHTS = 'demo/checkpoints/rcf_r18_shapes.pth'
FULL_REFERENCES = """
_base_ = '{tiny}'
model = dict(
    neck=dict(_delete_=True, type='FullFeatureFusion', in_channels=32, num_references=1, embed_dims=32,
    encoder=dict(num_layers=1, num_heads=4, feedforward_dims=32)),
)
"""


@pytest.fixture(scope='module')
def files(tiny_config: Path, audio_visual_config: Path, tmp_path_factory) -> dict[str, list[str]]:
    """Config and random weights by name."""
    folder, files = tmp_path_factory.mktemp('figures'), {}
    full = folder / 'full.py'
    full.write_text(FULL_REFERENCES.format(tiny=tiny_config))
    for name, config in dict(rcf=tiny_config, full=full, audio=audio_visual_config).items():
        torch.manual_seed(0)
        model = init_model(config)
        torch.nn.init.normal_(model.head.query_content.weight)
        if name == 'rcf':
            torch.nn.init.normal_(model.neck.weight.weight)
        path = folder / f'{name}.pth'
        torch.save({'state_dict': model.state_dict(), 'meta': {'dataset_meta': model.dataset_meta}}, path)
        files[name] = [str(config), str(path)]
    return files


@pytest.fixture(scope='module')
def attention(load_script):
    return load_script('tools/analysis_tools/attention.py').main


@pytest.fixture
def clip(write_clip, tmp_path: Path) -> str:
    return str(write_clip(tmp_path / 'clip.mp4', frames=4, audio='aac'))


def refused(main, capsys, *arguments: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as exit_info:
        main(list(arguments))
    assert exit_info.value.code == 2
    return capsys.readouterr().err


# A frame of 64x96 becomes a panel of 360x540 under a bar of 30; four heads of a quarter of its width are one row.
BLOCK = (30 + 360 + 6 + 30 + 90, 540, 3)
PAIR_OF_BLOCKS = (BLOCK[0], 2 * BLOCK[1] + 6, 3)


@pytest.mark.parametrize('origin', ['target', 'references'])
def test_attention_of_compressed_against_full_references(attention, files, clip, tmp_path, origin: str) -> None:
    out = tmp_path / 'pair.png'
    attention([*files['rcf'], clip, '--show', origin, '--other', *files['full'], '--frame', '2', '--out', str(out)])
    picture = cv2.imread(str(out))
    assert picture.shape == PAIR_OF_BLOCKS
    left, right = picture[:, :540].astype(int), picture[:, 546:].astype(int)
    assert np.abs(left[30:390] - right[30:390]).max() > 5 and np.abs(left[426:] - right[426:]).max() > 50


def test_an_image_shows_the_frame_that_was_asked_for(attention, files, clip, tmp_path) -> None:
    """And the last one if there are fewer; a single model is one block."""
    pictures = {}
    for frame in (1, 3, 99):
        out = tmp_path / f'{frame}.png'
        attention([*files['rcf'], clip, '--show', 'references', '--frame', str(frame), '--out', str(out)])
        pictures[frame] = cv2.imread(str(out))
    assert pictures[1].shape == BLOCK
    np.testing.assert_array_equal(pictures[3], pictures[99])
    assert (pictures[1] != pictures[3]).any()


def test_the_weight_map_lies_over_the_reference(attention, files, clip, tmp_path) -> None:
    out = tmp_path / 'weight.png'
    attention([*files['rcf'], clip, '--show', 'weight', '--frame', '2', '--out', str(out)])
    picture = cv2.imread(str(out))[..., ::-1].astype(int)
    assert picture.shape == (390, 2 * 540 + 6, 3)
    with open_source(clip) as source:
        frames = [cv2.resize(frame.image, (540, 360)).astype(int) for frame in source]
    # The reference of frame 2 is frame 1.
    difference = [np.abs(picture[30:, :540] - frame).mean() for frame in frames]
    assert np.argmin(difference) == 1
    tinted = picture[30:, 546:] - 0.35 * frames[1]
    assert tinted.min() > -2 and tinted.max() > 50


def test_audio_beside_no_audio(attention, files, clip, tmp_path, capsys) -> None:
    out, other = tmp_path / 'pair.mp4', tmp_path / 'other.png'
    attention([*files['audio'], clip, '--show', 'audio-pair', '--out', str(out)])
    assert 'pair.mp4: 4 frames' in capsys.readouterr().out
    with av.open(str(out)) as container:
        pictures = [frame.to_ndarray(format='rgb24').astype(int) for frame in container.decode(video=0)]
    # Two rows of a bar and a panel; beside the attention three heads in a row, the fourth below.
    assert len(pictures) == 4 and pictures[0].shape == (2 * 390 + 6, 2 * 540 + 6, 3)
    heads = [picture[430:, 550:] for picture in pictures]
    assert np.abs(heads[0] - heads[3]).max() > 50
    attention([*files['audio'], clip, '--show', 'audio-pair', '--other', *files['rcf'], '--out', str(other)])
    assert cv2.imread(str(other)).shape == pictures[0].shape


def test_the_log_mel_of_a_clip(attention, files, clip, load_script, tmp_path, capsys) -> None:
    out = tmp_path / 'log_mel.png'
    attention([*files['audio'], clip, '--show', 'log-mel', '--frame', '3', '--out', str(out)])
    picture = cv2.imread(str(out))
    assert picture.shape == (720, 1280, 3)
    # The span of the patches is marked in cyan.
    assert (np.abs(picture.astype(int) - (255, 255, 0)).max(-1) < 30).any()
    silent = str(tmp_path / 'silent.mp4')
    with av.open(silent, 'w') as container:
        stream = container.add_stream('libx264', rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, 'yuv420p'
        container.mux(stream.encode(av.VideoFrame(96, 64, 'rgb24')))
        container.mux(stream.encode(None))
    show = ['--show', 'log-mel', '--out']
    assert 'holds no audio' in refused(attention, capsys, *files['audio'], silent, *show, str(tmp_path / 'a.png'))
    assert 'a.mp4: expected a name' in refused(attention, capsys, *files['audio'], clip, *show, str(tmp_path / 'a.mp4'))


def test_the_columns_of_a_spectrogram_are_where_a_tone_is(load_script) -> None:
    """Half a second of silence, half a second of 1 kHz, and silence again until 1.5 s."""
    from mmrcf.audio import AudioChunk, AudioWindow

    times = np.arange(24000) / 16000
    tone = np.where((times >= 0.5) & (times < 1.0), np.sin(2000 * np.pi * times), 0.0).astype(np.float32)
    window = AudioWindow.empty().append(AudioChunk(tone, 16000))
    values, seconds = load_script('tools/analysis_tools/log_mel_figure.py').spectrogram(window)
    assert values.shape == (64, 150) and seconds == pytest.approx(1.5)
    loud = values.max(0) > 0
    assert loud[51:97].all() and not loud[:47].any() and not loud[101:].any()
    assert 15 < values[:, 70].argmax() < 30


def test_what_cannot_be_drawn_is_named(attention, files, clip, tmp_path, capsys, monkeypatch) -> None:
    out = ['--out', str(tmp_path / 'out.png')]
    assert 'FullFeatureFusion, has none' in refused(attention, capsys, *files['full'], clip, '--show', 'weight', *out)
    assert 'is visual-only' in refused(attention, capsys, *files['rcf'], clip, '--show', 'audio-pair', *out)
    line = refused(attention, capsys, *files['rcf'], clip, '--show', 'target', '--frame', '-1', *out)
    assert '--frame: expected a whole number, at least 0' in line
    for show in ('weight', 'audio', 'log-mel'):
        line = refused(attention, capsys, *files['rcf'], clip, '--show', show, '--other', *files['full'], *out)
        assert '--other: only with --encoder-share, or --show target' in line
    monkeypatch.setitem(attention.__wrapped__.__globals__, 'init_model', lambda *_arguments: torch.nn.Identity())
    line = refused(attention, capsys, *files['rcf'], clip, '--show', 'target', *out)
    assert 'Identity has no context fusion and no instance queries; give that of an RCF' in line
    assert not list(tmp_path.glob('*.png'))


def test_encoder_shares_of_compressed_against_full(attention, files, tmp_path, capsys) -> None:
    out, page = tmp_path / 'shares.json', tmp_path / 'page.md'
    page.write_text('<!-- encoder:start -->\n<!-- encoder:end -->')
    arguments = [*files['rcf'], '--other', *files['full'], '--encoder-share']
    attention([*arguments, '--json', str(out), '--table', str(page)])
    figures = json.loads(out.read_text())
    assert list(figures) == ['4 reference tokens', 'full references']
    compressed, full = figures.values()
    # The test pipeline makes frames of 160x240: 150 tokens at stride 16.
    assert compressed['frames'] == full['frames'] == 8
    assert compressed['tokens'] == [150, 4, 0] and full['tokens'] == [150, 150, 0]
    assert compressed['even'] == pytest.approx([150 / 154, 4 / 154, 0]) and full['even'] == pytest.approx([0.5, 0.5, 0])
    for each in figures.values():
        assert len(each['target']) == 1 and sum(each['target'][0]) == pytest.approx(1)
    assert '| full references: equal attention to 150 + 150 + 0 tokens | 50.0 | 50.0 | 0.0 |' in capsys.readouterr().out
    assert '| 4 reference tokens: target tokens, layer 1 |' in page.read_text()
    # Two models with as many tokens are two rows.
    attention([*files['rcf'], '--other', *files['rcf'], '--encoder-share', '--json', str(out)])
    first, second = (json.loads(out.read_text())[f'4 reference tokens, {place} model'] for place in ('first', 'second'))
    assert first == second == compressed


def test_two_models_on_the_same_frames(load_script, files, clip, tmp_path, capsys) -> None:
    compare = load_script('tools/analysis_tools/compare_models.py').main
    out, options = tmp_path / 'pair.png', ['--cfg-options', 'model.score_thr=0.01']
    compare([*files['rcf'], clip, '--other', *files['full'], '--out', str(out), '--frame', '3', *options])
    printed = capsys.readouterr().out
    assert 'pair.png: 4 frames; only here: ' in printed and 'other class: ' in printed
    assert cv2.imread(str(out)).shape == (390, 2 * 540 + 6, 3)
    compare([*files['rcf'], clip, '--other', *files['rcf'], '--out', str(out), *options])
    same = capsys.readouterr().out
    assert all(f'{kind}: 0 in the first, 0 in the second' in same for kind in ('only here', 'track ID changed'))
    picture = cv2.imread(str(out))
    np.testing.assert_array_equal(picture[30:, :540], picture[30:, 546:])
    itself = [*files['rcf'], clip, '--other', *files['rcf'], '--out', clip]
    assert 'is the input itself' in refused(compare, capsys, *itself)


def test_queries_are_counted_by_class(load_script, files, tmp_path, capsys) -> None:
    tool = load_script('tools/analysis_tools/query_classes.py')
    out, drawing = tmp_path / 'counts.json', tmp_path / 'classes.png'
    files_out = ['--json', str(out), '--out', str(drawing)]
    tool.main([*files['rcf'], *files_out, '--cfg-options', 'model.score_thr=0.01'])
    content = json.loads(out.read_text())
    counts = np.array(content['counts'])
    assert counts.shape == (8, 5) and len(content['classes']) == 8
    assert 0 < counts.sum() <= 8 * 5 and f'{counts.sum()} objects in 8 frames' in capsys.readouterr().out
    # No query can be active more often than there are frames.
    assert counts.sum(0).max() <= 8
    np.testing.assert_allclose(content['fractions'], counts / np.maximum(counts.sum(1, keepdims=True), 1))
    assert cv2.imread(str(drawing)) is not None
    np.testing.assert_allclose(tool.normalise(np.array([[1, 3], [0, 0]])), [[0.25, 0.75], [0, 0]])

    # Of 40 queries the drawing shows the 29 with the largest fraction of a class, in their order, and the others' sum.
    fractions = np.zeros((2, 40))
    fractions[0, 5:35], fractions[0, 39], fractions[1, 2] = 0.01, 0.7, 1.0
    shown, names = tool.columns(fractions)
    assert names == ['2', *map(str, range(5, 32)), '39', '11 others']
    np.testing.assert_allclose(shown.sum(1), 1)
    np.testing.assert_allclose(shown[:, -1], [0.03, 0])
    assert 'expected --out' in refused(tool.main, capsys, *files['rcf'])


@pytest.mark.parametrize(
    ('script', 'options'),
    [
        ('attention', ['--encoder-share']),
        ('query_classes', ['--json', 'counts.json']),
        ('order_analysis', []),
        ('compare_trackers', []),
    ],
)
def test_missing_data_are_named_with_the_command_that_writes_them(
    load_script, repository: Path, in_tmp_path: Path, capsys, script: str, options: list[str]
) -> None:
    model = [str(repository / name) for name in ('configs/shapes/rcf_r18_shapes.py', SHAPES_WEIGHTS)]
    line = refused(load_script(f'tools/analysis_tools/{script}.py').main, capsys, *model, *options)
    assert 'write it with `python tools/misc/make_shapes.py --out data/shapes`' in line
