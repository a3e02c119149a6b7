"""tools/misc/browse_dataset.py: training clips of any config as a picture."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmrcf.visualization import draw_clip, stack_rows, track_color

JOINT_CONFIG = """
_base_ = ['{tiny_config}']

_part = dict(
    type='YouTubeVISDataset',
    data_root='{data_root}',
    ann_file='train/instances.json',
    data_prefix=dict(img='train/JPEGImages'),
    metainfo=dict(classes='shapes'),
    pipeline=[dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations'), dict(type='PackClip')],
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='JointSampler', weights=[1.0, 3.0]),
    dataset=dict(_delete_=True, type='JointDataset', num_references=2, num_targets=1, datasets=[_part, _part]),
)
"""


@pytest.fixture
def browse(load_script):
    return load_script('tools/misc/browse_dataset.py').main


def test_a_row_a_clip_and_the_same_under_a_seed(browse, tiny_config: Path, tmp_path: Path, capsys) -> None:
    pictures = []
    for name, seed in (('a.png', 1), ('b.png', 1), ('c.png', 2)):
        browse([str(tiny_config), '--out', str(tmp_path / name), '--clips', '3', '--height', '64', '--seed', str(seed)])
        pictures.append(cv2.imread(str(tmp_path / name)))
    assert 'a.png: 3 clips' in capsys.readouterr().out
    first, again, other = pictures
    assert first.shape[0] == 3 * 64 + 2 * 4
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.png', 'b.png', 'c.png']


def test_joint_data_sets_with_their_sampler(browse, tiny_config: Path, tiny_ytvis: Path, tmp_path: Path) -> None:
    config = tmp_path / 'joint.py'
    config.write_text(JOINT_CONFIG.format(tiny_config=tiny_config, data_root=tiny_ytvis))
    out = tmp_path / 'joint.png'
    browse([str(config), '--out', str(out), '--clips', '2', '--height', '32'])
    assert cv2.imread(str(out)).shape == (2 * 32 + 4, 3 * 48 + 2 * 4, 3)


def test_bad_input_is_named_and_leaves_nothing(browse, tiny_config: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / 'out.png'
    wrong = [
        (['--clips', '0'], '--clips 0'),
        (['--out', str(tmp_path / 'out.gif')], 'out.gif'),
        (['--cfg-options', 'train_dataloader.dataset.ann_file=none.json'], 'none.json'),
        (['--cfg-options', 'train_dataloader.dataset.max_gapp=2'], 'max_gapp'),
        (['--cfg-options', 'train_dataloader=None'], 'has no train_dataloader'),
    ]
    for arguments, message in wrong:
        with pytest.raises(SystemExit) as exit_info:
            browse([str(tiny_config), '--out', str(out), *arguments])
        assert exit_info.value.code == 2
        assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_picture_that_cannot_be_written_leaves_nothing(
    load_script, tiny_config: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load_script('tools/misc/browse_dataset.py')
    # OpenCV writes no JPEG of that width, and says so by returning False only.
    monkeypatch.setattr(module, 'stack_rows', lambda rows: np.zeros((16, 70000, 3), np.uint8))
    with pytest.raises(SystemExit):
        module.main([str(tiny_config), '--out', str(tmp_path / 'wide.jpg'), '--clips', '1'])
    assert 'wide.jpg: a picture of 70000 x 16 (width x height) cannot be written' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_fields_of_loader_processes_are_left_out(browse, tiny_config: Path, tmp_path: Path) -> None:
    fields = dict(num_workers=2, prefetch_factor=4, timeout=60, multiprocessing_context='fork')
    options = [f'train_dataloader.{name}={value}' for name, value in fields.items()]
    browse([str(tiny_config), '--out', str(tmp_path / 'a.png'), '--clips', '1', '--cfg-options', *options])
    assert [path.name for path in tmp_path.iterdir()] == ['a.png']


def sample(masks: np.ndarray, ignored: np.ndarray | None = None) -> DetDataSample:
    height, width = masks.shape[1:]
    count = len(masks)
    result = DetDataSample(
        gt_instances=InstanceData(
            masks=BitmapMasks(masks, height, width),
            labels=torch.zeros(count, dtype=torch.int64),
            instances_ids=torch.arange(1, count + 1),
        )
    )
    if ignored is not None:
        result.ignored_instances = InstanceData(masks=BitmapMasks(ignored[None], height, width))
    return result


def test_objects_have_the_colour_of_their_track_id_and_ignored_regions_are_dim() -> None:
    masks = np.zeros((2, 60, 90), np.uint8)
    masks[0, 30:50, 10:30] = masks[1, 30:50, 40:60] = 1
    ignored = np.zeros((60, 90), np.uint8)
    ignored[:, 70:] = 1
    frames = torch.full((2, 3, 60, 90), 120, dtype=torch.uint8)
    row = draw_clip(frames, [sample(masks, ignored), sample(masks[:0])], ['thing'], 120)
    assert row.shape == (120, 2 * 180 + 4, 3)
    first, second = row[:, :180], row[:, 184:]
    for index, left in enumerate((10, 40)):
        pixel = first[80, 2 * left + 20]
        assert np.abs(pixel - (0.55 * 120 + 0.45 * np.array(track_color(index + 1)))).max() < 3
    assert first[:, 142:].mean() < 80 and (first[:, 142:] == 160).any()
    assert (second == 120).all()
    assert (draw_clip(frames[:1], [DetDataSample()], ['thing'], 30) == 120).all()


def test_rows_of_different_widths() -> None:
    sheet = stack_rows([np.zeros((10, 20, 3), np.uint8), np.zeros((12, 30, 3), np.uint8)])
    assert sheet.shape == (10 + 4 + 12, 30, 3)
    assert (sheet[:10, 20:] == 255).all() and (sheet[14:] == 0).all()
