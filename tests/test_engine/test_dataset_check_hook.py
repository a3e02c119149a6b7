from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmrcf.datasets.classes import SHAPES_CLASSES
from mmrcf.engine import DatasetCheckHook
from mmrcf.errors import InputError
from mmrcf.registry import DATASETS, MODELS


@pytest.fixture
def runner(tiny_config):
    init_default_scope('mmrcf')
    config = Config.fromfile(tiny_config)
    dataset = DATASETS.build(config.train_dataloader.dataset)
    return SimpleNamespace(
        model=MODELS.build(config.model), train_dataloader=SimpleNamespace(dataset=dataset), val_loop=None
    )


def test_a_model_that_fits_passes(runner) -> None:
    DatasetCheckHook().before_train(runner)


def test_other_classes_are_refused(runner) -> None:
    runner.model.head.num_classes = 7
    with pytest.raises(InputError, match='model: num_classes=7, but the training data has 8 classes'):
        DatasetCheckHook().before_train(runner)


def test_other_references_are_refused(runner) -> None:
    runner.train_dataloader.dataset.num_references = 2
    with pytest.raises(InputError, match='model.neck.num_references=1, but the training data has num_references=2'):
        DatasetCheckHook().before_train(runner)


def test_more_objects_than_queries_are_refused(runner, with_paste) -> None:
    runner.train_dataloader.dataset.max_objects = 6
    with pytest.raises(InputError, match='max_objects=6, but the model has num_queries=5'):
        DatasetCheckHook().before_train(runner)
    config = with_paste()
    config['pipeline'][2]['max_total'] = 5
    check(runner, config)
    config['pipeline'][2]['max_total'] = 6
    with pytest.raises(InputError, match='VideoCopyPaste: max_total=6, but the model has num_queries=5'):
        check(runner, config)


def test_objects_beyond_the_queries_are_counted(runner, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    monkeypatch.setattr('mmrcf.engine.hooks.dataset_check_hook.print_log', lambda line, *_: lines.append(line))
    dataset = runner.train_dataloader.dataset
    dataset.full_init()
    assert dataset.object_counts.tolist() == [2] * 16  # four videos of four frames
    runner.model.head.num_queries = 2
    DatasetCheckHook().before_train(runner)
    assert not lines
    dataset.object_counts[3] = 5
    DatasetCheckHook().before_train(runner)
    (line,) = lines
    assert '1 of 16 frames have more objects than num_queries=2; 3 of 35 objects get no query' in line


@pytest.fixture
def with_paste(tiny_ytvis):
    """``with_paste(**changes)``: a data set config, and into its clips are pasted objects of itself, changed."""
    part = dict(
        type='YouTubeVISDataset',
        data_root=str(tiny_ytvis),
        ann_file='train/instances.json',
        data_prefix=dict(img='train/JPEGImages'),
        metainfo=dict(classes='shapes'),
    )
    load = [dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations')]

    def config(**changes: object) -> dict:
        paste = dict(type='VideoCopyPaste', prob=0.0, sources=[part | dict(pipeline=load) | changes])
        return part | dict(pipeline=[*load, paste, dict(type='PackClip')])

    return config


def check(runner, config: dict) -> None:
    runner.train_dataloader.dataset = DATASETS.build(config)
    DatasetCheckHook().before_train(runner)


def test_pasted_objects_that_fit_pass(runner, with_paste) -> None:
    check(runner, with_paste())
    check(runner, dict(type='JointDataset', datasets=[with_paste(), with_paste()]))


def test_pasted_objects_of_other_classes_are_refused(runner, with_paste) -> None:
    wrong = with_paste(metainfo=dict(classes=SHAPES_CLASSES[::-1]))
    message = r'dataset: VideoCopyPaste: the sources have the classes .* has .*; set the same metainfo\.classes'
    with pytest.raises(InputError, match=message) as error_info:
        check(runner, wrong)
    assert str(SHAPES_CLASSES[::-1]) in str(error_info.value) and str(SHAPES_CLASSES) in str(error_info.value)
    with pytest.raises(InputError, match=r'dataset\.datasets\[1\]: VideoCopyPaste: the sources have the classes'):
        check(runner, dict(type='JointDataset', datasets=[with_paste(), wrong]))


def test_pasted_objects_of_clips_of_another_length_are_refused(runner, with_paste) -> None:
    wrong = with_paste(num_targets=3)
    with pytest.raises(InputError, match=r'the sources give clips of 4 frames, but the data set of 2; set .*targets'):
        check(runner, wrong)
    with pytest.raises(InputError, match=r'dataset\.datasets\[0\]: VideoCopyPaste: .* of 4 frames'):
        check(runner, dict(type='JointDataset', datasets=[wrong, with_paste()]))


def test_a_paste_inside_another_transform_is_checked(runner, with_paste) -> None:
    config = with_paste(metainfo=dict(classes=SHAPES_CLASSES[::-1]))
    load, more, paste, pack = config['pipeline']
    config['pipeline'] = [load, more, dict(type='mmcv.RandomApply', transforms=[paste], prob=0.5), pack]
    with pytest.raises(InputError, match='VideoCopyPaste: the sources have the classes'):
        check(runner, config)


def test_every_run_has_the_check(tiny_config) -> None:
    assert 'DatasetCheckHook' in [hook.type for hook in Config.fromfile(tiny_config).custom_hooks]
