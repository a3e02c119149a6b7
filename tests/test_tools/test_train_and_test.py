"""tools/train.py and tools/test.py on a tiny data set: what they write, and the one line that bad input gets."""

import errno
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop

from mmrcf.engine import CompleteFileBackend


def run(script, *arguments: object) -> None:
    script.main([str(argument) for argument in arguments])


def refused(script, capsys: pytest.CaptureFixture, *arguments: object) -> str:
    """Run a script that must end with code 2, one line on stderr and no traceback; returns the line."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as exit_info, pytest.MonkeyPatch.context() as patch:
        # MMEngine's loggers of earlier tests write to the output of those, which is closed, and logging reports that.
        patch.setattr('logging.raiseExceptions', False)
        run(script, *arguments)
    output = capsys.readouterr()
    lines = [line for line in output.err.splitlines() if line.startswith('error: ')]
    assert exit_info.value.code == 2
    assert 'Traceback' not in output.out + output.err
    assert len(lines) == 1
    return lines[0]


@pytest.fixture(scope='module')
def train(load_script):
    return load_script('tools/train.py')


@pytest.fixture(scope='module')
def evaluate(load_script):
    return load_script('tools/test.py')


@pytest.fixture(scope='module')
def work_dir(train, tiny_config, tmp_path_factory) -> Path:
    """A finished training run of 4 iterations with a checkpoint every 2."""
    folder = tmp_path_factory.mktemp('run')
    run(train, tiny_config, '--work-dir', folder)
    return folder


def weights(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, map_location='cpu', weights_only=False)['state_dict']


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


def test_a_resumed_run_with_workers_ends_as_one_without(train, tiny_config, work_dir: Path, tmp_path: Path) -> None:
    options = ['train_dataloader.num_workers=1', 'train_dataloader.persistent_workers=True', 'train_cfg.val_interval=9']
    run(train, tiny_config, '--work-dir', tmp_path, '--resume', work_dir / 'iter_2.pth', '--cfg-options', *options)
    expected, resumed = weights(work_dir / 'iter_4.pth'), weights(tmp_path / 'iter_4.pth')
    for name, value in expected.items():
        torch.testing.assert_close(resumed[name], value, msg=name)


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


def test_evaluation_writes_metrics_and_submission(
    evaluate, tiny_config: Path, work_dir: Path, tmp_path: Path, capsys
) -> None:
    out, metrics_file = tmp_path / 'sub' / 'results.zip', tmp_path / 'metrics.json'
    run(
        evaluate,
        tiny_config,
        work_dir / 'iter_4.pth',
        '--work-dir',
        tmp_path / 'work',
        '--json',
        metrics_file,
        '--out',
        out,
    )
    metrics = json.loads(metrics_file.read_text())
    assert {'vis/AP', 'vis/AP50', 'vis/AP75', 'vis/AR1', 'vis/AR10'} <= metrics.keys()
    assert 'vis/AP50' in capsys.readouterr().out
    assert out.is_file()


def test_a_part_of_the_test_set_is_measured_on_that_part(
    evaluate, tiny_config: Path, work_dir: Path, in_tmp_path: Path, capsys
) -> None:
    command = [tiny_config, work_dir / 'iter_4.pth', '--json', 'm.json', '--cfg-options', 'model.score_thr=0.01']
    run(evaluate, *command, 'test_dataloader.dataset.only=[1]')
    part = json.loads(Path('m.json').read_text())
    path = Config.fromfile(tiny_config).test_evaluator[0].ann_file
    config = in_tmp_path / 'explicit.py'
    config.write_text(
        f"_base_ = '{tiny_config}'\n"
        f"test_evaluator = [dict(type='VISMetric', ann_file=dict(ann_file={path!r}, only=[1]))]\n"
    )
    run(evaluate, config, *command[1:], 'test_dataloader.dataset.only=[1]')
    explicit = json.loads(Path('m.json').read_text())
    figures = [key for key in part if key.startswith('vis/')]
    assert figures and [part[key] for key in figures] == [explicit[key] for key in figures]
    line = refused(evaluate, capsys, config, *command[1:])
    assert 'ann_file' in line and 'has 1 videos and the tested data set 2' in line and 'video 2' in line


@pytest.mark.parametrize('output', ['annotations', 'checkpoint'])
def test_metrics_do_not_replace_an_input(
    evaluate, tiny_config: Path, work_dir: Path, in_tmp_path: Path, capsys, monkeypatch, output: str
) -> None:
    path = work_dir / 'iter_4.pth'
    if output == 'annotations':
        path = Path(Config.fromfile(tiny_config).test_evaluator[0].ann_file)
    before = path.read_bytes()
    monkeypatch.setattr('mmengine.runner.Runner.test', lambda runner: pytest.fail('refused before the test'))
    Path('link.json').symlink_to(path)
    assert 'is an input' in refused(evaluate, capsys, tiny_config, work_dir / 'iter_4.pth', '--json', 'link.json')
    assert path.read_bytes() == before


def test_another_test_set_of_the_config(evaluate, tiny_config: Path, work_dir: Path, tmp_path: Path, capsys) -> None:
    config = tmp_path / 'sets.py'
    config.write_text(
        f"_base_ = '{tiny_config}'\n"
        'test_sets = dict(val=dict(dataloader=_base_.val_dataloader, evaluator=_base_.val_evaluator))\n'
        'test_dataloader = dict(dataset=dict(ann_file="nowhere.json"))\n'
    )
    command = [config, work_dir / 'iter_4.pth', '--work-dir', tmp_path / 'work', '--test-set']
    run(evaluate, *command, 'val', '--json', tmp_path / 'metrics.json')
    assert 'vis/AP' in json.loads((tmp_path / 'metrics.json').read_text())
    assert 'no test set of that name; it has val' in refused(evaluate, capsys, *command, 'images')


def test_a_test_set_can_set_the_model(evaluate, tiny_config: Path, work_dir: Path, tmp_path: Path, capsys) -> None:
    config = tmp_path / 'sets.py'
    config.write_text(
        f"_base_ = '{tiny_config}'\n"
        'test_sets = dict(\n'
        '    val=dict(\n'
        '        dataloader=_base_.val_dataloader, evaluator=_base_.val_evaluator, model=dict(score_thr=2.0)\n'
        '    )\n'
        ')\n'
    )
    command = [config, work_dir / 'iter_4.pth', '--work-dir', tmp_path / 'work', '--test-set', 'val']
    assert 'score_thr=2.0' in refused(evaluate, capsys, *command)
    result = tmp_path / 'metrics.json'
    run(evaluate, *command, '--json', result, '--cfg-options', 'model.score_thr=0.3')  # the command line comes last
    assert 'vis/AP' in json.loads(result.read_text())


def test_format_only_needs_no_labels(evaluate, tiny_config, tiny_ytvis, work_dir: Path, tmp_path: Path) -> None:
    content = json.loads((tiny_ytvis / 'test' / 'instances.json').read_text())
    del content['annotations']
    unlabelled = tmp_path / 'unlabelled.json'
    unlabelled.write_text(json.dumps(content))
    arguments = ['--work-dir', tmp_path / 'work', '--format-only', '--out', tmp_path / 'results.zip', '--cfg-options']
    arguments += [f'test_dataloader.dataset.ann_file={unlabelled}', f'test_evaluator.0.ann_file={unlabelled}']
    run(evaluate, tiny_config, work_dir / 'iter_4.pth', *arguments)
    assert (tmp_path / 'results.zip').is_file()


@pytest.mark.parametrize(
    ('option', 'words'),
    [
        (
            'model.neck.type=RobustContextFusio',
            ("model.neck.type='RobustContextFusio'", "did you mean 'RobustContextFusion'"),
        ),
        ('model.neck.grid_sise=3', ('model.neck.grid_sise', "did you mean 'grid_size'")),
        ('modle.score_thr=0.3', ('modle.score_thr', "did you mean 'model'")),
        ('model.neck.num_references=-1', ('model.neck', 'num_references=-1')),
        ('model.backbone.depth=19', ('model.backbone', 'invalid depth 19')),
        ('train_dataloader.batch_sise=3', ('train_dataloader.batch_sise',)),
        ('train_dataloader.dataset.data_root=nowhere/', ('nowhere/train/instances.json',)),
        ('load_from=nowhere.pth', ('nowhere.pth', 'no such file')),
        ('work_dir=/proc/nothing', ('/proc/nothing', '--work-dir')),
    ],
)
def test_a_wrong_field_is_named(train, tiny_config, in_tmp_path, capsys, option: str, words: tuple[str, ...]) -> None:
    line = refused(train, capsys, tiny_config, '--cfg-options', option)
    for word in words:
        assert word in line


def test_an_unusable_config_is_named(train, in_tmp_path: Path, capsys) -> None:
    contents = dict(
        broken='model = dict(', based="_base_ = 'nothing.py'", modelless='x = 1', raising='import nothing_of_that_name'
    )
    for name, content in contents.items():
        (in_tmp_path / f'{name}.py').write_text(content)
        assert f'config {name}.py' in refused(train, capsys, f'{name}.py')
    assert 'config missing.py: no such file' in refused(train, capsys, 'missing.py')
    (in_tmp_path / 'empty.py').touch()
    assert 'empty' in refused(train, capsys, 'empty.py')
    assert 'found a folder' in refused(train, capsys, in_tmp_path)


def test_options_without_a_value_are_refused(train, tiny_config: Path, capsys) -> None:
    with pytest.raises(SystemExit) as exit_info:
        run(train, tiny_config, '--cfg-options', 'model.score_thr')
    assert exit_info.value.code == 2
    assert 'expected key=value' in capsys.readouterr().err


def test_a_launcher_that_did_not_start_us_is_refused(train, tiny_config, in_tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.delenv('RANK', raising=False)
    assert 'RANK is not set' in refused(train, capsys, tiny_config, '--launcher', 'pytorch')


@pytest.mark.skipif(torch.cuda.is_available(), reason='with a GPU --amp is allowed')
def test_amp_without_a_gpu_is_refused(train, tiny_config, in_tmp_path, capsys) -> None:
    assert 'needs a GPU' in refused(train, capsys, tiny_config, '--amp')


def test_amp_matters_to_training_only(evaluate, tiny_config, work_dir: Path, in_tmp_path: Path, capsys) -> None:
    run(evaluate, tiny_config, work_dir / 'iter_4.pth', '--cfg-options', 'optim_wrapper.type=AmpOptimWrapper')
    assert '--amp' not in capsys.readouterr().err


@pytest.mark.parametrize('field', ['train_dataloader', 'train_cfg', 'optim_wrapper'])
def test_a_config_without_a_training_is_refused(train, tiny_config, in_tmp_path: Path, capsys, field: str) -> None:
    (in_tmp_path / 'partial.py').write_text(f"_base_ = '{tiny_config}'\n{field} = None\n")
    (in_tmp_path / 'bare.py').write_text("model = dict(type='RCF')")
    for config in ('partial.py', 'bare.py'):
        for arguments in ([], ['--amp']):
            line = refused(train, capsys, config, *arguments)
            assert f'config {config}: has no ' in line and field in line
    assert not (in_tmp_path / 'work_dirs').exists()


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


def test_another_batch_than_the_recipe_s_is_announced(train, tiny_config: Path, in_tmp_path: Path, capsys) -> None:
    options = ['train_cfg.max_iters=1', 'train_cfg.val_interval=9', 'auto_scale_lr.base_batch_size=16']
    options += ['optim_wrapper.accumulative_counts=4', 'default_hooks.logger.interval=1', 'param_scheduler=None']
    run(train, tiny_config, '--work-dir', 'plain', '--cfg-options', *options)
    log = next(Path('plain').glob('*/*.log')).read_text()
    assert (
        'batch: 2 clips x 1 processes x 4 accumulated steps = 8, but the learning rate is for a batch of 16; '
        '--auto-scale-lr multiplies the rate by 0.5\n'
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


def test_unfit_checkpoints_are_refused(train, evaluate, tiny_config, work_dir: Path, in_tmp_path: Path, capsys) -> None:
    good = work_dir / 'iter_4.pth'
    (in_tmp_path / 'truncated.pth').write_bytes(good.read_bytes()[:5000])
    torch.save(dict(state_dict=weights(good), meta={}), in_tmp_path / 'slim.pth')
    torch.save(dict(state_dict={'x': torch.zeros(1)}, meta={}), in_tmp_path / 'foreign.pth')
    for script, arguments, words in (
        (evaluate, ['missing.pth'], 'no such file'),
        (evaluate, ['.'], 'found a folder'),
        (evaluate, ['truncated.pth'], 'truncated.pth'),
        (evaluate, ['foreign.pth'], 'foreign.pth'),
        (evaluate, [good, '--cfg-options', 'model.neck.grid_size=2', 'model.head.num_queries=7'], 'does not fit'),
        (evaluate, [good, '--cfg-options', 'test_dataloader.dataset.metainfo.classes=shapes_av'], 'classes'),
        (evaluate, [good, '--json', '/proc/metrics.json'], '/proc/metrics.json'),
        (evaluate, [good, '--out', 'results.json'], '.zip'),
        (train, ['--resume', 'missing.pth'], 'no such file'),
        (train, ['--resume', 'truncated.pth'], 'truncated.pth'),
        (train, ['--resume', 'slim.pth'], 'no training state'),
        (train, ['--resume', good, '--cfg-options', 'model.head.num_queries=7'], 'does not fit'),
        (train, ['--cfg-options', 'load_from=foreign.pth'], 'none of its weights fits'),
    ):
        assert words in refused(script, capsys, tiny_config, *arguments)


def test_a_failed_evaluation_leaves_no_metrics(
    evaluate, tiny_config, work_dir: Path, in_tmp_path: Path, capsys
) -> None:
    option = 'test_dataloader.dataset.data_prefix.img=nowhere'
    refused(evaluate, capsys, tiny_config, work_dir / 'iter_4.pth', '--json', 'm.json', '--cfg-options', option)
    assert [path.name for path in in_tmp_path.iterdir()] == ['work_dirs']


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
