"""tools/train.py: what it writes, how it is resumed, and how it ends when it cannot go on."""

import errno
import functools
import json
import re
from pathlib import Path

import pytest
import torch
from fixtures.training import refused, run, weights
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop

from mmrcf.datasets import YouTubeVISDataset
from mmrcf.datasets.clips import ClipRequest
from mmrcf.engine import CompleteFileBackend
from mmrcf.utils import only_writer


def test_training_writes_checkpoints_log_and_metrics(work_dir: Path) -> None:
    assert {path.name for path in work_dir.glob('iter_*.pth')} == {'iter_2.pth', 'iter_4.pth'}
    log = next(work_dir.glob('*/*.log')).read_text()
    for word in ('loss:', 'lr:', 'time:', 'memory', 'eta:', 'vis/AP'):
        assert word in log
    records = [json.loads(line) for line in next(work_dir.glob('*/vis_data/scalars.json')).read_text().splitlines()]
    assert [record['step'] for record in records if 'loss' in record] == [1, 2, 3, 4]


def test_a_resumed_run_ends_as_one_that_never_stopped(train, tiny_config: Path, work_dir: Path, tmp_path: Path) -> None:
    run(train, tiny_config, '--work-dir', tmp_path, '--resume', work_dir / 'iter_2.pth')
    expected, resumed = weights(work_dir / 'iter_4.pth'), weights(tmp_path / 'iter_4.pth')
    assert expected.keys() == resumed.keys()
    for name, value in expected.items():
        torch.testing.assert_close(resumed[name], value, msg=name)
    assert 'other settings' not in next(tmp_path.glob('*/*.log')).read_text()


def test_a_resumed_run_with_workers_ends_as_one_without(train, tiny_config, work_dir: Path, tmp_path: Path) -> None:
    options = ['train_dataloader.num_workers=1', 'train_dataloader.persistent_workers=True', 'train_cfg.val_interval=9']
    run(train, tiny_config, '--work-dir', tmp_path, '--resume', work_dir / 'iter_2.pth', '--cfg-options', *options)
    expected, resumed = weights(work_dir / 'iter_4.pth'), weights(tmp_path / 'iter_4.pth')
    for name, value in expected.items():
        torch.testing.assert_close(resumed[name], value, msg=name)


def test_a_finished_run_that_is_lengthened_has_the_rates_of_the_longer_schedule(
    train, tiny_config: Path, work_dir: Path, tmp_path: Path
) -> None:
    options = ['train_cfg.max_iters=6', 'train_cfg.val_interval=9', 'param_scheduler.0.end=6']
    options += ['optim_wrapper.optimizer.weight_decay=0.01']
    run(train, tiny_config, '--work-dir', tmp_path, '--resume', work_dir / 'iter_4.pth', '--cfg-options', *options)
    records = [json.loads(line) for line in next(tmp_path.glob('*/vis_data/scalars.json')).read_text().splitlines()]
    # Iteration k of n has the rate 0.001 * (1 - k / (n - 1)) ** 0.9, counted from 0.
    rates = {record['step']: record['lr'] for record in records if 'loss' in record}
    assert rates == pytest.approx({5: 0.001 * 0.2**0.9, 6: 0.0})
    assert (
        'resumed with other settings than those of the checkpoint: param_scheduler.0.end=6 instead of 4, '
        'param_scheduler.0.total_iters=5 instead of 3, optimizer.weight_decay=0.01 instead of 0.0001\n'
    ) in next(tmp_path.glob('*/*.log')).read_text()
    (group, *_) = torch.load(tmp_path / 'iter_6.pth', weights_only=False)['optimizer']['param_groups']
    assert group['weight_decay'] == 0.01


def test_a_run_without_a_seed_is_resumed_with_the_clips_that_it_would_have_had(
    train, tiny_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, clips = YouTubeVISDataset.get_data_info, []

    def note(self: YouTubeVISDataset, item: object) -> dict:
        if isinstance(item, ClipRequest) and len(item.seed) == 2:  # not the clip of the checks
            clips.append(item.seed)
        return read(self, item)

    monkeypatch.setattr(YouTubeVISDataset, 'get_data_info', note)
    options = ['--work-dir', tmp_path, '--cfg-options', 'randomness.seed=None']
    run(train, tiny_config, *options, 'train_cfg.max_iters=2', 'train_cfg.val_interval=9')
    run(train, tiny_config, '--resume', *options, 'train_cfg.val_interval=9')
    assert len({seed for seed, _ in clips}) == 1
    assert [position for _, position in clips] == list(range(8))  # two for each iteration


def test_resume_without_anything_to_resume_is_a_first_start(train, tiny_config, work_dir: Path, tmp_path: Path) -> None:
    options = [f'load_from={work_dir / "iter_4.pth"}', 'optim_wrapper.optimizer.lr=0.0', 'train_cfg.max_iters=1']
    options += ['param_scheduler=None', 'train_cfg.val_interval=9']
    run(train, tiny_config, '--work-dir', tmp_path, '--resume', '--cfg-options', *options)
    first, started = weights(work_dir / 'iter_4.pth'), weights(tmp_path / 'iter_1.pth')
    for name in (name for name in first if name.startswith('head.')):
        torch.testing.assert_close(started[name], first[name], msg=name)


def test_resume_without_a_value_takes_the_last_checkpoint(train, tiny_config: Path, tmp_path: Path) -> None:
    run(train, tiny_config, '--work-dir', tmp_path, '--cfg-options', 'train_cfg.max_iters=2')
    run(train, tiny_config, '--work-dir', tmp_path, '--resume')
    logs = ''.join(path.read_text() for path in tmp_path.glob('*/*.log'))
    assert 'resumed epoch: 0, iter: 2' in logs
    assert (tmp_path / 'iter_4.pth').is_file()


def test_a_run_in_a_moved_folder_is_resumed_and_keeps_one_checkpoint(train, tiny_config: Path, tmp_path: Path) -> None:
    options = ['max_keep_ckpts=1', 'save_best=vis/AP', 'rule=greater']
    options = ['--cfg-options', 'train_cfg.val_interval=2', *(f'default_hooks.checkpoint.{name}' for name in options)]
    run(train, tiny_config, '--work-dir', tmp_path / 'a', *options, 'train_cfg.max_iters=2')
    (tmp_path / 'a').rename(tmp_path / 'b')
    run(train, tiny_config, '--work-dir', tmp_path / 'b', '--resume', *options)
    names = {path.name for path in (tmp_path / 'b').glob('*.pth')}
    assert len(names) == 2 and 'iter_4.pth' in names and any(name.startswith('best_') for name in names)
    assert (tmp_path / 'b/last_checkpoint').read_text() == 'iter_4.pth'
    assert not (tmp_path / 'a').exists() and not list((tmp_path / 'b').glob('.*'))


def test_two_trainings_do_not_write_into_one_folder(
    train, tiny_config: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr(train, 'only_writer', functools.partial(only_writer, patience=0))
    with only_writer(tmp_path):
        line = refused(train, capsys, tiny_config, '--work-dir', tmp_path)
    assert f'{tmp_path}: another process writes there' in line
    assert not list(tmp_path.iterdir())


def test_a_full_disk_ends_in_one_line_and_resume_continues(
    train, tiny_config: Path, work_dir: Path, in_tmp_path: Path, capsys
) -> None:
    written = CompleteFileBackend.put

    def put(self, obj: bytes, filepath: str | Path) -> None:
        if Path(filepath).name == 'iter_4.pth':
            raise OSError(errno.ENOSPC, 'No space left on device')
        written(self, obj, filepath)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CompleteFileBackend, 'put', put)
        line = refused(train, capsys, tiny_config, '--work-dir', in_tmp_path)
    assert f'{in_tmp_path}: the training stopped at iteration 4: no space left on the disk' in line
    assert '--resume' in line and not (in_tmp_path / 'iter_4.pth').exists()
    run(train, tiny_config, '--work-dir', in_tmp_path, '--resume')
    expected, resumed = weights(work_dir / 'iter_4.pth'), weights(in_tmp_path / 'iter_4.pth')
    assert all(torch.equal(resumed[name], value) for name, value in expected.items())


@pytest.mark.parametrize(
    ('message', 'remedy'),
    [
        ('DataLoader worker (pid(s) 4711) exited unexpectedly', 'lower train_dataloader.num_workers'),
        ('DataLoader worker (pid 4711) is killed by signal: Killed. ', 'lower train_dataloader.num_workers'),
        (
            '[/x/gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:5000',
            'another process of the run',
        ),
    ],
)
def test_a_process_that_ended_is_named(
    message: str, remedy: str, train, tiny_config: Path, in_tmp_path: Path, capsys, monkeypatch
) -> None:
    def fail(self, *_args, **_kwargs) -> None:
        raise RuntimeError(message)

    monkeypatch.setattr('mmrcf.engine.hooks.memory_hook.MemoryHook.after_train_iter', fail, raising=False)
    line = refused(train, capsys, tiny_config, '--work-dir', in_tmp_path)
    assert remedy in line and '--resume' in line and 'iteration 1' in line


def test_a_training_that_diverges_says_so_in_one_line(train, tiny_config: Path, in_tmp_path: Path, capsys) -> None:
    line = refused(train, capsys, tiny_config, '--cfg-options', 'optim_wrapper.optimizer.lr=1e30')
    assert 'training diverged at iteration 2: ' in line
    assert line.endswith('lower the rate, for example --cfg-options optim_wrapper.optimizer.lr=5e+29, and start again')
    assert ' is nan' in line or 'nan or infinite' in line
    assert not list(in_tmp_path.rglob('*.pth'))


@pytest.mark.parametrize(
    ('option', 'words'),
    [
        ('val_dataloader.batch_size=4', 'val_dataloader.batch_size=4, expected 1'),
        ('val_cfg.type=ValLoop', 'val_cfg: is a ValLoop, expected OnlineValLoop'),
        ('val_dataloader.dataset.data_prefix.img=no', '/no/0001/00000.jpg: no such file'),
        ('train_dataloader.dataset.pipeline=[]', 'gives no inputs and data_samples; end it with PackClip'),
        ('train_dataloader.dataset.pipeline.0.type=PackClip', 'its pipeline needs '),
        (
            'train_dataloader.dataset.pipeline=[dict(type=LoadClipFrames),dict(type=PackClip)]',
            'its clips have no objects; add LoadClipAnnotations',
        ),
        (
            'val_dataloader.dataset.pipeline=[dict(type=LoadClipFrames)]',
            'val_dataloader.dataset: its pipeline gives',
        ),
        (
            'val_dataloader.dataset.metainfo.classes=[square,disc,triangle,star,cross,ring,crescent,heart]',
            'val_dataloader.dataset.metainfo.classes: 8 classes, which differ from the 8 of the training data in their '
            'order',
        ),
        (
            'val_evaluator.0.classes=[disc,square,triangle,star,cross,ring,crescent]',
            'val_evaluator: classes of VISMetric: 7 classes, which differ from the 8 of the training data in heart',
        ),
        ('train_dataloader.dataset.metainfo.clases=x', "metainfo.clases is not read; did you mean 'classes'"),
    ],
)
def test_what_would_end_the_first_validation_is_refused_before_training(
    train, tiny_config: Path, in_tmp_path: Path, capsys, option: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', lambda *_: pytest.fail('it was trained'))
    assert words in refused(train, capsys, tiny_config, '--work-dir', in_tmp_path, '--cfg-options', option)


def test_channels_that_differ_are_named_with_the_layer(train, tiny_config: Path, in_tmp_path: Path, capsys) -> None:
    options = ['--cfg-options', 'model.mask_decoder.in_channels=[8,99]']
    line = refused(train, capsys, tiny_config, '--work-dir', in_tmp_path, *options)
    assert re.search(r'tiny.py: model.mask_decoder.\S+: Given groups=1, .* to have 99 channels, but got 16', line)


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (
            ['default_hooks.checkpoint.save_best=vis/APP', 'default_hooks.checkpoint.rule=greater'],
            "save_best='vis/APP' is no metric of the validation; did you mean 'vis/AP'?; they are vis/AP, ",
        ),
        (
            ['default_hooks.checkpoint.save_best=auto'],
            "save_best='auto' is the first figure of the validation; add rule='greater'",
        ),
        (
            ["custom_hooks=[dict(type=DatasetCheckHook),dict(type=EarlyStoppingHook,monitor='vis/ap50',rule=greater)]"],
            "monitor of EarlyStoppingHook='vis/ap50' is no metric of the validation",
        ),
    ],
)
def test_a_figure_that_the_validation_does_not_give_is_named_before_training(
    train, tiny_config: Path, in_tmp_path: Path, capsys, options: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', lambda *_: pytest.fail('it was trained'))
    assert words in refused(train, capsys, tiny_config, '--work-dir', in_tmp_path, '--cfg-options', *options)


def test_another_batch_than_the_recipe_s_is_announced(train, tiny_config: Path, in_tmp_path: Path, capsys) -> None:
    options = ['train_cfg.val_interval=9', 'auto_scale_lr.base_batch_size=16']
    options += ['optim_wrapper.accumulative_counts=4', 'default_hooks.logger.interval=1', 'param_scheduler=None']
    run(train, tiny_config, '--work-dir', 'plain', '--cfg-options', *options)
    log = next(Path('plain').glob('*/*.log')).read_text()
    assert (
        'batch: 2 clips x 1 processes x 4 accumulated steps = 8, but the learning rate is for a batch of 16; '
        '--auto-scale-lr multiplies the rate by 0.5\n'
    ) in log
    assert (
        'accumulative_counts=4: iterations 4, updates of the weights 1, clips 8; for as many updates as the recipe '
        'has, multiply max_iters, and begin and end of param_scheduler, by 4\n'
    ) in log
    run(train, tiny_config, '--work-dir', 'scaled', '--auto-scale-lr', '--cfg-options', *options)
    log = next(Path('scaled').glob('*/*.log')).read_text()
    assert 'but the learning rate' not in log and ' lr: 5.0000e-04 ' in log
    line = refused(train, capsys, tiny_config, '--auto-scale-lr')
    assert 'has no auto_scale_lr.base_batch_size' in line


def test_options_reach_a_config_that_lacks_their_fields(train) -> None:
    config = Config(dict(train_dataloader=dict(a=1), train_cfg=dict(a=1), optim_wrapper=dict(a=1)))
    train.apply_options(config, train.parse_args(['x.py', '--seed', '3', '--auto-scale-lr']))
    assert config.randomness == dict(seed=3) and config.auto_scale_lr == dict(enable=True)


def test_seed_threads_and_learning_rate_options_reach_the_config(
    train, tiny_config, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    threads = torch.get_num_threads()
    arguments = ['--work-dir', tmp_path, '--seed', 7, '--auto-scale-lr', '--cfg-options']
    arguments += [
        'train_cfg.max_iters=1',
        'num_threads=1',
        'auto_scale_lr.base_batch_size=2',
        'train_cfg.val_interval=9',
    ]
    try:
        run(train, tiny_config, *arguments)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    config = Config.fromfile(next(tmp_path.glob('*.py')))
    assert config.randomness.seed == 7
    assert config.auto_scale_lr.enable
