"""Values of a run that would fail late are refused at its start, with the field."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.registry import DefaultScope

from mmrcf.engine.config import build_runner, load_config
from mmrcf.engine.config_values import check_parameter_names, check_values
from mmrcf.errors import InputError
from mmrcf.registry import MODELS


def test_a_right_config_passes(tiny_config: Path) -> None:
    check_values(load_config(tiny_config))
    check_values(load_config(tiny_config, dict.fromkeys(('val_dataloader', 'val_cfg', 'val_evaluator'))))
    schedules = [
        dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=2),
        dict(type='CosineAnnealingLR', eta_min_ratio=0.1, by_epoch=False, begin=2, end=3),
        dict(type='MultiStepLR', milestones=[3], by_epoch=False),
    ]
    check_values(load_config(tiny_config, {'param_scheduler': schedules}))  # none ends at 0
    check_values(load_config(tiny_config, {'train_cfg.max_iters': 2}))  # a trial


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (
            {'train_dataloader.batch_size': 'two'},
            "train_dataloader.batch_size='two', expected a whole number, at least 1",
        ),
        ({'train_dataloader.batch_size': True}, 'train_dataloader.batch_size=True, expected a whole number'),
        ({'val_dataloader.num_workers': -1}, 'val_dataloader.num_workers=-1, expected a whole number, at least 0'),
        ({'train_dataloader.dataset': None}, r'train_dataloader.dataset=None, expected dict\(type=...\)'),
        ({'train_cfg.val_interval': 0}, 'train_cfg.val_interval=0, expected a whole number, at least 1'),
        ({'train_cfg.max_iters': 2.5}, 'train_cfg.max_iters=2.5'),
        (
            {'train_dataloader.persistent_workers': True},
            'persistent_workers=True, but num_workers is 0',
        ),
        ({'train_cfg': 5}, 'train_cfg=5, expected a dict'),
        ({'default_hooks.checkpoint.interval': 'x'}, "default_hooks.checkpoint.interval='x', expected .* or -1"),
        ({'default_hooks.other': 3}, r'default_hooks.other=3, expected dict\(type=...\) or None'),
        ({'custom_hooks': ['EMAHook']}, 'custom_hooks=.*, expected a list of dict'),
        ({'optim_wrapper.optimizer': None}, 'optim_wrapper.optimizer=None'),
        ({'optim_wrapper.optimizer.type': 'AdanW'}, "type='AdanW' is no optimizer; did you mean 'AdamW'"),
        ({'optim_wrapper.paramwise_cfg.custom_key': {}}, 'nothing reads custom_key of optim_wrapper.paramwise_cfg'),
        (
            {'optim_wrapper.paramwise_cfg': dict(custom_keys={'backbone': dict(lr_mul=0.1)})},
            r"nothing reads lr_mul of optim_wrapper.paramwise_cfg.custom_keys\['backbone'\]; did you mean 'lr_mult'\?",
        ),
        ({'optim_wrapper.paramwise_cfg': dict(custom_keys={'head': 0.1})}, r"\['head'\]=0.1, expected a dict"),
        ({'param_scheduler': [3]}, 'param_scheduler='),
        (
            {'train_cfg.max_iters': 5},
            'param_scheduler.0: the learning rate is 0 after 4 iterations, and train_cfg.max_iters=5; set '
            'param_scheduler.0.end=5 too',
        ),
        (
            {'param_scheduler': [dict(type='LinearLR', end_factor=0.0, by_epoch=False, end=3)]},
            'param_scheduler.0: the learning rate is 0 after 3 iterations',
        ),
        ({'param_scheduler.0.by_epoch': True}, 'param_scheduler.0: counts epochs, and this training has none'),
        ({'randomness.seed': 'x'}, "randomness.seed='x'"),
        ({'env_cfg.mp_cfg.mp_start_method': 'x'}, 'mp_start_method=.x., expected one of .*spawn'),
        ({'log_level': 'LOUD'}, "log_level='LOUD', expected one of .*INFO"),
        ({'val_cfg': None}, 'has val_dataloader and val_evaluator but no val_cfg; give all three'),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(tiny_config: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError) as error:
        build_runner(load_config(tiny_config, options))
    assert re.search(f'config {tiny_config}: .*{message}', str(error.value)), error.value


def test_keys_that_are_in_no_name_of_a_parameter(tiny_config: Path) -> None:
    def check(*keys: str) -> None:
        settings = {key: dict(lr_mult=0.1, betas=(0.9, 0.95)) for key in keys}
        config = load_config(tiny_config, {'optim_wrapper.paramwise_cfg': dict(custom_keys=settings)})
        check_values(config)
        logger = SimpleNamespace(warning=lambda line, *words: lines.append(line % words))
        check_parameter_names(SimpleNamespace(cfg=config, model=model, logger=logger))

    lines: list[str] = []
    with DefaultScope.overwrite_default_scope('mmrcf'):
        model = MODELS.build(load_config(tiny_config).model)
    check('backbone', 'layer1.0.conv', 'audio_encoder.vggish')  # this model has no audio encoder
    assert not lines
    check('text_tower')
    assert [line[line.index('custom') :] for line in lines] == [
        "custom_keys['text_tower']: no parameter of the model has this in its name, so it has no effect"
    ]
    with pytest.raises(InputError, match=r"custom_keys\['bacbone.layer1'\]: no parameter .* did you mean 'backbone'"):
        check('bacbone.layer1')


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('train_dataloader.dataset.pipeline.9.type', r"pipeline is a list of \d entries, .* got '9'$"),
        ('train_dataloader.dataset.pipeline.first.type', "got 'first'$"),
        ('model.head.num_queries.x', 'model.head.num_queries is 5, which has no fields$'),
    ],
)
def test_a_path_that_leads_nowhere_is_told_where_it_ends(tiny_config: Path, option: str, message: str) -> None:
    with pytest.raises(InputError, match=f'option {option}: does not fit {tiny_config}: .*{message}'):
        load_config(tiny_config, {option: 1})
