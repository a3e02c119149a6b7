"""tools/analysis_tools/compare_trackers.py: trackers score as tools/test.py scores them, on saved outputs too."""

import json
import zipfile
from pathlib import Path

import pytest
import torch

from mmrcf.apis import init_model
from mmrcf.engine.config import load_config
from mmrcf.engine.query_outputs import SavedOutputs

OPTIONS = ['--cfg-options', 'model.score_thr=0.12']
OWN = 'MatchingFreeTracker(iou_threshold=0.5, duplicate_iou=0.6)'
OWN_OPTIONS = ['model.tracker.iou_threshold=0.5', 'model.tracker.duplicate_iou=0.6']


@pytest.fixture(scope='module')
def compare(load_script):
    return load_script('tools/analysis_tools/compare_trackers.py').main


@pytest.fixture(scope='module')
def checkpoint(tiny_config: Path, tmp_path_factory) -> Path:
    torch.manual_seed(0)
    model = init_model(tiny_config)
    torch.nn.init.normal_(model.head.query_content.weight)
    path = tmp_path_factory.mktemp('weights') / 'random.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {'dataset_meta': model.dataset_meta}}, path)
    return path


@pytest.fixture(scope='module')
def tested(load_script, tiny_config: Path, checkpoint: Path, tmp_path_factory) -> tuple[dict[str, float], Path]:
    """The metrics of a test run with the tracker OWN, and its saved outputs."""
    folder = tmp_path_factory.mktemp('tested')
    figures, outputs = folder / 'tested.json', folder / 'outputs.zip'
    arguments = [str(tiny_config), str(checkpoint), '--work-dir', str(folder), '--json', str(figures)]
    load_script('tools/test.py').main([*arguments, '--save-outputs', str(outputs), *OPTIONS, *OWN_OPTIONS])
    metrics = {name: value for name, value in json.loads(figures.read_text()).items() if '/' in name}
    return metrics, outputs


def refused(main, capsys, *arguments: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as exit_info:
        main(list(arguments))
    assert exit_info.value.code == 2
    return capsys.readouterr().err


def test_the_same_tracker_gives_the_figures_of_the_evaluation(
    compare, tiny_config: Path, checkpoint: Path, tested, tmp_path: Path
) -> None:
    compared = tmp_path / 'compared.json'
    trackers = ['--tracker', OWN, '--tracker', 'IoUTracker()']
    compare([str(tiny_config), str(checkpoint), *trackers, '--json', str(compared), *OPTIONS])
    figures = json.loads(compared.read_text())
    assert set(figures) == {OWN, 'IoUTracker()'}
    assert figures[OWN]['update_ms'] > 0
    assert {name: figures[OWN][name] for name in tested[0]} == tested[0]


def test_saved_outputs_give_the_figures_of_a_run(
    compare, load_script, tiny_config: Path, checkpoint: Path, tested, tmp_path: Path
) -> None:
    metrics, outputs = tested
    assert [path.name for path in outputs.parent.glob('*.zip')] == ['outputs.zip']
    with SavedOutputs(outputs) as saved:
        frames = [frame.frame for frame in saved]
        assert len(saved) == 8 and [frame['frame_id'] for frame in frames] == [0, 1, 2, 3] * 2
    offline = tmp_path / 'offline.json'
    thresholds = ['--score-thr', '0.12', '0.2', '--mask-thr', '0.5', '0.7']
    compare([str(tiny_config), '--outputs', str(outputs), '--tracker', OWN, *thresholds, '--json', str(offline)])
    figures = json.loads(offline.read_text())
    assert len(figures) == 4
    own = figures[f'{OWN}, score_thr=0.12, mask_thr=0.5']
    assert {name: own[name] for name in metrics} == metrics
    direct = tmp_path / 'direct.json'
    load_script('tools/test.py').main(
        [str(tiny_config), str(checkpoint), '--work-dir', str(tmp_path), '--json', str(direct), '--cfg-options']
        + [*OWN_OPTIONS, 'model.score_thr=0.2', 'model.mask_thr=0.7']
    )
    other = figures[f'{OWN}, score_thr=0.2, mask_thr=0.7']
    assert other != own
    for name, value in json.loads(direct.read_text()).items():
        if '/' in name:
            assert other[name] == value, name


@pytest.mark.parametrize('part', [dict(only=['2']), dict(class_map='many to one')])
def test_saved_outputs_are_measured_on_the_part_that_was_tested(
    compare, load_script, tiny_config: Path, checkpoint: Path, tmp_path: Path, part: dict
) -> None:
    config, ann_file = tmp_path / 'part.py', load_config(tiny_config).test_evaluator[0].ann_file
    classes = [category['name'] for category in json.loads(Path(ann_file).read_text())['categories']]
    if 'class_map' in part:
        part = dict(class_map=dict.fromkeys(classes, classes[0]))
    metric = dict(type='ErrorBreakdownMetric', ann_file=ann_file, per_class=True)
    config.write_text(
        f"_base_ = '{tiny_config}'\ntest_dataloader = dict(dataset={part})\ntest_evaluator = [{metric}]\n"
    )
    live, saved, outputs = tmp_path / 'live.json', tmp_path / 'saved.json', tmp_path / 'outputs.zip'
    command = [str(config), str(checkpoint), '--work-dir', str(tmp_path), '--json', str(live)]
    load_script('tools/test.py').main([*command, '--save-outputs', str(outputs), *OPTIONS, *OWN_OPTIONS])
    compare([str(config), '--outputs', str(outputs), '--tracker', OWN, '--json', str(saved)])
    expected = {name: value for name, value in json.loads(live.read_text()).items() if '/' in name}
    figures = json.loads(saved.read_text())[OWN]
    assert {name: figures[name] for name in expected} == expected
    objects, of_first = (
        sum(value for name, value in figures.items() if name.startswith(f'errors/{label}objects_'))
        for label in ('', f'{classes[0]}/')
    )
    assert objects == 2 if 'only' in part else objects == of_first == 4  # two in each of two videos


def test_outputs_that_cannot_be_used_are_named(compare, tiny_config, checkpoint, tested, tmp_path, capsys) -> None:
    outputs, config = str(tested[1]), str(tiny_config)
    assert 'score below 0.1' in refused(compare, capsys, config, '--outputs', outputs, '--score-thr', '0.05')
    assert 'between 0 and 1' in refused(compare, capsys, config, '--outputs', outputs, '--score-thr', '2')
    assert 'nope.zip' in refused(compare, capsys, config, '--outputs', 'nope.zip')
    other = tmp_path / 'other.zip'
    other.write_text('no zip')
    assert 'other.zip: not a readable zip file' in refused(compare, capsys, config, '--outputs', str(other))
    with zipfile.ZipFile(other, 'w') as file:
        file.writestr('header.json', '{"version": 2}')
    assert 'not a file of query outputs' in refused(compare, capsys, config, '--outputs', str(other))
    for wrong in ([], [str(checkpoint), '--outputs', outputs]):
        assert 'either CHECKPOINT or --outputs' in refused(compare, capsys, config, *wrong)
    scored = ['--cfg-options', 'model.score_masks=True']
    assert 'score_masks=True' in refused(compare, capsys, config, str(checkpoint), '--mask-thr', '0.7', *scored)


def test_a_failed_test_leaves_no_outputs(load_script, tiny_config, checkpoint, tmp_path, capsys) -> None:
    outputs = tmp_path / 'outputs.zip'
    arguments = [str(tiny_config), str(checkpoint), '--work-dir', str(tmp_path), '--save-outputs', str(outputs)]
    refused(load_script('tools/test.py').main, capsys, *arguments, '--cfg-options', 'model.tracker.iou_threshold=7')
    assert list(tmp_path.glob('*.zip')) == list(tmp_path.glob('.outputs*')) == []
    with pytest.raises(SystemExit):
        load_script('tools/test.py').parse_args([*arguments, '--launcher', 'pytorch'])
    assert 'one process' in capsys.readouterr().err


@pytest.mark.parametrize('text', ['Nope(', 'IoUTracker(1)(2)', 'IoUTracker(iou_threshold=x)', 'Unknown()'])
def test_an_unusable_tracker_is_named(compare, tiny_config, checkpoint, capsys, text: str) -> None:
    assert text.split('(')[0] in refused(compare, capsys, str(tiny_config), str(checkpoint), '--tracker', text)
