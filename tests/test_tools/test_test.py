"""tools/test.py: metrics, submissions, other test sets."""

import json
from pathlib import Path

import pytest
from fixtures.training import refused, run
from mmengine.config import Config


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
        f"test_evaluator = (dict(type='VISMetric', ann_file=dict(ann_file={path!r}, only=[1])),)\n"  # a tuple does, too
    )
    run(evaluate, config, *command[1:], 'test_dataloader.dataset.only=[1]')
    explicit = json.loads(Path('m.json').read_text())
    figures = [key for key in part if key.startswith('vis/')]
    assert figures and [part[key] for key in figures] == [explicit[key] for key in figures]
    line = refused(evaluate, capsys, config, *command[1:])
    assert 'ann_file' in line and 'has 1 video and the tested data set 2' in line and 'video 2' in line


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
    assert 'is an output of this command too' in refused(
        evaluate, capsys, tiny_config, work_dir / 'iter_4.pth', '--json', 'link.json'
    )
    assert path.read_bytes() == before


def test_a_submission_that_cannot_be_written_is_refused_before_the_test(
    evaluate, tiny_config: Path, work_dir: Path, in_tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr('mmrcf.engine.loops.run_frame', lambda *_: pytest.fail('refused before the test'))
    Path('file').write_text('no folder')
    command = [tiny_config, work_dir / 'iter_4.pth', '--out', 'file/a.zip']
    assert 'output file/a.zip: cannot write there' in refused(evaluate, capsys, *command)


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


def test_amp_matters_to_training_only(evaluate, tiny_config, work_dir: Path, in_tmp_path: Path, capsys) -> None:
    run(evaluate, tiny_config, work_dir / 'iter_4.pth', '--cfg-options', 'optim_wrapper.type=AmpOptimWrapper')
    assert '--amp' not in capsys.readouterr().err


def test_a_failed_evaluation_leaves_no_metrics(
    evaluate, tiny_config, work_dir: Path, in_tmp_path: Path, capsys
) -> None:
    option = 'test_dataloader.dataset.data_prefix.img=nowhere'
    refused(evaluate, capsys, tiny_config, work_dir / 'iter_4.pth', '--json', 'm.json', '--cfg-options', option)
    assert [path.name for path in in_tmp_path.iterdir()] == ['work_dirs']
