"""docs/train_your_own.md from top to bottom: its files are written and its commands run, on less data."""

import json
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import pytest

from mmrcf.datasets import COCOPseudoVideoDataset, YouTubeVISDataset
from mmrcf.datasets.annotations import validate_annotations

pytestmark = pytest.mark.slow

DOCUMENT = 'docs/train_your_own.md'
# What the page says and what is run instead: fewer and smaller frames, ten iterations, two clips a batch.
SMALLER = {
    'my_data.py': {
        '(192, 240, 288, 336, 384)': '(64, 80)',
        'size=(240, 180)': 'size=(64, 48)',
        'scale=(240, 180)': 'scale=(64, 48)',
        '(8, dict(num_references=0': '(2, dict(num_references=0',
        '(4, dict(num_references=1': '(2, dict(num_references=1',
    },
    'my_stills.py': {
        'max_iters = 300': 'max_iters = 10',
        'model = dict(head=': 'model = dict(backbone=dict(init_cfg=None), head=',
    },
    'my_clips.py': {'max_iters = 100': 'max_iters = 10'},
    'commands': {
        'videos=24,images=40': 'videos=6,images=12',
        '--frames 12 --size 240x180': '--frames 4 --size 64x48 --workers 1',
        '--size 240x180': '--size 64x48',
        'my_clips/iter_100.pth': 'my_clips/iter_10.pth',
        'train=80,test=60': 'train=2,test=1 --frames 8',
        'train.py configs/shapes/rcf_r18_shapes_student.py': 'train.py configs/shapes/rcf_r18_shapes_student.py '
        '--cfg-options train_cfg.max_iters=2 train_dataloader.batch_size=2 train_dataloader.num_workers=0 '
        'train_dataloader.persistent_workers=False',
        'iter_400.pth': 'iter_2.pth',
    },
}
# The switches of the last section in my_data.py.
OFF = {
    'prob=0.5': 'prob=0.0',
    'perspective=0.05': 'perspective=0.0',
    'motion_prob=0.2, defocus_prob=0.1': 'motion_prob=0.0, defocus_prob=0.0',
}


def replaced(text: str, replacements: dict[str, str]) -> str:
    for old, new in replacements.items():
        assert old in text, f'{DOCUMENT} no longer says {old!r}'
        text = text.replace(old, new)
    return text


@pytest.fixture(scope='module')
def documents(load_script) -> ModuleType:
    return load_script('tests/test_docs.py')


@pytest.fixture
def reader(documents: ModuleType, repository: Path, in_tmp_path: Path) -> Path:
    """The repository as a reader has it, with the files of the page in it."""
    for name in ('configs', 'demo', 'tools'):
        (in_tmp_path / name).symlink_to(repository / name)
    for block in documents.blocks(DOCUMENT):
        if block.file:
            (in_tmp_path / block.file).write_text(replaced(block.code, SMALLER.get(block.file, {})))
    return in_tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], None]:
    """Run a Python script with its arguments in this process."""

    def run_script(words: list[str]) -> None:
        monkeypatch.setattr(sys, 'argv', words)
        try:
            runpy.run_path(words[0], run_name='__main__')
        except SystemExit as end:
            assert not end.code, (words, end.code)

    return run_script


def page_commands(repository: Path) -> list[list[str]]:
    """The page's commands, smaller; also those inside a list."""
    text = (repository / DOCUMENT).read_text(encoding='utf-8')
    code = ''.join(re.findall(r'^ *```bash\n(.*?)^ *```$', text, re.MULTILINE | re.DOTALL))
    lines = [line.strip() for line in replaced(code, SMALLER['commands']).splitlines()]
    return [shlex.split(line) for line in lines]


def test_the_page_runs_from_top_to_bottom(repository: Path, reader: Path, run, capsys) -> None:
    printed = {}
    for program, *words in page_commands(repository):
        assert program == 'python'
        capsys.readouterr()
        run(words)
        printed[Path(words[0]).name] = capsys.readouterr().out
    assert '0 errors, 0 warnings' in printed['validate_ytvis.py']
    assert [line.split()[0] for line in printed['my_stream.py'].splitlines()] == ['0', '1', '2', '3']
    for name in ('stills', 'clips', 'copy_paste', 'pseudo_clip'):
        assert cv2.imread(f'outputs/{name}.png') is not None
    for name in ('videos', 'images'):
        figures = json.loads(Path(f'outputs/{name}.json').read_text())
        explained = re.findall(r'`((?:vis|region|order)/\w+)`', (repository / DOCUMENT).read_text(encoding='utf-8'))
        assert explained and set(explained) <= set(figures)
    assert {path.name for path in Path('work_dirs/own').iterdir()} == {'my_stills', 'my_clips'}
    assert Path('outputs/own.mp4').stat().st_size and json.loads(Path('outputs/own.json').read_text())


@pytest.mark.parametrize(
    ('changes', 'missing'),
    [
        (OFF, None),
        ({'[my_videos, my_images]': '[my_videos]'}, 'images'),
        ({'[my_videos, my_images]': '[my_images]', "my_tested = 'videos'": "my_tested = 'images'"}, 'videos'),
    ],
)
def test_changes_that_the_page_names(repository: Path, reader: Path, run, changes: dict, missing: str | None) -> None:
    text = (repository / DOCUMENT).read_text(encoding='utf-8')
    assert all(new in text for new in changes.values())
    for _, *words in page_commands(repository)[:2]:  # the data
        run(words)
    Path('my_data.py').write_text(replaced(Path('my_data.py').read_text(), changes))
    if missing:
        shutil.rmtree(f'data/own/{missing}')
    for config in ('my_stills.py', 'my_clips.py'):
        run(['tools/misc/browse_dataset.py', config, '--out', 'clips.png', '--clips', '2'])


def test_the_minimal_files_are_read(reader: Path) -> None:
    videos = YouTubeVISDataset('videos_example.json', num_references=0)
    assert videos.metainfo['classes'] == ('disc',)
    assert [bool(value) for value in videos.frame_has_object] == [True, False]
    images = COCOPseudoVideoDataset('images_example.json', metainfo=dict(classes=('disc',)), only=['street/00000.jpg'])
    assert len(images) == 1
    # The same name chooses the image for testing.
    tested = YouTubeVISDataset('images_example.json', test_mode=True, only=['street/00000.jpg'])
    assert len(tested) == 1
    for name in ('videos', 'images'):
        assert not [item for item in validate_annotations(f'{name}_example.json') if item.severity == 'error']


@pytest.mark.parametrize('name', ['copy_paste', 'pseudo_clip'])
def test_pictures_are_small(repository: Path, name: str) -> None:
    assert (repository / f'docs/images/{name}.png').stat().st_size <= 400 * 1024
