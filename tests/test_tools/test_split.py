"""tools/dataset_converters/split.py: a seeded split of an annotation file in two."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

SQUARE = [[1.0, 1.0, 9.0, 1.0, 9.0, 9.0, 1.0, 9.0]]


def ytvis(videos: int) -> dict:
    """Videos of one frame with two objects each; the category is that of the video's number, odd or even."""
    return dict(
        info=dict(version='7'),
        categories=[dict(id=1, name='cat'), dict(id=2, name='dog'), dict(id=3, name='owl')],
        videos=[
            dict(id=10 + n, height=10, width=10, length=1, file_names=[f'v{n}/0.jpg'], fps=6) for n in range(videos)
        ],
        annotations=[
            dict(id=100 + 2 * n + k, video_id=10 + n, category_id=1 + n % 2, iscrowd=0, segmentations=[SQUARE])
            for n in range(videos)
            for k in range(2)
        ],
    )


@pytest.fixture
def split(load_script, in_tmp_path: Path) -> Callable[..., tuple[dict, dict]]:
    """``split(content, *options)``: both parts."""

    def run(content: dict, *options: str) -> tuple[dict, dict]:
        Path('all.json').write_text(json.dumps(content))
        load_script('tools/dataset_converters/split.py').main(
            ['all.json', '--out', 'train/a.json', 'val/b.json', *options]
        )
        return tuple(json.loads(Path(name).read_text()) for name in ('train/a.json', 'val/b.json'))

    return run


def test_three_quarters_and_one_quarter(split, capsys) -> None:
    content = ytvis(20)
    train, val = split(content)
    assert (len(train['videos']), len(val['videos'])) == (15, 5)
    # Nothing is lost, nothing is in both, and the entries are as they were, in their order.
    for key in ('videos', 'annotations'):
        assert sorted(train[key] + val[key], key=lambda entry: entry['id']) == content[key]
        assert train[key] == sorted(train[key], key=lambda entry: entry['id'])
    for part in (train, val):
        ids = {video['id'] for video in part['videos']}
        assert {item['video_id'] for item in part['annotations']} == ids
        assert part['categories'] == content['categories'] and part['info'] == content['info']
    assert 'train/a.json: 15 videos, 30 objects; none of owl' in capsys.readouterr().out


def test_the_seed_decides(split) -> None:
    content = ytvis(20)
    assert split(content) == split(content, '--seed', '0') != split(content, '--seed', '1')


def test_images(split) -> None:
    content = ytvis(4)
    images = [
        dict(id=video['id'], height=10, width=10, file_name=video['file_names'][0]) for video in content.pop('videos')
    ]
    annotations = [
        dict(id=item['id'], image_id=item['video_id'], category_id=item['category_id'], iscrowd=0, segmentation=SQUARE)
        for item in content['annotations']
    ]
    first, second = split(content | dict(images=images, annotations=annotations), '--share', '0.5')
    assert [len(first['images']), len(second['images'])] == [2, 2]
    assert len(first['annotations']) == len(second['annotations']) == 4


@pytest.mark.parametrize(
    ('content', 'options', 'words'),
    [
        (ytvis(1), [], 'a share of 0.75 of 1 video leaves one part empty'),
        (ytvis(4), ['--share', '1.5'], 'a share of 1.5'),
        (ytvis(2) | dict(images=[dict(id=1, height=10, width=10, file_name='a.jpg')]), [], 'all.json'),
        (ytvis(2) | dict(annotations=[dict(id=1)]), [], 'all.json'),
        (ytvis(4) | dict(annotations=None), [], 'all.json: annotations: is missing or null'),
        (
            {key: value for key, value in ytvis(4).items() if key != 'annotations'},
            [],
            'all.json: annotations: is missing',
        ),
    ],
)
def test_what_cannot_be_split_is_named(split, content: dict, options: list[str], words: str, capsys) -> None:
    with pytest.raises(SystemExit) as exit_info:
        split(content, *options)
    assert exit_info.value.code == 2
    assert words in capsys.readouterr().err
    assert not Path('train').exists()


def test_both_parts_or_none(load_script, in_tmp_path: Path, capsys) -> None:
    Path('all.json').write_text(json.dumps(ytvis(4)))
    Path('link').symlink_to('.')
    for second, words in (('link/a.json', 'is written already'), ('link/all.json', 'is an input of this command')):
        with pytest.raises(SystemExit, match='2'):
            load_script('tools/dataset_converters/split.py').main(['all.json', '--out', 'a.json', second])
        assert f'output {second}: {words}' in capsys.readouterr().err
        assert json.loads(Path('all.json').read_text()) == ytvis(4) and not Path('a.json').exists()
