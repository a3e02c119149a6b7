"""tools/misc/complete_labels.py: partly labelled images get objects, ignored regions and background."""

import copy
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmrcf.apis import init_model
from mmrcf.datasets import COCOPseudoVideoDataset
from mmrcf.datasets.annotations.segmentation import segmentation_to_rle
from mmrcf.datasets.classes import SHAPES_CLASSES
from mmrcf.errors import InputError

HEIGHT, WIDTH = 64, 96
FIRST = SHAPES_CLASSES[0]


@pytest.fixture(scope='module')
def tool(load_script):
    return load_script('tools/misc/complete_labels.py')


def polygon(left: int) -> list:
    return [[left, 8, left + 20, 8, left + 20, 30, left, 30]]


@pytest.fixture
def content(tmp_path: Path) -> dict:
    """Three partly labelled images, of which the last is for validation, and a full one."""
    images = [
        dict(id=3 + i, file_name=f'{i}.png', height=HEIGHT, width=WIDTH, partial=i in (0, 1, 3)) for i in range(4)
    ]
    annotations = [
        dict(id=10 * (i + 1), image_id=3 + i, category_id=7, iscrowd=0, segmentation=polygon(10 * i)) for i in (0, 2, 3)
    ]
    other = dict(id=2, image_id=5, category_id=9, iscrowd=0, segmentation=polygon(60))
    for image in images:
        pixels = np.random.default_rng(image['id']).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / image['file_name']), pixels)
    categories = [dict(id=7, name='ball'), dict(id=9, name='chair')]
    return dict(images=images, annotations=[*annotations, other], categories=categories)


@pytest.fixture
def arguments(tmp_path: Path, tiny_config: Path, content: dict) -> list[str]:
    """A config with these images, a checkpoint of random weights, and where to write."""
    (tmp_path / 'some.json').write_text(json.dumps(content))
    config = tmp_path / 'coco.py'
    config.write_text(
        f"""_base_ = ['{tiny_config}']
train_dataloader = dict(dataset=dict(
    _delete_=True, type='COCOPseudoVideoDataset', ann_file='some.json', data_root='{tmp_path}',
    metainfo=dict(classes='shapes'), class_map=dict(ball='{FIRST}'), exclude=['3.png'], partly_labelled='partial',
    crowds='ignore'))
"""
    )
    torch.manual_seed(0)
    torch.save(
        dict(
            state_dict=init_model(Config.fromfile(config)).state_dict(),
            meta=dict(dataset_meta=dict(classes=SHAPES_CLASSES)),
        ),
        tmp_path / 'random.pth',
    )
    return [str(config), str(tmp_path / 'random.pth'), '--out', str(tmp_path / 'new' / 'all.json')]


def test_partly_labelled_images_are_completed_and_the_others_stay(tool, arguments, content, tmp_path, capsys) -> None:
    tool.main([*arguments, '--accept-thr', '0.12', '--ignore-thr', '0.01'])
    assert '2 images completed' in capsys.readouterr().out
    new = json.loads((tmp_path / 'new/all.json').read_text())
    assert [category['name'] for category in new['categories']] == list(SHAPES_CLASSES)
    assert [image['partial'] for image in new['images']] == [False, False, False, True]
    kept = [item for item in new['annotations'] if item['image_id'] in (5, 6)]
    expected = [item | dict(category_id=1) for item in content['annotations'] if item['category_id'] == 7]
    assert kept == [item for item in expected if item['image_id'] in (5, 6)]
    assert expected[0] in new['annotations']
    ids = [item['id'] for item in new['annotations']]
    assert len(ids) == len(set(ids))
    added = [item for item in new['annotations'] if item not in expected]
    assert added and {item['image_id'] for item in added} <= {3, 4}
    assert all(item['iscrowd'] or item['score'] >= 0.12 for item in added)

    dataset = COCOPseudoVideoDataset(
        'new/all.json',
        data_root=str(tmp_path),
        metainfo=dict(classes='shapes'),
        partly_labelled='partial',
        crowds='ignore',
        pipeline=[],
        drop_empty_images=False,
        num_references=0,
    )
    for index in (0, 1):
        instances = dataset.get_data_info(index)['instances'][0]
        rles = [dict(size=[HEIGHT, WIDTH], counts=item['counts']) for item in instances]
        assert sum(tool.mask_utils.decode(rle) for rle in rles).max() == 1


def test_an_uncertain_object_is_completed_although_a_track_begins_with_a_higher_score(
    tool, arguments, tmp_path
) -> None:
    tool.main([*arguments, '--accept-thr', '0.12', '--ignore-thr', '0.01'])
    expected = json.loads((tmp_path / 'new/all.json').read_text())
    with open(arguments[0], 'a') as config:
        config.write('model = dict(tracker=dict(start_score=1.0))\n')
    tool.main([*arguments, '--accept-thr', '0.12', '--ignore-thr', '0.01'])
    assert json.loads((tmp_path / 'new/all.json').read_text()) == expected


def test_a_threshold_of_one_adds_no_object_and_a_high_ignore_threshold_nothing(tool, arguments, tmp_path) -> None:
    tool.main([*arguments, '--accept-thr', '1', '--ignore-thr', '0.01'])
    added = json.loads((tmp_path / 'new/all.json').read_text())['annotations'][3:]
    assert added and all(item['iscrowd'] for item in added)
    tool.main([*arguments, '--accept-thr', '1', '--ignore-thr', '0.999'])
    assert len(json.loads((tmp_path / 'new/all.json').read_text())['annotations']) == 3


def test_of_a_class_that_is_labelled_completely_nothing_is_added(tool, arguments, content, tmp_path) -> None:
    content['images'][1]['complete'] = list(SHAPES_CLASSES)
    (tmp_path / 'some.json').write_text(json.dumps(content))
    tool.main([*arguments, '--accept-thr', '0.12', '--ignore-thr', '0.01'])
    new = json.loads((tmp_path / 'new/all.json').read_text())
    assert [image['partial'] for image in new['images']] == [False, False, False, True]
    assert {item['image_id'] for item in new['annotations'][3:]} == {3}


def test_a_wrong_list_of_complete_classes_is_refused_by_name(tool, arguments, content, tmp_path, capsys) -> None:
    content['images'][1]['complete'] = ['ball']
    (tmp_path / 'some.json').write_text(json.dumps(content))
    with pytest.raises(SystemExit):
        tool.main(arguments)
    assert "some.json: image 4: 'complete' is ['ball'], expected a list of names among" in capsys.readouterr().err


def test_a_data_set_of_a_joint_one_is_chosen_by_its_index(tool, arguments) -> None:
    config = Config.fromfile(arguments[0])
    single = config.train_dataloader.dataset
    config.train_dataloader.dataset = dict(type='JointDataset', datasets=[dict(type='YouTubeVISDataset'), single])
    assert len(tool.training_set(config, 1)) == 3
    with pytest.raises(InputError, match='has 2 data sets; choose one with --dataset 0 to 1'):
        tool.training_set(config)
    with pytest.raises(InputError, match=r'datasets\[0\] is .YouTubeVISDataset'):
        tool.training_set(config, 0)
    with pytest.raises(InputError, match='is a single data set; leave out --dataset'):
        tool.training_set(Config.fromfile(arguments[0]), 0)


def test_thresholds_of_all_and_of_single_classes(tool) -> None:
    assert tool.thresholds(['b=0.9', '0.5'], ['a', 'b', 'c'], 'accept-thr') == [0.5, 0.9, 0.5]


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ('--accept-thr nose=0.4', "no class 'nose'"),
        ('--accept-thr half', 'expected a number'),
        ('--ignore-thr 0', 'above 0, at most 1'),
        (f'--accept-thr {FIRST}=0.5', 'no score for'),
        ('--accept-thr 0.2 --ignore-thr 0.3', 'lower it'),
        ('--accept-thr 1 --ignore-thr 1', 'lower it'),
    ],
)
def test_wrong_scores_are_refused_by_name(tool, arguments, options: str, words: str, capsys) -> None:
    with pytest.raises(SystemExit):
        tool.main([*arguments, *options.split()])
    assert words in capsys.readouterr().err
    assert not Path(arguments[-1]).exists()


def test_a_training_set_without_partly_labelled_images_is_refused(tool, tiny_config: Path) -> None:
    with pytest.raises(InputError, match='YouTubeVISDataset.*expected a COCOPseudoVideoDataset'):
        tool.training_set(Config.fromfile(tiny_config))


def test_an_interrupted_run_leaves_no_file(tool, arguments, content, tmp_path, monkeypatch) -> None:
    (tmp_path / content['images'][1]['file_name']).unlink()
    with pytest.raises(SystemExit):
        tool.main(arguments)
    assert list((tmp_path / 'new').iterdir()) == []


def test_labelled_pixels_of_polygons_and_of_none(tool) -> None:
    item = dict(segmentation=polygon(4))
    area = tool.mask_utils.area(segmentation_to_rle(polygon(4), HEIGHT, WIDTH))
    assert tool.labelled_pixels([item, copy.deepcopy(item)], HEIGHT, WIDTH).sum() == area
    assert not tool.labelled_pixels([], HEIGHT, WIDTH).any()


@pytest.mark.parametrize(
    ('old', 'new', 'words'),
    [
        ("crowds='ignore'", "crowds='drop'", "dataset.crowds='drop', expected 'ignore'"),
        ("metainfo=dict(classes='shapes')", f'metainfo=dict(classes={SHAPES_CLASSES[::-1]})', 'has the classes'),
    ],
)
def test_a_training_set_that_does_not_fit_is_refused(tool, arguments, old, new, words, capsys) -> None:
    config = Path(arguments[0])
    config.write_text(config.read_text().replace(old, new))
    with pytest.raises(SystemExit):
        tool.main(arguments)
    assert words in capsys.readouterr().err
    assert not Path(arguments[-1]).exists()


def test_without_partly_labelled_images_the_labels_stay_as_they_are(tool, arguments, content, tmp_path, caplog) -> None:
    config = Path(arguments[0])
    config.write_text(config.read_text().replace("partly_labelled='partial'", "partly_labelled='other'"))
    tool.main(arguments)
    assert "no image has a true field 'other'" in caplog.text
    new = json.loads((tmp_path / 'new/all.json').read_text())
    assert new['images'] == content['images']
    assert [item['id'] for item in new['annotations']] == [10, 30, 40]


def test_the_file_that_is_read_is_not_written(tool, arguments, tmp_path, capsys) -> None:
    before = (tmp_path / 'some.json').read_bytes()
    with pytest.raises(SystemExit):
        tool.main([*arguments[:-1], str(tmp_path / 'new' / '..' / 'some.json')])
    assert 'give another name' in capsys.readouterr().err and (tmp_path / 'some.json').read_bytes() == before
