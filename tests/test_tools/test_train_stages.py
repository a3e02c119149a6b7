"""tools/train.py on a config that starts from the result of another."""

import re
import sys
from pathlib import Path

import pytest
import torch
from fixtures.training import refused, run, weights
from mmengine.runner import IterBasedTrainLoop

OTHER_MODEL = """
model = dict(
    _delete_=True, type='ObjectClassifier', backbone=dict(type='mmdet.ResNet', depth=50, base_channels=4),
    in_channels=128, num_classes=8, mean=[0.0] * 3, std=[1.0] * 3)
"""


@pytest.fixture
def two_stages(tiny_config: Path, in_tmp_path: Path) -> Path:
    """A config that continues from four iterations of the tiny one, with two queries more."""
    path = in_tmp_path / 'second.py'
    path.write_text(
        f"_base_ = '{tiny_config}'\n"
        f"previous_stage = dict(config='{tiny_config}')\n"
        'model = dict(head=dict(num_queries=7))\n'
        'train_cfg = dict(max_iters=2, val_interval=2)\n'
    )
    return path


@pytest.mark.slow
def test_one_command_trains_all_stages_also_when_it_is_interrupted(
    train, two_stages: Path, in_tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = in_tmp_path / 'whole/work_dirs', in_tmp_path / 'parts/work_dirs'
    for folder in (whole, parts):
        folder.mkdir(parents=True)
    monkeypatch.chdir(whole.parent)
    run(train, two_stages)
    output = capsys.readouterr().out
    assert 'Stage 1 of 2: ' in output and 'tiny.py, 4 iterations, in work_dirs/tiny\n' in output
    assert 'second.py, 2 iterations, in work_dirs/second, starts from work_dirs/tiny/iter_4.pth\n' in output
    log = next(whole.glob('second/*/*.log')).read_text()
    assert (
        'load_from=work_dirs/tiny/iter_4.pth fits in part: initialised at random, because they have another shape '
        'there: head.query_content, head.query_position\n'
    ) in log
    first, second = weights(whole / 'tiny/iter_4.pth'), weights(whole / 'second/iter_2.pth')
    change = second['head.classifier.weight'] - first['head.classifier.weight']
    assert 0 < change.abs().max() < 0.01  # two steps of 0.001 from there

    run_iter, done = IterBasedTrainLoop.run_iter, []

    def interrupted(self: IterBasedTrainLoop, batch: list[dict]) -> None:
        run_iter(self, batch)
        done.append(Path(self.runner.work_dir).name)
        if len(done) in (3, 6):  # after the third iteration of the first stage, and the first one of the second
            raise KeyboardInterrupt

    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', interrupted)
    monkeypatch.chdir(parts.parent)
    with pytest.raises(SystemExit, match='130'):
        run(train, two_stages)
    with pytest.raises(SystemExit, match='130'):
        run(train, two_stages, '--resume', '--cfg-options', 'default_hooks.checkpoint.interval=1')
    run(train, two_stages, '--resume')
    # The first stage continues from its checkpoint of iteration 2, the second from that of iteration 1.
    assert done == ['tiny'] * 5 + ['second'] * 2
    for path in ('tiny/iter_4.pth', 'second/iter_2.pth'):
        expected, resumed = weights(whole / path), weights(parts / path)
        for name, value in expected.items():
            torch.testing.assert_close(resumed[name], value, msg=name)


@pytest.mark.parametrize(
    ('option', 'words'),
    [
        ('visualizer.vis_backends=3', 'second.py: visualizer: vis_backends must be a list'),
        (
            'visualizer.vis_backends=[dict(type=WandbVisBackend)]',
            'second.py: .* WandbVisBackend needs the package wandb',
        ),
        ('model.head.num_qeries=5', "second.py: model.head.num_qeries: .*; did you mean 'num_queries'"),
        ('optim_wrapper.optimizer.lrr=1', 'second.py: optim_wrapper.optimizer.lrr: AdamW takes no such key'),
        ('train_cfg.max_iter=3', "second.py: train_cfg.max_iter: .* did you mean 'max_iters'"),
        ('default_hooks.checkpoint.intervall=3', "second.py: .*checkpoint.intervall: .* did you mean 'interval'"),
        ('train_dataloader.dataset.data_prefix.img=nowhere', '/nowhere/.*.jpg: no such file'),
        ('val_dataloader.dataset.data_prefix.img=nowhere', '/nowhere/.*.jpg: no such file'),
        ('val_evaluator.0.ann_file=nowhere.json', 'nowhere.json: no such file'),
        ('model.neck.num_references=2', 'model.neck.num_references=2, but the training data'),
        ('model.backbone.init_cfg=dict(type=Pretrained,checkpoint=no.pth)', 'checkpoint=no.pth: no such file'),
    ],
)
def test_a_mistake_in_the_last_stage_is_refused_before_the_first_one_trains(
    option: str, words: str, train, two_stages: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'wandb', None)
    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', lambda *_: pytest.fail('a stage was trained'))
    assert re.search(words, refused(train, capsys, two_stages, '--cfg-options', option))
    assert not list(Path('work_dirs').glob('*/*/*.log'))


@pytest.mark.parametrize(
    ('first', 'words'),
    [
        (OTHER_MODEL, 'second.py: previous_stage.config=first.py: none of its weights'),
        ('default_hooks = dict(checkpoint=dict(save_last=False, interval=3))\n', 'first.py: .* write iter_4.pth'),
        ('default_hooks = dict(checkpoint=dict(out_dir="else"))\n', 'first.py: .* write iter_4.pth'),
        ('default_hooks = dict(checkpoint=None)\n', 'first.py: .* write iter_4.pth .*from which second.py starts'),
        ('train_cfg = dict(max_iters=None)\n', 'first.py: train_cfg.max_iters=None, expected a whole number'),
    ],
)
def test_the_stage_before_has_to_write_what_the_next_one_starts_from(
    first: str, words: str, train, two_stages: Path, tiny_config: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', lambda *_: pytest.fail('a stage was trained'))
    Path('first.py').write_text(f"_base_ = '{tiny_config}'\n{first}")
    two_stages.write_text(two_stages.read_text().replace(f"config='{tiny_config}'", "config='first.py'"))
    assert re.search(words, refused(train, capsys, 'second.py'))


def test_only_this_stage_needs_the_one_before(train, two_stages: Path, work_dir: Path, capsys) -> None:
    line = refused(train, capsys, two_stages, '--only-this-stage')
    assert 'starts from work_dirs/tiny/iter_4.pth, the result of ' in line
    assert 'leave out --only-this-stage' in line
    run(train, two_stages, '--cfg-options', f'load_from={work_dir / "iter_4.pth"}')
    assert not Path('work_dirs/tiny').exists()
    Path('work_dirs/tiny').symlink_to(work_dir)
    capsys.readouterr()
    run(train, two_stages, '--only-this-stage')
    assert 'Stage' not in capsys.readouterr().out


def test_no_start_at_all(train, two_stages: Path) -> None:
    run(train, two_stages, '--cfg-options', 'load_from=None')
    assert [path.name for path in Path('work_dirs').iterdir()] == ['second']


def test_a_missing_start_is_named_before_data_is_read(train, repository, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(repository)
    first, second = 'configs/rcf/rcf_r50_coco-ytvis19.py', 'configs/rcf/rcf_r50_ytvis19.py'
    options = ['--work-dir', tmp_path, '--cfg-options', 'train_dataloader.dataset.data_root=nowhere/']
    missing = tmp_path / 'rcf_r50_coco-ytvis19' / 'iter_60000.pth'
    line = refused(train, capsys, second, *options, f'load_from={missing}')
    assert f'load_from={missing}: no such file; run `python tools/train.py {first}` first' in line
    assert 'or start from random weights with --cfg-options load_from=None' in line
    option = f'model.backbone.init_cfg.checkpoint={tmp_path / "nothing.pth"}'
    line = refused(train, capsys, first, *options[:3], option)
    assert f'{option}: no such file; check the path, or start from random weights' in line
    assert 'with --cfg-options model.backbone.init_cfg=None' in line


def test_a_missing_start_of_unknown_origin(train, tiny_config, in_tmp_path: Path, capsys) -> None:
    line = refused(train, capsys, tiny_config, '--cfg-options', 'load_from=nowhere.pth')
    assert 'load_from=nowhere.pth: no such file; check the path, or start from random weights with' in line
