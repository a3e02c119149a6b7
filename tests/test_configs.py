"""Every config builds from the parts it names, trains a step and tracks a frame."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmrcf.models import RCF
from mmrcf.registry import MODELS

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIGS = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (REPOSITORY / 'configs').rglob('*.py')
    if '_base_' not in path.parts
)
RCF_CONFIGS = [path for path in CONFIGS if 'crops' not in path and 'baselines' not in path]


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


@pytest.mark.parametrize('path', RCF_CONFIGS)
def test_every_config_trains_a_step_and_tracks_a_frame(path: str, make_training_clip) -> None:
    config = small(Config.fromfile(REPOSITORY / path))
    init_default_scope('mmrcf')
    model: RCF = MODELS.build(config.model)
    dataset = config.train_dataloader.dataset
    num_references, num_targets = dataset.num_references, dataset.num_targets
    assert num_references == model.neck.num_references, 'dataset and neck disagree'
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
    assert config.model and config.train_dataloader and config.optim_wrapper and config.train_cfg.max_iters
    assert config.default_scope == 'mmrcf'


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
    assert swin.optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult == 1.0


def test_the_crops_config_teaches_the_backbone_that_the_shapes_config_takes_over(tmp_path) -> None:
    init_default_scope('mmrcf')
    crops = Config.fromfile(REPOSITORY / 'configs/shapes/r18_crops_shapes.py')
    shapes = Config.fromfile(REPOSITORY / 'configs/shapes/rcf_r18_shapes_small.py')
    classifier = MODELS.build(crops.model)
    losses = classifier({'img': [torch.zeros(2, 3, 48, 48, dtype=torch.uint8)]}, [torch.tensor([0, 1])], mode='loss')
    losses['loss'].backward()
    checkpoint = tmp_path / 'crops.pth'
    torch.save({'state_dict': classifier.state_dict(), 'meta': {}}, checkpoint)
    assert shapes.model.backbone.init_cfg.checkpoint == f'work_dirs/r18_crops_shapes/iter_{crops.max_iters}.pth'
    shapes.model.backbone.init_cfg.checkpoint = str(checkpoint)
    model = MODELS.build(shapes.model)
    model.init_weights()
    taught = classifier.backbone.state_dict()
    assert all(torch.equal(value, taught[name]) for name, value in model.backbone.state_dict().items())
