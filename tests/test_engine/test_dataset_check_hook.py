from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmrcf.engine import DatasetCheckHook
from mmrcf.errors import InputError
from mmrcf.registry import DATASETS, MODELS


@pytest.fixture
def runner(tiny_config):
    init_default_scope('mmrcf')
    config = Config.fromfile(tiny_config)
    dataset = DATASETS.build(config.train_dataloader.dataset)
    return SimpleNamespace(model=MODELS.build(config.model), train_dataloader=SimpleNamespace(dataset=dataset))


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


def test_every_run_has_the_check(tiny_config) -> None:
    assert 'DatasetCheckHook' in [hook.type for hook in Config.fromfile(tiny_config).custom_hooks]
