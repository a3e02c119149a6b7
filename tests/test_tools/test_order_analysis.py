"""tools/analysis_tools/order_analysis.py: pairs by hand, and a run over the tiny data set with random weights."""

import json
import math
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmrcf.apis import init_model
from mmrcf.engine.config import load_config

OPTIONS = ['--cfg-options', 'model.score_thr=0.01']


@pytest.fixture(scope='module')
def tool(load_script):
    return load_script('tools/analysis_tools/order_analysis.py')


@pytest.fixture(scope='module')
def checkpoints(tiny_config: Path, tmp_path_factory) -> list[str]:
    folder, paths = tmp_path_factory.mktemp('weights'), []
    for seed in (1, 0):
        torch.manual_seed(seed)
        model = init_model(tiny_config)
        torch.nn.init.normal_(model.head.query_content.weight)
        paths.append(str(folder / f'iter_{len(paths) + 1}.pth'))
        torch.save({'state_dict': model.state_dict(), 'meta': {'dataset_meta': model.dataset_meta}}, paths[-1])
    return paths


def record(tool, image: float, classes: list[list[float]]):
    outputs = {name: torch.tensor(classes) for name in tool.OUTPUTS}
    return tool.FrameRecord({}, torch.full((3, 2, 2), image), outputs)


def test_a_pair_by_hand(tool) -> None:
    before, after = record(tool, 1.0, [[1.0, 0.0], [0.0, 0.0]]), record(tool, 1.5, [[0.0, 0.0], [1.0, 0.0]])
    pair = tool.compare(before, after, ({7: 0, 8: 2}, {7: 1, 9: 0}))
    assert pair.order == 'changed'
    assert pair.epsilon == {1: pytest.approx(6), 2: pytest.approx(math.sqrt(3))}
    assert pair.delta['masks', 1] == pytest.approx((2, 0)) and pair.delta['masks', 2] == pytest.approx(
        (math.sqrt(2), 0)
    )
    assert tool.ratios([pair], 'masks', 1, False, 'changed') == [pytest.approx(1 / 3)]
    assert tool.ratios([pair], 'masks', 1, True, 'changed') == [0]
    assert tool.compare(before, after, ({7: 0, 8: 2}, {7: 0, 9: 2})).order == 'kept'
    assert tool.compare(before, after, ({7: 0}, {9: 0})).order is None


def test_equal_frames_have_no_ratio(tool) -> None:
    frame = record(tool, 1.0, [[1.0]])
    pair = tool.compare(frame, frame, ({1: 0}, {1: 0}))
    assert tool.ratios([pair], 'classes', 1, False, 'kept') == []
    summary = tool.summarise([pair], {'order/slot_changes': 0.0, 'order/recall': 1.0})
    assert summary['ratios']['classes']['1']['largest'] is None
    assert summary['pairs'] == dict(kept=1, changed=0, without_object=0)


@pytest.mark.slow
def test_order_of_all_pairs_of_a_split(tool, load_script, tiny_config, tiny_ytvis, checkpoints, tmp_path) -> None:
    out, plot, page, tested = (tmp_path / name for name in ('a.json', 'a.png', 'page.md', 'tested.json'))
    page.write_text('Before\n<!-- order:start -->\n<!-- order:end -->\nAfter\n')
    files = ['--json', str(out), '--out', str(plot), '--table', str(page)]
    tool.main([str(tiny_config), *checkpoints[::-1], *files, *OPTIONS])
    content = json.loads(out.read_text())
    assert list(content['checkpoints']) == ['iter_1', 'iter_2']
    for run in content['checkpoints'].values():
        assert sum(run['pairs'].values()) == 2 * 3
    config = tmp_path / 'order.py'
    config.write_text(
        f"_base_ = '{tiny_config}'\n"
        f"test_evaluator = [dict(type='OrderMetric', ann_file='{tiny_ytvis}/test/instances.json')]\n"
    )
    load_script('tools/test.py').main(
        [str(config), checkpoints[1], '--work-dir', str(tmp_path), '--json', str(tested), *OPTIONS]
    )
    expected = json.loads(tested.read_text())
    last = content['checkpoints']['iter_2']
    assert last['pairs']['kept'] > 0 and last['slot_changes'] >= 0
    assert last['slot_changes'] == expected['order/slot_changes'] and last['recall'] == expected['order/recall']
    assert cv2.imread(str(plot)).shape[1] == 900
    assert page.read_text() == f'Before\n<!-- order:start -->\n{tool.tables(content)}\n<!-- order:end -->\nAfter\n'
    assert f'| `iter_2` | {last["pairs"]["kept"]} |' in page.read_text()


def test_no_panel_of_several_checkpoints_covers_another(tool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before, after = record(tool, 1.0, [[1.0, 0.0], [0.0, 0.0]]), record(tool, 1.5, [[0.0, 0.0], [0.5, 0.0]])
    pair = tool.compare(before, after, ({7: 0}, {7: 1}))
    runs = {name: ([pair], dict(slot_changes=0.1)) for name in ('iter_1', 'iter_2')}
    figures = []
    monkeypatch.setattr(tool.pyplot, 'close', figures.append)
    tool.draw(runs, tmp_path / 'order.png')
    boxes = [axes.get_window_extent() for axes in figures[0].axes]
    assert len(boxes) == 7
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_frames_are_those_of_the_network(tool, tiny_config, tiny_ytvis, checkpoints) -> None:
    init_default_scope('mmrcf')
    pipeline = [dict(type='LoadClipFrames'), dict(type='PackClip')]
    model = init_model(str(tiny_config), checkpoints[0])
    loader = Runner.build_dataloader(
        load_config(str(tiny_config), {'test_dataloader.dataset.pipeline': pipeline}).test_dataloader, seed=0
    )
    records = list(tool.frame_records(model, loader))
    assert len(records) == 8 and records[0].image.shape[0] == 3
    assert records[0].outputs['classes'].shape == (5, 9)
    torch.testing.assert_close(records[0].outputs['classes'].sum(1), torch.ones(5))
    files = json.loads((tiny_ytvis / 'test/instances.json').read_text())['videos'][0]['file_names']
    image = cv2.imread(str(tiny_ytvis / 'test/JPEGImages' / files[1]))[..., ::-1]
    np.testing.assert_allclose(records[1].image.permute(1, 2, 0), (image - 120.0) / 60.0, atol=1e-5)
    assert not model.data_preprocessor._forward_hooks and 'slot_predictions' not in vars(model)


def test_the_page_has_the_tables_of_its_figures(tool, repository: Path) -> None:
    content = json.loads((repository / 'docs/order_analysis.json').read_text())
    page = (repository / 'docs/order_analysis.md').read_text()
    assert f'<!-- order:start -->\n{tool.tables(content)}\n<!-- order:end -->' in page
    course = json.loads((repository / 'docs/order_course.json').read_text())['checkpoints']
    assert ', '.join(f'{summary["slot_changes"]:.2f}' for summary in course.values()) in page.replace('\n', ' ')
    # The figures of its text.
    (run,) = content['checkpoints'].values()
    kept, changed = run['pairs']['kept'], run['pairs']['changed']
    assert f'{kept} of the {kept + changed} pairs' in page and f'Only {changed} pairs' in page
    plain, best = (
        {output: run['ratios'][output]['1'][kind]['changed']['median'] for output in tool.OUTPUTS}
        for kind in ('same_slots', 'best_permutation')
    )
    assert f'{plain["classes"]:.1e} for class' in page and f'{plain["masks"]:.2g} for mask' in page
    assert f'{plain["mask_logits"]:.2g} for mask logits' in page
    taken = [round(100 * (1 - best[output] / plain[output])) for output in tool.OUTPUTS]
    assert '{} percent for class probabilities, {} for mask probabilities, {} for mask logits'.format(*taken) in page
    above = [round(100 * run['ratios'][output]['1']['kept_above_least_changed']) for output in tool.OUTPUTS]
    assert '{}, {} and {} percent have a ratio above'.format(*above) in page.replace('\n  ', ' ')


def test_what_cannot_be_measured_or_drawn_is_refused(tool, tiny_config, checkpoints, capsys) -> None:
    with pytest.raises(SystemExit) as exit_info:
        tool.main([str(tiny_config), checkpoints[0], checkpoints[0]])
    assert exit_info.value.code == 2 and 'one is a duplicate' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        tool.main([str(tiny_config), checkpoints[0], '--out', 'plot'])
    assert '--out: plot: expected a name that ends in one of .png' in capsys.readouterr().err
