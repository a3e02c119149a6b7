"""Every config builds from the parts it names, trains a step and tracks a frame."""

import contextlib
import json
from functools import partial
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import load_state_dict

from mmrcf.engine.config import load_config
from mmrcf.engine.stages import plan_stages
from mmrcf.errors import InputError
from mmrcf.models import RCF
from mmrcf.registry import MODELS

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIGS = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (REPOSITORY / 'configs').rglob('*.py')
    if '_base_' not in path.parts
)
RCF_CONFIGS = [path for path in CONFIGS if 'crops' not in path and path.split('/')[1] not in ('baselines', 'minvis')]
# Those of MinVIS take the weights of an image model: nothing is trained.
TRAINED = [path for path in CONFIGS if path.split('/')[1] != 'minvis']


def named_parts(node, path: str = ''):
    """All (path, type) pairs below a config node."""
    if isinstance(node, dict):
        if isinstance(node.get('type'), str):
            yield path, node['type']
        for key, value in node.items():
            yield from named_parts(value, f'{path}.{key}' if path else key)
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from named_parts(value, f'{path}.{index}')


def small(config: Config) -> Config:
    """No downloads, and the deepest stages cut short: the parts and the widths stay what the config says."""
    config.model.backbone.init_cfg = None
    if config.model.backbone.get('depth') == 101:
        config.model.backbone.depth = 50
    if config.model.backbone.type == 'mmdet.SwinTransformer':
        config.model.backbone.depths = [1, 1, 1, 1]
        config.model.backbone.convert_weights = False
    return config


@pytest.mark.parametrize('path', CONFIGS)
def test_every_part_of_the_model_and_the_data_comes_from_where_its_name_says(path: str) -> None:
    config = Config.fromfile(REPOSITORY / path)
    from mmrcf import registry

    init_default_scope('mmrcf')
    registries = [registry.MODELS, registry.TASK_UTILS, registry.DATASETS, registry.TRANSFORMS, registry.DATA_SAMPLERS]
    sections = ('model', 'train_dataloader', 'val_dataloader', 'test_dataloader')
    parts = [part for name in sections for part in named_parts(config.get(name), name)]
    assert len(parts) >= 5
    for where, name in parts:
        # Layers and operators that mmcv finds by name, in no registry of ours.
        if where.endswith(('init_cfg', 'norm_cfg', 'roi_layer', 'nms')):
            continue
        package, _, bare = name.rpartition('.')
        found = [r.get(name) for r in registries if _registered(r, name)]
        assert found, f'{path}: {where}.type={name!r} is registered nowhere'
        assert found[0].__module__.split('.')[0] == (package or 'mmrcf'), f'{path}: {where}.type={name!r}'
        assert found[0].__name__ == bare


def _registered(registry, name: str) -> bool:
    """Whether a registry or its siblings know a name, without MMEngine's warning about the ones that do not."""
    scope, _, bare = name.rpartition('.')
    if not scope:
        registry.import_from_location()
        return bare in registry.module_dict
    return registry.get(name) is not None


@pytest.fixture(scope='module')
def passed() -> set[str]:
    """Parts of configs with which a test has passed: many configs differ in their data alone."""
    return set()


def text_of(*parts: object) -> str:
    return json.dumps(parts, sort_keys=True)


@pytest.mark.slow
@pytest.mark.parametrize('path', RCF_CONFIGS)
def test_every_config_trains_a_step_and_tracks_a_frame(path: str, passed: set[str], make_training_clip) -> None:
    config = small(Config.fromfile(REPOSITORY / path))
    init_default_scope('mmrcf')
    dataset = config.train_dataloader.dataset
    num_references, num_targets = dataset.num_references, dataset.num_targets
    assert num_references == config.model.neck.get('num_references', 0), 'dataset and neck disagree'
    key = text_of('step', config.model.to_dict(), num_targets)
    if key in passed:
        return
    model: RCF = MODELS.build(config.model)
    frames, sample = make_training_clip(num_references + num_targets, 64, 96)
    model.train()
    losses = model.loss({'img': frames}, [sample])
    total = sum(losses.values())
    total.backward()
    assert torch.isfinite(total)
    # Every part takes part: with several ranks a parameter without a gradient stops the run.
    missing = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not missing
    model.eval()
    result, state = model.step(frames[0, :1], model.init_state(), img_shape=(64, 96), ori_shape=(64, 96))
    assert result.masks.shape[1:] == (64, 96)
    assert state.frame_index == 1
    passed.add(key)


def test_a_frame_without_objects_and_without_auxiliary_losses_leaves_no_parameter_out(make_training_clip) -> None:
    config = small(Config.fromfile(REPOSITORY / 'configs/shapes/rcf_r18_shapes.py'))
    init_default_scope('mmrcf')
    config.model.head.auxiliary_loss = False
    model = MODELS.build(config.model).train()
    frames, sample = make_training_clip(3, 64, 96)
    for frame in sample.video_data_samples:
        frame.gt_instances = frame.gt_instances[:0]
    sum(model.loss({'img': frames}, [sample]).values()).backward()
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


@pytest.mark.parametrize('dtype', [torch.bfloat16])
def test_losses_under_autocast_are_those_of_float32(make_training_clip, dtype) -> None:
    config = small(Config.fromfile(REPOSITORY / 'configs/shapes/rcf_r18_shapes.py'))
    init_default_scope('mmrcf')
    torch.manual_seed(0)
    model = MODELS.build(config.model).eval()
    frames, sample = make_training_clip(3, 64, 96)
    exact = sum(model.loss({'img': frames}, [sample]).values())
    with torch.autocast('cpu', dtype=dtype):
        rounded = sum(model.loss({'img': frames}, [sample]).values())
    assert rounded.dtype == torch.float32
    assert rounded.item() == pytest.approx(exact.item(), rel=0.05)


@pytest.mark.parametrize('path', CONFIGS)
def test_initial_weights_need_nothing_that_is_not_installed(path: str) -> None:
    assert 'torchvision://' not in (REPOSITORY / path).read_text()


def bases_of(path: Path) -> list[Path]:
    """The files that the ``_base_`` of a config names."""
    return [path.parent / base for base in Config._get_base_files(str(path))]


def chain(path: Path) -> int:
    """The number of files from a config to its farthest base, itself included."""
    return 1 + max((chain(base) for base in bases_of(path)), default=0)


@pytest.mark.parametrize('path', CONFIGS)
def test_a_config_resolves_over_three_files_at_most(path: str) -> None:
    assert chain(REPOSITORY / path) <= 3
    config = Config.fromfile(REPOSITORY / path)
    assert config.model and config.default_scope == 'mmrcf'
    if path not in TRAINED:
        assert config.test_dataloader and config.test_evaluator and config.test_cfg
    else:
        assert config.train_dataloader and config.optim_wrapper and config.train_cfg.max_iters


@pytest.mark.parametrize(
    ('config', 'model'), [('rcf/rcf_r101_ytvis19.py', 'rcf_r101.py'), ('rcf_av/rcf-av_r50_avis.py', 'rcf-av_r50.py')]
)
def test_a_reference_config_has_bases_that_show_its_model_and_schedule_whole(config: str, model: str) -> None:
    bases = {base.name: base for base in bases_of(REPOSITORY / 'configs' / config)}
    parts = {
        model: ('backbone=', 'neck=', 'mask_decoder=', 'head=', 'tracker='),
        'adamw_60k.py': ('optim_wrapper', 'param_scheduler', 'train_cfg'),
    }
    for name, words in parts.items():
        assert not bases_of(bases[name])
        assert all(word in bases[name].read_text() for word in words)


def test_the_paper_s_recipe_is_in_the_reference_config() -> None:
    config = Config.fromfile(REPOSITORY / 'configs/rcf/rcf_r101_ytvis19.py')
    assert config.optim_wrapper.optimizer.lr == 6e-4 and config.optim_wrapper.optimizer.weight_decay == 1e-4
    assert config.train_cfg.max_iters == 60000 and config.param_scheduler[-1].power == 0.9
    assert config.optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult == 0.1
    assert (config.model.score_thr, config.model.mask_thr) == (0.4, 0.5)
    swin = Config.fromfile(REPOSITORY / 'configs/rcf/rcf_swin-b_ytvis19.py')
    assert swin.optim_wrapper.optimizer.lr == 3e-4 and swin.optim_wrapper.optimizer.weight_decay == 1e-2
    assert 'backbone' not in swin.optim_wrapper.paramwise_cfg.custom_keys  # at the full rate


def parameter_groups(config: Config, model: torch.nn.Module) -> dict[str, dict]:
    """The optimizer's group of each trained parameter."""
    config.optim_wrapper.optimizer.pop('fused', None)  # not for parameters without memory
    groups = build_optim_wrapper(model, config.optim_wrapper).optimizer.param_groups
    names = {id(value): name for name, value in model.named_parameters()}
    return {names[id(value)]: group for group in groups for value in group['params'] if value.requires_grad}


def decaying_norms(config: Config, model: torch.nn.Module, groups: dict[str, dict]) -> list[str]:
    """Parameters of norm layers that decay although ``config`` says that they do not."""
    options = config.optim_wrapper.get('paramwise_cfg') or {}
    if not (
        options.get('norm_decay_mult') == 0 or options.get('custom_keys', {}).get('norm', {}).get('decay_mult') == 0
    ):
        return []
    norms = {
        name for name, layer in model.named_modules() if isinstance(layer, torch.nn.LayerNorm | torch.nn.GroupNorm)
    }
    norms |= {name for name, layer in model.named_modules() if isinstance(layer, torch.nn.BatchNorm2d)}
    return [name for name, group in groups.items() if name.rpartition('.')[0] in norms and group['weight_decay']]


def build_without_memory(config: Config) -> torch.nn.Module:
    init_default_scope('mmrcf')
    with pytest.MonkeyPatch.context() as patch, torch.device('meta'):
        patch.setattr(torch, 'linspace', partial(torch.linspace, device='cpu'))  # Swin reads the values
        try:
            return MODELS.build(config.model)
        except InputError as error:
            pytest.skip(str(error))  # compiled operators


@pytest.mark.parametrize(
    'path', [pytest.param(path, marks=[pytest.mark.slow] if '/ablations/' in path else []) for path in TRAINED]
)
def test_rates_and_decay_are_what_the_config_says(path: str, passed: set[str]) -> None:
    config = Config.fromfile(REPOSITORY / path)
    key = text_of('rates', config.model.to_dict(), config.optim_wrapper.to_dict())
    if key in passed:
        return
    model = build_without_memory(config)
    groups = parameter_groups(config, model)
    assert decaying_norms(config, model, groups) == []
    if 'swin' in path:
        tables = [name for name in groups if name.endswith('relative_position_bias_table')]
        decay = config.optim_wrapper.optimizer.weight_decay
        assert tables and all(groups[name]['weight_decay'] == 0 for name in tables)
        assert groups['backbone.stages.0.blocks.0.attn.w_msa.qkv.weight']['weight_decay'] == decay
    # VGGish is pretrained as the backbone is.
    rates = {
        part: {group['lr'] for name, group in groups.items() if name.startswith(f'{part}.')}
        for part in ('backbone', 'audio_encoder.vggish', 'audio_encoder')
    }
    if rates['audio_encoder.vggish']:
        assert rates['audio_encoder.vggish'] == rates['backbone'] == {0.1 * config.optim_wrapper.optimizer.lr}
        assert config.optim_wrapper.optimizer.lr in rates['audio_encoder']
    passed.add(key)


def test_a_key_that_hides_another_is_found() -> None:
    config = Config.fromfile(REPOSITORY / 'configs/rcf/rcf_swin-b_ytvis19.py')
    keys = dict(backbone=dict(lr_mult=1.0), norm=dict(decay_mult=0.0))
    config.optim_wrapper.paramwise_cfg = dict(custom_keys=keys)
    model = build_without_memory(config)
    names = decaying_norms(config, model, parameter_groups(config, model))
    # All of the backbone, and norm layers elsewhere that have no `norm` in their name.
    assert sum(name.startswith('backbone.') for name in names) == 112
    assert not any('norm' in name for name in names if not name.startswith('backbone.'))


@pytest.mark.parametrize('path', [path for path in CONFIGS if path.startswith('configs/rcf/')])
def test_both_stages_have_the_same_layers(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    config = load_config(path)
    config.work_dir = 'work_dirs/unused'
    *before, second = plan_stages(config)
    assert len(before) == (0 if any(name in path for name in ('coco', 'r18', 'ovis')) else 1)
    for first in before:
        assert first.model == second.model
        for field in ('num_references', 'num_targets'):
            assert first.train_dataloader.dataset[field] == second.train_dataloader.dataset[field]
        folder = 'work_dirs/unused' if 'ablations' in path else 'work_dirs'
        assert first.work_dir == f'{folder}/{Path(first.filename).stem}'


def test_a_choice_of_the_reference_is_one_of_its_first_stage_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of docs/paper.md: without this, the first stage would be trained under the other setting."""
    monkeypatch.chdir(REPOSITORY)
    options = {
        'model.head.loss_reduction': 'sum',
        'model.head.loss_dice.naive_dice': False,
        'model.backbone.norm_eval': False,
        'model.neck.position_mode': 'tokens',
        'model.mask_decoder.out_channels': 128,
        'model.head.mask_dims': 128,
    }
    config = load_config('configs/rcf/rcf_r101_ytvis19.py', options)
    config.work_dir = 'work_dirs/unused'
    first, second = plan_stages(config)
    assert first.model == second.model and first.model.head.loss_reduction == 'sum'
    assert first.work_dir == 'work_dirs/unused/rcf_r101_coco-ytvis19'


def flat(node: object, name: str = '') -> dict[str, object]:
    """Values by dotted path."""
    if not isinstance(node, dict):
        return {name: node}
    return {key: value for field, child in node.items() for key, value in flat(child, f'{name}.{field}').items()}


def changed_fields(config: Config, reference: Config) -> set[str]:
    ours, theirs = flat(config.to_dict()), flat(reference.to_dict())
    changed = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
    return {key.removeprefix('.') for key in changed if key not in ('.work_dir', '.load_from', '.num_references')}


REFERENCES = {'model.neck.num_references', 'train_dataloader.dataset.num_references'}
COMPRESSION = {f'model.neck.{field}' for field in ('type', 'grid_size', 'use_weight', 'compression')}
ROWS = {
    'ref0': REFERENCES | COMPRESSION,
    'ref': REFERENCES,
    'full-feature': COMPRESSION | {'model.neck.fusion'},
    'token': {'model.neck.grid_size'},
    'query': {'model.head.num_queries'},
    'order-supervision': {'model.head.order_supervision', 'train_dataloader.dataset.num_targets'},
    'targets2': {'train_dataloader.dataset.num_targets'},
    'no-weight': {'model.neck.use_weight'},
    'depthwise': {'model.neck.compression'},
}
"""Fields in which a row of the ablations differs from the reference, by the start of its name."""


def planned_stages(path: str) -> list[Config]:
    config = load_config(REPOSITORY / path)
    config.work_dir = 'work_dirs/unused'
    with contextlib.chdir(REPOSITORY):
        return plan_stages(config)


@pytest.fixture(scope='module')
def reference_stages() -> list[Config]:
    return planned_stages('configs/rcf/rcf_r101_ytvis19.py')


@pytest.mark.parametrize('path', [path for path in CONFIGS if path.startswith('configs/rcf/ablations')])
def test_a_row_differs_from_the_reference_in_its_fields_alone(path: str, reference_stages: list[Config]) -> None:
    """In both stages."""
    name = Path(path).stem.removeprefix('rcf_r101_ytvis19_')
    expected = next(fields for start, fields in ROWS.items() if name.startswith(start))
    for row, reference in zip(planned_stages(path), reference_stages, strict=True):
        assert changed_fields(row, reference) == expected


@pytest.mark.parametrize('count', range(1, 6))
def test_a_row_without_audio_differs_in_the_audio_alone(count: int) -> None:
    folder = REPOSITORY / 'configs/rcf_av/ablations'
    paired = folder / f'rcf-av_r50_avis_ref{count}.py' if count != 3 else folder.parent / 'rcf-av_r50_avis.py'
    changed = changed_fields(Config.fromfile(folder / f'rcf_r50_avis_ref{count}.py'), Config.fromfile(paired))
    assert changed and all(field.startswith('model.audio_encoder') for field in changed)


def test_table_vii_has_a_control_with_as_many_targets() -> None:
    folder = REPOSITORY / 'configs/rcf/ablations'
    row, control = (
        Config.fromfile(folder / f'rcf_r101_ytvis19_{name}.py') for name in ('order-supervision', 'targets2')
    )
    assert row.train_dataloader == control.train_dataloader
    row.model.head.order_supervision = False
    assert row.model == control.model


def test_the_crops_config_teaches_the_backbone_that_the_shapes_config_takes_over() -> None:
    init_default_scope('mmrcf')
    crops = Config.fromfile(REPOSITORY / 'configs/shapes/r18_crops_shapes.py')
    shapes = Config.fromfile(REPOSITORY / 'configs/shapes/rcf_r18_shapes_small.py')
    assert shapes.previous_stage.config == 'configs/shapes/r18_crops_shapes.py'
    classifier = MODELS.build(crops.model)
    losses = classifier({'img': [torch.zeros(2, 3, 48, 48, dtype=torch.uint8)]}, [torch.tensor([0, 1])], mode='loss')
    losses['loss'].backward()
    taught = classifier.state_dict()
    model = MODELS.build(shapes.model)
    load_state_dict(model, taught)
    own = model.backbone.state_dict()
    assert own and all(torch.equal(value, taught[f'backbone.{name}']) for name, value in own.items())
