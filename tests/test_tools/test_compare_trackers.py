"""tools/analysis_tools/compare_trackers.py: the config's own tracker scores as tools/test.py scores it."""

import json
from pathlib import Path

import pytest
import torch

from mmrcf.apis import init_model

OPTIONS = ['--cfg-options', 'model.score_thr=0.01']


@pytest.fixture(scope='module')
def checkpoint(tiny_config: Path, tmp_path_factory) -> Path:
    torch.manual_seed(0)
    model = init_model(tiny_config)
    path = tmp_path_factory.mktemp('weights') / 'random.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {'dataset_meta': model.dataset_meta}}, path)
    return path


def test_the_same_tracker_gives_the_figures_of_the_evaluation(
    load_script, tiny_config: Path, checkpoint: Path, tmp_path: Path
) -> None:
    compared, tested = tmp_path / 'compared.json', tmp_path / 'tested.json'
    own = 'MatchingFreeTracker(iou_threshold=0.5, duplicate_iou=0.6)'
    load_script('tools/analysis_tools/compare_trackers.py').main(
        [str(tiny_config), str(checkpoint), '--tracker', own, '--tracker', 'IoUTracker()', '--json', str(compared)]
        + OPTIONS
    )
    load_script('tools/test.py').main(
        [str(tiny_config), str(checkpoint), '--work-dir', str(tmp_path), '--json', str(tested)]
        + [*OPTIONS, 'model.tracker.iou_threshold=0.5', 'model.tracker.duplicate_iou=0.6']
    )
    figures, expected = json.loads(compared.read_text()), json.loads(tested.read_text())
    assert set(figures) == {own, 'IoUTracker()'}
    assert figures[own]['update_ms'] > 0
    for name, value in expected.items():
        if '/' in name:
            assert figures[own][name] == pytest.approx(value), name


@pytest.mark.parametrize('text', ['Nope(', 'IoUTracker(1)(2)', 'IoUTracker(iou_threshold=x)', 'Unknown()'])
def test_an_unusable_tracker_is_named(load_script, tiny_config, checkpoint, capsys, text: str) -> None:
    with pytest.raises(SystemExit) as exit_info:
        load_script('tools/analysis_tools/compare_trackers.py').main(
            [str(tiny_config), str(checkpoint), '--tracker', text]
        )
    assert exit_info.value.code == 2
    assert text.split('(')[0] in capsys.readouterr().err
