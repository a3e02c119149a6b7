"""The documents tell the truth: snippets run and print what they say, commands, options, paths and links exist."""

import contextlib
import importlib
import io
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import Registry, init_default_scope
from mmengine.structures import InstanceData
from PIL import Image
from pycocotools import mask as mask_utils

import mmrcf.registry
from mmrcf.audio import AudioChunk, AudioWindow
from mmrcf.engine.config import build_runner, load_config
from mmrcf.registry import METRICS, MODELS
from mmrcf.structures import AudioPatch

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for pattern in ('*.md', 'docs/*.md', 'data/*.md', 'configs/*/*.md')
    for path in REPOSITORY.glob(pattern)
)
# A fenced block, with what an HTML comment before it says: `file: NAME` (write it there instead of running it).
BLOCK = re.compile(
    r'(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```$', re.MULTILINE | re.DOTALL
)
PATH = re.compile(
    r'(?<![\w/.<])(?:configs|demo|docs|mmrcf|requirements|tests|tools)/[\w./*-]*\.(?:md|mp4|py|pth|sh|txt|yml)\b'
)
RUN_CHECKPOINT = re.compile(r'work_dirs/([\w.-]+)/iter_(\d+)\.pth')
LINK = re.compile(r'\]\((?!https?:|#)([^)#]+)')
NUMBER = re.compile(r'\d+(?:\.\d+)?')
# What a reader brings, or what a command of the document writes.
NOT_OURS = ('mmdet::', 'my_', 'outputs/', 'work_dirs/', 'data/', 'instances.json', 'INPUT')
SHELL = {'|', '&&', '||', '>', '2>&1', '&', ';'}
# Shell scripts, the tool that gets their arguments, and which of them.
HANDED_ON = {
    'tools/dist_train.sh': ('tools/train.py', lambda words: [words[0], *words[2:]]),
    'tools/dist_test.sh': ('tools/test.py', lambda words: [*words[:2], *words[3:]]),
    'tools/slurm_train.sh': ('tools/train.py', lambda words: words[2:]),
}
ENTRY_POINTS = {'mmrcf-demo': ['python', 'demo/video_demo.py'], 'mmrcf-web': ['python', 'demo/web_demo.py']}
"""The same from the source tree."""
PROGRAMS = {'bash', 'cd', 'git', 'make', 'pip', 'pre-commit', 'python', 'source', 'unzip'}


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    language: str
    code: str
    file: str | None


def text_of(document: str) -> str:
    return (REPOSITORY / document).read_text(encoding='utf-8')


def blocks(document: str) -> list[Block]:
    text = text_of(document)
    return [Block(match['language'], match['code'], match['file']) for match in BLOCK.finditer(text)]


def commands(document: str) -> list[list[str]]:
    """The words of each command line in the document's bash blocks, without variables set before it."""
    lines = [
        line
        for block in blocks(document)
        if block.language == 'bash'
        for line in block.code.replace('\\\n', ' ').splitlines()
    ]
    words = [shlex.split(line, comments=True) for line in lines]
    return [[word for word in line if not re.match(r'[A-Z_]+=', word)] for line in words if line]


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The repository as a reader has it, in a folder that may be written to; what a snippet registers goes again."""
    for name in ('configs', 'demo', 'tools'):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    own = {
        name for name, module in sys.modules.items() if str(getattr(module, '__file__', '')).startswith(str(tmp_path))
    }
    for registry in (value for value in vars(mmrcf.registry).values() if isinstance(value, Registry)):
        for name in [name for name, part in registry.module_dict.items() if part.__module__ in own]:
            del registry.module_dict[name]
    for name in own:
        del sys.modules[name]


def assert_same_output(printed: str, expected: str) -> None:
    """Equal but for the last digits of numbers, which differ between machines."""
    assert NUMBER.sub('#', printed.strip()) == NUMBER.sub('#', expected.strip()), printed
    for got, wanted in zip(NUMBER.findall(printed), NUMBER.findall(expected), strict=True):
        assert float(got) == pytest.approx(float(wanted), rel=0.02, abs=0.02), printed


@pytest.mark.slow
@pytest.mark.parametrize('document', [name for name in DOCUMENTS if any(b.language == 'python' for b in blocks(name))])
def test_python_snippets_run_and_print_what_they_say(document: str, reader: Path) -> None:
    for extra in ('supervision',):  # of which a page says that it has to be installed
        if any(re.search(rf'^import {extra}\b', block.code, re.MULTILINE) for block in blocks(document)):
            pytest.importorskip(extra)
    printed, namespace = '', {}
    for block in blocks(document):
        if block.file:
            (reader / block.file).write_text(block.code)
        elif block.language == 'python':
            compiled = compile(block.code, document, 'exec')
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compiled, namespace)
            printed = output.getvalue()
        elif block.language == 'text':
            assert_same_output(printed, block.code)


def test_the_documented_dataset_trains(reader: Path) -> None:
    """The dataset of docs/your_own_part.md on two videos with mask images."""
    for block in blocks('docs/your_own_part.md'):
        if block.file:
            (reader / block.file).write_text(block.code)
    for video in ('a', 'b'):
        for kind in ('JPEGImages', 'Annotations'):
            (reader / 'data/mine' / kind / video).mkdir(parents=True)
        for t in range(3):
            mask = np.zeros((64, 96), np.uint8)
            mask[10:40, 10 + t : 50 + t] = 3
            cv2.imwrite(f'data/mine/JPEGImages/{video}/{t:05d}.jpg', mask * 60)
            cv2.imwrite(f'data/mine/Annotations/{video}/{t:05d}.png', mask)
    options = {'train_cfg.max_iters': 1, 'work_dir': 'work_dirs/mine', 'default_hooks.checkpoint.save_best': None}
    options |= {'train_dataloader.num_workers': 0, 'train_dataloader.persistent_workers': False}
    runner = build_runner(load_config('my_dataset.py', options))
    runner.train()
    assert runner.iter == 1
    assert runner.train_dataloader.dataset.metainfo['classes'] == ('object',)


def test_the_documented_dataset_reads_palette_masks(reader: Path) -> None:
    for block in blocks('docs/your_own_part.md'):
        if block.file == 'mask_folder.py':
            (reader / block.file).write_text(block.code)
    mask = np.zeros((8, 8), np.uint8)
    mask[:2], mask[4:6], mask[7:] = 1, 2, 255
    for image in (Image.fromarray(mask), Image.fromarray(mask).convert('P')):
        if image.mode == 'P':
            image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [224] * 759)
        image.save('mask.png')
        objects = importlib.import_module('mask_folder').read_objects(Path('mask.png'))
        assert [item.instance_id for item in objects] == [1, 2]
        assert [int(mask_utils.area(dict(size=[8, 8], counts=item.counts))) for item in objects] == [16, 16]


def test_the_documented_metric_counts(reader: Path) -> None:
    for block in blocks('docs/your_own_part.md'):
        if block.file in ('count_metric.py', 'my_metric.py'):
            (reader / block.file).write_text(block.code)
    metric = load_config('my_metric.py').test_evaluator[1]
    rle = mask_utils.encode(np.ones((8, 8), np.uint8, order='F'))
    rle = dict(size=rle['size'], counts=rle['counts'].decode())
    video = dict(id=1, width=8, height=8, file_names=['a/0.jpg', 'a/1.jpg'])
    track = dict(id=1, video_id=1, category_id=1, segmentations=[rle, None])
    Path(metric.ann_file).parent.mkdir(parents=True)
    Path(metric.ann_file).write_text(
        json.dumps(dict(videos=[video], annotations=[track], categories=[dict(id=1, name='disc')]))
    )
    metric = METRICS.build(metric)
    for index, count in enumerate((3, 4)):
        objects = dict(ids=range(count), queries=range(count), labels=[0] * count, scores=[0.5] * count)
        objects |= dict(class_probs=np.full((count, 1), 0.5), rles=[rle] * count)
        metric.process({}, [dict(video_id=1, frame_id=index, video_length=2, ori_shape=(8, 8), **objects)])
    assert metric.evaluate() == {'count/annotated': 0.5, 'count/predicted': 3.5}


def test_the_documented_cost_and_transform_work(reader: Path) -> None:
    for block in blocks('docs/your_own_part.md'):
        if block.file in ('area_cost.py', 'overdrive.py'):
            (reader / block.file).write_text(block.code)
    cost = importlib.import_module('area_cost').AreaCost(weight=2.0)
    predictions = InstanceData(masks=torch.tensor([[[9e9, -9e9]], [[-9e9, -9e9]]]))
    truth = InstanceData(masks=torch.tensor([[[1.0, 1.0]], [[1.0, 0.0]], [[0.0, 0.0]]]))
    assert cost(predictions, truth).tolist() == [[1, 0, 1], [2, 1, 0]]
    overdrive = importlib.import_module('overdrive').AudioOverdrive(max_gain=4.0)
    window = AudioWindow.empty().append(AudioChunk(np.array([0.1, np.nan, -0.9], np.float32), 16000))
    (run,) = overdrive(dict(audio_window=window, rng=np.random.default_rng(0)))['audio_window'].runs
    gain = np.random.default_rng(0).uniform(1, 4)
    np.testing.assert_allclose(run.samples, [0.1 * gain, np.nan, -1], rtol=1e-6)
    assert run.samples.dtype == np.float32 and window.runs[0].samples[0] == np.float32(0.1)


def test_the_documented_loss_works(reader: Path) -> None:
    for block in blocks('docs/your_own_part.md'):
        if block.file == 'soft_iou_loss.py':
            (reader / block.file).write_text(block.code)
    loss = importlib.import_module('soft_iou_loss').SoftIoULoss(loss_weight=2.0)
    masks = torch.tensor([[[1.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]])
    logits = torch.tensor([[[9e9, -9e9], [9e9, -9e9]], [[0.0, 0.0], [0.0, 0.0]]])
    assert loss(logits, masks, avg_factor=4.0).item() == pytest.approx(2 * (2 / 3 + 1 / 2) / 4)


def test_the_documented_audio_encoder_works(reader: Path) -> None:
    for block in blocks('docs/audio.md'):
        if block.file:
            (reader / block.file).write_text(block.code)
    config = load_config('my_loudness.py')
    init_default_scope('mmrcf')
    model = MODELS.build(config.model).eval()
    patch = AudioPatch(torch.randn(1, 96, 64), torch.ones(1, dtype=torch.bool))
    _, state = model.step(
        torch.zeros(1, 3, 64, 96), model.init_state(), img_shape=(64, 96), ori_shape=(64, 96), audio=patch
    )
    assert torch.equal(state.audio_memory.features[0], patch.log_mel[:, -10:].mean(1))


@pytest.mark.parametrize('document', [name for name in DOCUMENTS if commands(name)])
def test_commands_are_ones_that_their_programs_take(document: str, load_script, capsys) -> None:
    targets = re.findall(r'^([\w-]+):', (REPOSITORY / 'Makefile').read_text(), re.MULTILINE)
    for words in commands(document):
        words = [*ENTRY_POINTS.get(words[0], words[:1]), *words[1:]]
        program = Path(words[0]).name
        assert program in PROGRAMS or (REPOSITORY / words[0]).is_file(), words
        if program == 'make':
            assert words[1] in targets, words
        scripts = [word for word in words if re.fullmatch(r'(tools|demo)/.*\.(py|sh)', word)]
        if not scripts:
            continue
        script = REPOSITORY / scripts[0]
        assert script.is_file(), words
        assert script.suffix != '.sh' or os.access(script, os.X_OK), words
        arguments = list(takewhile(lambda word: word not in SHELL, words[words.index(scripts[0]) + 1 :]))
        arguments = [word for word in arguments if word != '[options]']
        script_path = scripts[0]
        if script_path in HANDED_ON:
            script_path, handed_on = HANDED_ON[script_path]
            arguments = handed_on(arguments)
        try:
            load_script(script_path).parse_args(arguments)
        except SystemExit:
            pytest.fail(f'{shlex.join(words)}: {capsys.readouterr().err}')
        for word in arguments:
            if re.search(r'\.(py|mp4|json|zip)$', word) and ' ' not in word and '=' not in word:
                assert word.startswith(NOT_OURS) or any(REPOSITORY.glob(word)), (words, word)


@pytest.mark.parametrize('document', [name for name in DOCUMENTS if RUN_CHECKPOINT.search(text_of(name))])
def test_a_checkpoint_of_a_run_is_its_last(document: str) -> None:
    """``work_dirs/NAME/iter_N.pth``: the config NAME trains for N iterations."""
    for name, iterations in RUN_CHECKPOINT.findall((REPOSITORY / document).read_text(encoding='utf-8')):
        (config,) = (path for path in (REPOSITORY / 'configs').rglob(f'{name}.py') if '_base_' not in path.parts)
        assert load_config(config).train_cfg.max_iters == int(iterations), (document, name)


@pytest.mark.parametrize('document', DOCUMENTS)
def test_named_paths_and_links_exist(document: str) -> None:
    text = (REPOSITORY / document).read_text(encoding='utf-8')
    for path in PATH.findall(text):
        assert any(REPOSITORY.glob(path)), path
    for link in LINK.findall(text):
        assert ((REPOSITORY / document).parent / link).exists(), link


def test_the_student_s_figures_are_those_of_its_file() -> None:
    """docs/train_your_own.md: teacher and student of automatic labels."""
    names = ('vis/AP', 'vis/AP50', 'order/recall', 'order/class_accuracy', 'order/id_switches')
    for model in ('teacher', 'student'):
        measured = json.loads((REPOSITORY / f'docs/auto_label/{model}.json').read_text())
        (row,) = re.findall(rf'^\| {model} \|.* M \|(.*)\|$', text_of('docs/train_your_own.md'), re.MULTILINE)
        for name, cell in zip(names, row.split('|'), strict=True):
            decimals = len(cell.strip().partition('.')[2])
            assert float(cell) == round(measured[name], decimals), (model, name)


def test_every_path_of_the_map_exists() -> None:
    """CONTRIBUTING.md: the paths in code font, and each folder of its map."""
    text = (REPOSITORY / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    named = re.findall(r'`((?:configs|demo|docs|mmrcf|tests|tools)/[\w./-]*)`', text)
    top = folder = ''
    for line in re.search(r'(?:^    .*\n)+', text.split('## Where things are')[1], re.MULTILINE)[0].splitlines():
        indent, names = len(line) - len(line.lstrip()), re.findall(r'\w+/', line)
        if indent == 4:
            top = names[0]
            named.append(top)
        else:
            folder = top + names.pop(0) if indent == 6 else folder
            named += [folder, *(folder + name for name in names)]
    assert len(named) > 60
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


@pytest.mark.parametrize('document', DOCUMENTS)
def test_prose_fits_into_120_columns(document: str) -> None:
    """Outside of tables, blocks of code and what a command has written."""
    text = re.sub(r'<!-- ([\w-]+):start -->.*?<!-- \1:end -->', '', text_of(document), flags=re.DOTALL)
    text = re.sub(r'^ *```.*?^ *```$', '', text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in text.splitlines() if len(line) > 120 and ' ' in line.strip()]
    assert not [line for line in lines if not line.startswith(('|', '    ', '!['))]
