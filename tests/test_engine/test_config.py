"""Configs are read, overridden and explained: the user's mistakes get one line, bugs keep their traceback."""

import argparse
import re
import shlex
import sys
import urllib.error
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmrcf.command_line import add_cfg_options
from mmrcf.engine.config import build_runner, load_config, metric_configs, pin_memory, set_threads, set_work_dir
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.errors import InputError, InputFileError
from mmrcf.inputs import kept_inputs
from mmrcf.registry import MODELS
from mmrcf.utils import atomic_output

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(in_tmp_path: Path) -> Config:
    Path('some.py').touch()
    return Config(dict(model=dict(type='mmdet.ResNet', depth=18), data={'size': 3, 'a-b': 1}), filename='some.py')


def test_metrics_are_given_alone_or_in_a_list_or_a_tuple(in_tmp_path: Path) -> None:
    Path('a.py').write_text(
        "model = dict(type='RCF')\n"
        "val_evaluator = dict(type='A')\n"
        "test_evaluator = (dict(type='A'), dict(type='B'))\n"
        "test_sets = dict(own=dict(evaluator=(dict(type='C'),)))\n"
    )
    config = load_config('a.py', {'test_evaluator.1.ann_file': 'b.json'})
    assert metric_configs(config, 'val') == [dict(type='A')]
    assert metric_configs(config, 'test') == [dict(type='A'), dict(type='B', ann_file='b.json')]
    assert config.test_sets.own.evaluator == [dict(type='C')]


def test_options_change_fields_and_items_of_lists(tiny_config: Path) -> None:
    options = {'model.score_thr': 0.2, 'train_dataloader.dataset.pipeline.0.type': 'Other', 'randomness.seed': 5}
    config = load_config(tiny_config, options)
    assert config.model.score_thr == 0.2
    assert config.train_dataloader.dataset.pipeline[0].type == 'Other'
    assert config.randomness.seed == 5


@pytest.mark.parametrize(
    'options',
    [
        {'param_scheduler.9.power': 1.0},
        {'model.type.x': 1},
        {'modle.score_thr': 1},
        {'env_cfg.cudnn_benchmrk': True},
        {'auto_scale_lr.enabled': True},
        {'data_preprocessor.mean': [0, 0, 0]},
    ],
)
def test_options_that_fit_nothing_are_refused(tiny_config: Path, options: dict) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        load_config(tiny_config, options)


WEIGHTS = 'model.head.loss_cls.class_weight=[1.0,1.0,1.0,0.1]'


@pytest.mark.parametrize(
    ('config', 'option', 'value', 'instead'),
    [
        ('rcf/rcf_r101_ytvis19', 'max_iters', '30', ['param_scheduler.1.end=30', 'train_cfg.max_iters=30']),
        ('rcf/rcf_r101_ytvis19', 'num_references', '3', ['model.neck.num_references=3']),
        ('rcf/rcf_r101_ytvis19', 'num_classes', '3', ['model.head.num_classes=3', WEIGHTS]),
        ('rcf/rcf_r101_ytvis19', 'batch_size', '4', ['train_dataloader.batch_size=4', 'test_dataloader.batch_size=4']),
        ('rcf_av/rcf-av_r50_aviseg', 'lr', '1e-05', ['optim_wrapper.optimizer.lr=1e-05']),
        (
            'rcf_av/rcf-av_r50_aviseg',
            'embed_dims',
            '64',
            [f'model.{part}=64' for part in ('neck.embed_dims', 'mask_decoder.token_dims', 'head.embed_dims')]
            + ['model.audio_encoder.embed_dims=64'],
        ),
        ('shapes/rcf_r18_shapes', 'scale', '[320,192]', ['train_dataloader.dataset.pipeline.2.scale=[320,192]']),
        ('shapes/rcf-av_r18_shapes-av_ablation', 'max_iters', '7', None),
        (
            'baselines/masktrack-rcnn_r50_ytvis19',
            'num_classes',
            '3',
            [f'model.detector.roi_head.{head}_head.num_classes=3' for head in ('bbox', 'mask')],
        ),
        (
            'shapes/rcf_r18_shapes',
            'vis_backends',
            '[dict(type=TensorboardVisBackend)]',
            ['visualizer.vis_backends.0.type=TensorboardVisBackend'],
        ),
        ('rcf/rcf_r101_ytvis19', 'dataset_type', 'Other', None),
        ('real/rcf_r18_stills_320', 'coco.max_objects', '3', None),
        ('real/rcf_r18_stills_320', 'classes', '[a,b]', None),
    ],
)
def test_a_variable_or_a_short_name_is_refused_with_the_fields_that_do_it(
    config: str, option: str, value: str, instead: list[str] | None
) -> None:
    path = REPOSITORY / f'configs/{config}.py'
    with pytest.raises(InputError, match=f'option {option}: ') as error:
        load_config(path, parse_options(f'{option}={value}'))
    offered = shlex.split(re.search(r'(?:give|of that name:) (.+)', str(error.value))[1])
    assert offered == (instead or offered)
    changed = load_config(path, parse_options(*offered)).to_dict()
    assert changed != load_config(path).to_dict()


def test_the_fields_that_are_offered_make_the_config_that_a_changed_variable_makes(in_tmp_path: Path) -> None:
    base = (
        'count = 4\nmodel = dict(head=dict(count=count, weights=[1.0] * count + [0.1]), heads=4, items=[dict(n=4)])\n'
    )
    top = "_base_ = './base.py'\nmodel = dict(neck=dict(sizes=[{{_base_.count}}]), items=[dict(n={{_base_.count}})])\n"
    Path('base.py').write_text(base)
    Path('top.py').write_text(top)
    with pytest.raises(InputError, match='option count: is a variable that top.py used') as error:
        load_config('top.py', {'count': 2})
    offered = shlex.split(str(error.value).partition(', give ')[2])
    changed = load_config('top.py', parse_options(*offered))
    Path('base.py').write_text(base.replace('count = 4', 'count = 2'))
    assert changed.model == load_config('top.py').model
    assert changed.model.heads == 4


def test_without_a_right_field_none_is_offered(in_tmp_path: Path) -> None:
    Path('some.py').write_text("unused = 4\nmodel = dict(type='RCF', num_heads=4)\n")
    with pytest.raises(InputError, match='option unused: .* has no effect; no field has its value$'):
        load_config('some.py', {'unused': 3})
    with pytest.raises(InputError, match='has no field num_queries; check the spelling$'):
        load_config('some.py', {'num_queries': 3})


def parse_options(*texts: str) -> dict:
    parser = argparse.ArgumentParser()
    add_cfg_options(parser)
    return parser.parse_args(['--cfg-options', *texts]).cfg_options


def test_a_value_can_be_a_list_of_parts() -> None:
    assert parse_options('a.b=[dict(type=LocalVisBackend),dict(type=x.Y,scale=-2.5,on=True,name="a b")]') == {
        'a.b': [dict(type='LocalVisBackend'), dict(type='x.Y', scale=-2.5, on=True, name='a b')]
    }
    assert parse_options("a={'b': (1, 2)}") == {'a': {'b': [1, 2]}}
    assert parse_options('a=[1,2]') == {'a': [1, 2]} and parse_options('a=dictionary') == {'a': 'dictionary'}
    for text in ('a=dict(__import__("os"))', 'a=[dict(a=f(1))]', 'a=dict(a=1', 'a=dict(**b)'):
        with pytest.raises(SystemExit):
            parse_options(text)


def test_an_error_that_no_field_explains_stays_as_it_is(config: Config) -> None:
    for error in (TypeError("f() got an unexpected keyword argument 'x'"), KeyError('x'), ValueError('x')):
        with pytest.raises(type(error)) as caught, explained_config_errors(config):
            raise error
        assert caught.value is error


@pytest.mark.parametrize(
    ('error', 'words'),
    [
        (TypeError("g() got an unexpected keyword argument 'size'"), r'some.py: data.size: g takes no such key'),
        (
            TypeError("ResNet.__init__() missing 1 required positional argument: 'depth'"),
            r"model: ResNet needs 'depth'",
        ),
        (TypeError("g() got an unexpected keyword argument 'a-b'"), r'some.py: data.a-b: g takes no such key'),
        (KeyError('mmdet.ResNet is not in the mmdet::model registry. Please ...'), r"model.type='mmdet.ResNet'"),
        (TypeError("type must be a str or valid type, but got <class 'int'>"), 'a part has a type that is'),
        (urllib.error.URLError('no network'), 'download of initial weights failed'),
        (FileNotFoundError(2, 'No such file or directory', 'data/x.json'), 'data/x.json: no such file'),
    ],
)
def test_an_error_about_a_field_names_it(config: Config, error: Exception, words: str) -> None:
    with pytest.raises(InputError, match=words), explained_config_errors(config):
        raise error


def test_a_value_that_a_constructor_refuses_is_named(config: Config) -> None:
    config.model.depth = 19
    with pytest.raises(InputError, match='model: invalid depth 19'), explained_config_errors(config):
        MODELS.build(config.model)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'model.neck': None}, 'model.neck is None, expected dict'),
        ({'model.neck': 'RobustContextFusion'}, "model.neck is 'RobustContextFusion', expected dict"),
        ({'model.head.loss_cls': 3}, 'model.head.loss_cls is 3, expected dict'),
        ({'model': 'RCF'}, "a part is 'RCF', expected dict"),
        ({'model.neck': []}, "model: 'Sequential' object has no attribute 'embed_dims'; change that value"),
        ({'model.tracker.type': ''}, "model.tracker.type='' is no name of a class"),
        ({'model.tracker.type': '../x'}, "model.tracker.type='../x' is no name of a class"),
        ({'model.head.num_queries': -1}, 'model.head: head.num_queries=-1: expected a whole number, at least 1'),
        ({'model.data_preprocessor.mean': [1, 2]}, 'model.data_preprocessor: .* three numbers'),
        ({'model.data_preprocessor.pad_size_divisor': 0}, 'pad_size_divisor=0: expected at least 1'),
        ({"model.sco'\nre": 1}, r'model."sco\'\\nre": RCF takes no such key'),
    ],
)
def test_what_a_part_cannot_be_built_of_is_named(tiny_config: Path, options: dict, message: str) -> None:
    config = load_config(tiny_config, options)
    with (
        pytest.raises(InputError, match=message),
        explained_config_errors(config),
        DefaultScope.overwrite_default_scope('mmrcf'),
    ):
        MODELS.build(config.model)


def test_a_value_of_the_wrong_type_and_a_missing_package_are_named(tiny_config: Path, tmp_path: Path) -> None:
    for backends, message in (
        (['LocalVisBackend'], 'vis_backends must be a list of dicts'),
        ([dict(type='TensorboardVisBackend')], 'tensorboard'),
    ):
        config = load_config(tiny_config, {'visualizer.vis_backends': backends})
        config.work_dir = str(tmp_path)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(InputError, match=f'config .*{message}'):
            patch.setitem(sys.modules, 'torch.utils.tensorboard', None)
            patch.setitem(sys.modules, 'tensorboardX', None)
            build_runner(config)


def test_the_work_dir_follows_argument_config_and_name(config: Config, in_tmp_path: Path) -> None:
    set_work_dir(config, None)
    assert config.work_dir == 'work_dirs/some'
    set_work_dir(config, 'else')
    assert config.work_dir == 'else' and Path('else').is_dir()
    Path('file').touch()
    with pytest.raises(InputFileError, match='file/x'):
        set_work_dir(config, 'file/x')


def test_threads_of_the_environment_come_first(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    config.num_threads = before + 1
    monkeypatch.setenv('OMP_NUM_THREADS', str(before))
    set_threads(config)
    assert torch.get_num_threads() == before
    monkeypatch.delenv('OMP_NUM_THREADS')
    try:
        set_threads(config)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_loaders_pin_memory_unless_the_config_says_otherwise(tiny_config) -> None:
    config = load_config(tiny_config, {'val_dataloader.pin_memory': False, 'test_dataloader': None})
    pin_memory(config)
    assert config.train_dataloader.pin_memory and not config.val_dataloader.pin_memory


def test_two_runs_within_a_second_have_logs_of_their_own(tiny_config, tmp_path) -> None:
    runs = []
    for name in ('first', 'second'):
        config = load_config(tiny_config)
        config.work_dir = str(tmp_path / name)
        runs.append(build_runner(config))
    assert runs[0].experiment_name != runs[1].experiment_name
    assert all(list((tmp_path / name).glob('*/*.log')) for name in ('first', 'second'))


@pytest.mark.parametrize('randomness', [dict(deterministic=False), None])
def test_randomness_needs_no_seed(tiny_config: Path, tmp_path: Path, randomness: dict | None) -> None:
    config = load_config(tiny_config)
    config.randomness, config.work_dir = randomness, str(tmp_path)
    assert build_runner(config).seed is not None


def test_the_bases_of_a_config_are_inputs_too(in_tmp_path: Path) -> None:
    Path('deep.py').write_text('a = 1\n')
    Path('base.py').write_text("_base_ = './deep.py'\nmodel = dict(type='RCF')\n")
    Path('top.py').write_text("_base_ = ['./base.py']\n")
    with kept_inputs():
        load_config('top.py')
        for name in ('top.py', 'base.py', 'deep.py'):
            with pytest.raises(InputError, match='is an input of this command'), atomic_output(name):
                pass


@pytest.mark.parametrize(('field', 'meant'), [('modle', 'model'), ('train_dataloder', 'train_dataloader')])
def test_a_misspelt_field_of_a_file_is_no_variable(in_tmp_path: Path, field: str, meant: str) -> None:
    Path('some.py').write_text(f"model = dict(type='RCF')\ndata_root = 'x'\n{field} = dict(a=1)\n")
    with pytest.raises(InputError, match=f"some.py: has a field {field}, which nothing reads; did you mean '{meant}'"):
        load_config('some.py')
