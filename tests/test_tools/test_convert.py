"""tools/dataset_converters/convert.py: each format from the command line, on the smallest trees."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MASK = np.pad(np.full((5, 4), 255, np.uint8), ((3, 12), (2, 24)))  # 20 x 30
CVAT = """<annotations><meta><task><size>1</size><labels><label><name>cat</name></label></labels></task></meta>
<track id="0" label="cat"><box frame="0" outside="0" keyframe="1" xtl="2" ytl="3" xbr="6" ybr="8"/></track>
</annotations>
"""
LABELME = dict(
    shapes=[dict(label='cat', points=[[2, 3], [6, 8]], shape_type='rectangle', group_id=1)], imagePath='0.png'
)


@pytest.fixture(scope='module')
def tool(load_script):
    return load_script('tools/dataset_converters/convert.py')


def image(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """All formats side by side, each with one frame and one object."""
    frame = np.zeros((20, 30, 3), np.uint8)
    ones = MASK // 255
    for name in ('davis/JPEGImages/480p/bear/0', 'segtrack/JPEGImages/bear/0', 'mots/training/image_02/bear/0'):
        image(tmp_path / f'{name}.png', frame)
    for name in ('voc/JPEGImages/0', 'cvat/images/0', 'labelme/0', 'videos/bear/0'):
        image(tmp_path / f'{name}.png', frame)
    for name in ('davis/Annotations/480p/bear/0', 'segtrack/GroundTruth/bear/0'):
        image(tmp_path / f'{name}.png', MASK)
    image(tmp_path / 'mots/instances/bear/0.png', ones.astype(np.uint16) * 2001)
    image(tmp_path / 'voc/SegmentationObject/0.png', ones)
    image(tmp_path / 'voc/SegmentationClass/0.png', ones * 8)
    (tmp_path / 'cvat/annotations.xml').write_text(CVAT)
    for folder in ('labelme', 'videos/bear'):
        (tmp_path / folder / '0.json').write_text(json.dumps(LABELME))
    (tmp_path / 'classes.txt').write_text('bear cat\n')
    (tmp_path / 'classes_mots.txt').write_text('1 dog\n2 cat\n')
    (tmp_path / 'list.txt').write_text('bear\n')
    return tmp_path


@pytest.mark.parametrize(
    ('words', 'images'),
    [
        ('davis davis --classes classes.txt --list list.txt --resolution 480p --annotations Annotations', False),
        ('segtrack segtrack --classes classes.txt --list list.txt', False),
        ('mots mots --classes classes_mots.txt --images mots/training/image_02', False),
        ('voc voc', True),
        ('cvat cvat --boxes --join-groups', False),
        ('labelme labelme --boxes --image-root labelme', True),
        ('labelme videos --boxes --video', False),
    ],
)
def test_each_format_gives_the_object(tool, root, monkeypatch, capsys, words, images):
    monkeypatch.chdir(root)
    tool.main([*words.split(), '--out', 'out/instances.json'])
    content = json.loads(Path('out/instances.json').read_text())
    (item,) = content['annotations']
    assert ('images' in content, 'videos' in content) == (images, not images)
    assert (item['bbox'] if images else item['bboxes'][0]) == [2, 3, 4, 5]
    names = {entry['id']: entry['name'] for entry in content['categories']}
    assert names[item['category_id']] == 'cat'
    assert '1 cat; file names are relative to ' in capsys.readouterr().out


def test_davis_comes_with_classes(tool, root, capsys):
    tool.main(['davis', str(root / 'davis'), '--out', str(root / 'instances.json')])
    assert '1 video of 1 frame; objects: 1 animal; ' in capsys.readouterr().out


def test_an_error_is_one_line_and_leaves_no_file(tool, root, capsys):
    (root / 'davis/Annotations/480p/bear/0.png').unlink()
    with pytest.raises(SystemExit) as exit_:
        tool.main(['davis', str(root / 'davis'), '--out', str(root / 'instances.json')])
    assert exit_.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith('error: mask folder ')
    assert not [path for path in root.iterdir() if 'instances' in path.name]


def test_options_that_do_not_fit_are_refused(tool, capsys):
    for words in ('segtrack a --out b', 'voc a --out b --boxes', 'labelme a --out b --video --image-root c'):
        with pytest.raises(SystemExit):
            tool.parse_args(words.split())
    assert '--image-root: is for still images' in capsys.readouterr().err
