"""Whole splits on disk: official layout, exact numbers, the same bytes for the same seed, complete or not at all."""

import json
import wave
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmrcf.errors import InputError, InputFileError
from mmrcf.synthetic import SHAPES_AV_CLASSES, SHAPES_CLASSES, write_shapes, write_split, writer
from mmrcf.synthetic.video_files import MIN_VISIBLE_AREA

SIZE = (64, 96)
FRAMES = 9


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob('*')) if path.is_file()}


@pytest.fixture(scope='module', params=['shapes', 'shapes_av'])
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp(request.param) / request.param
    write_shapes(root, request.param, dict(train=6, val=2), seed=3, num_frames=FRAMES, size=SIZE)
    return root


def test_official_layout(tree: Path) -> None:
    data = json.loads((tree / 'train' / 'instances.json').read_text())
    names = SHAPES_CLASSES if tree.name == 'shapes' else SHAPES_AV_CLASSES
    assert [(entry['id'], entry['name']) for entry in data['categories']] == list(enumerate(names, 1))
    assert [video['id'] for video in data['videos']] == [1, 2, 3, 4, 5, 6]
    assert [entry['id'] for entry in data['annotations']] == list(range(1, len(data['annotations']) + 1))
    for video in data['videos']:
        assert (video['height'], video['width'], video['length']) == (*SIZE, FRAMES) and len(
            video['file_names']
        ) == FRAMES
        for file_name in video['file_names']:
            assert cv2.imread(str(tree / 'train' / 'JPEGImages' / file_name)).shape == (*SIZE, 3)
        assert any(entry['video_id'] == video['id'] for entry in data['annotations'])
    for entry in data['annotations']:
        assert entry['iscrowd'] == 0 and (entry['height'], entry['width'], entry['length']) == (*SIZE, FRAMES)
        assert {len(entry[key]) for key in ('segmentations', 'bboxes', 'areas', 'loudness')} == {FRAMES}


def test_masks_areas_and_boxes_agree(tree: Path) -> None:
    data = json.loads((tree / 'train' / 'instances.json').read_text())
    taken: dict[tuple[int, int], np.ndarray] = {}
    for entry in data['annotations']:
        assert any(entry['segmentations'])
        for frame, rle in enumerate(entry['segmentations']):
            if rle is None:
                assert entry['areas'][frame] is None and entry['bboxes'][frame] is None
                assert frame not in entry['hard_frames']
                continue
            assert rle['size'] == list(SIZE) and isinstance(rle['counts'], str)
            mask = mask_utils.decode(rle)
            y, x = np.nonzero(mask)
            assert entry['areas'][frame] == len(x) >= MIN_VISIBLE_AREA
            box = [x.min(), y.min(), x.max() - x.min() + 1, y.max() - y.min() + 1]
            assert entry['bboxes'][frame] == box
            total = taken.setdefault((entry['video_id'], frame), np.zeros(SIZE, int))
            total += mask
    assert max(total.max() for total in taken.values()) == 1


def test_audio_lasts_as_long_as_the_frames(tree: Path) -> None:
    paths = sorted((tree / 'train' / 'WAVAudios').iterdir())
    assert [path.name for path in paths] == [f'{index:04d}.wav' for index in range(1, 7)]
    for path in paths:
        with wave.open(str(path)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16000)
            assert file.getnframes() == FRAMES * 16000 // 6
            assert np.frombuffer(file.readframes(10**6), '<i2').std() > 100


def test_same_seed_same_bytes_whatever_the_workers(tree: Path, tmp_path: Path) -> None:
    state = np.random.get_state()[1].copy()
    threads = cv2.getNumThreads()
    write_shapes(tmp_path / 'two', tree.name, dict(train=6, val=2), 3, FRAMES, SIZE, workers=2)
    write_shapes(tmp_path / 'one', tree.name, dict(val=2), 3, FRAMES, SIZE, workers=1)
    assert contents(tmp_path / 'two') == contents(tree)
    assert contents(tmp_path / 'one' / 'val') == contents(tree / 'val')
    assert np.array_equal(np.random.get_state()[1], state)
    assert cv2.getNumThreads() == threads


def test_seed_split_and_variant_change_the_videos_and_their_number_does_not(tree: Path, tmp_path: Path) -> None:
    first = 'JPEGImages/0001/00000.jpg'
    other_variant = 'shapes' if tree.name == 'shapes_av' else 'shapes_av'
    write_split(tmp_path / 'seed', tree.name, 'train', 1, 4, FRAMES, SIZE)
    write_split(tmp_path / 'variant', other_variant, 'train', 1, 3, FRAMES, SIZE)
    write_split(tmp_path / 'fewer', tree.name, 'train', 1, 3, FRAMES, SIZE)
    same = (tree / 'train' / first).read_bytes()
    pictures = {
        (root / first).read_bytes() for root in (tree / 'val', tmp_path / 'seed/train', tmp_path / 'variant/train')
    }
    assert len(pictures | {same}) == 4
    assert (tmp_path / 'fewer/train' / first).read_bytes() == same


@pytest.mark.parametrize('size', [(33, 47), (120, 40)])
def test_a_single_frame_of_odd_size(tmp_path: Path, size: tuple[int, int]) -> None:
    write_split(tmp_path, 'shapes', 'one', 3, num_frames=1, size=size)
    assert cv2.imread(str(tmp_path / 'one/JPEGImages/0003/00000.jpg')).shape == (*size, 3)


def test_a_complete_split_is_kept_and_another_one_is_not_replaced_unasked(tmp_path: Path) -> None:
    def write(**changes) -> bool:
        return write_split(
            tmp_path, **{**dict(variant='shapes', split='val', num_videos=1, num_frames=2, size=SIZE), **changes}
        )

    assert write()
    before = contents(tmp_path)
    assert not write()
    with pytest.raises(InputError, match='val: made with other settings'):
        write(seed=1)
    assert contents(tmp_path) == before
    assert write(seed=1, overwrite=True)
    assert contents(tmp_path) != before
    assert [path.name for path in tmp_path.iterdir()] == ['val']


def test_what_it_did_not_make_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / 'val').mkdir()
    (tmp_path / 'val' / 'holiday.jpg').write_text('precious')
    with pytest.raises(InputError, match='something else'):
        write_split(tmp_path, 'shapes', 'val', 1, num_frames=2, size=SIZE, overwrite=True)
    assert (tmp_path / 'val' / 'holiday.jpg').read_text() == 'precious'


@pytest.mark.parametrize('workers', [1, 2])
@pytest.mark.parametrize('error', [KeyboardInterrupt(), OSError(28, 'No space left on device')])
def test_an_interrupted_split_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, workers: int
) -> None:
    write_split(tmp_path, 'shapes', 'val', 1, num_frames=2, size=SIZE)
    before = contents(tmp_path)

    def fail(_split: str, done: int, _total: int) -> None:
        if done == 2:
            raise error

    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else InputFileError
    for split, overwrite in (('train', False), ('val', True)):
        with pytest.raises(expected):
            write_split(tmp_path, 'shapes', split, 4, 1, 2, SIZE, workers, overwrite, fail)
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ['val']


def test_a_failure_in_a_worker_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(writer, 'write_video', full_disk)
    with pytest.raises(InputFileError, match='train: cannot write there .No space left'):
        write_split(tmp_path, 'shapes', 'train', 4, num_frames=2, size=SIZE, workers=2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('changes', 'named'),
    [
        (dict(variant='forms'), 'variant'),
        (dict(split='a/b'), 'splits'),
        (dict(num_videos=0), 'splits'),
        (dict(seed=-1), 'seed'),
        (dict(num_frames=0), 'frames'),
        (dict(size=(160, 8)), 'size'),
        (dict(workers=0), 'workers'),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, changes: dict, named: str) -> None:
    with pytest.raises(InputError, match=f'^{named}: '):
        write_split(tmp_path / 'new', **{**dict(variant='shapes', split='val', num_videos=1), **changes})
    assert not (tmp_path / 'new').exists()
