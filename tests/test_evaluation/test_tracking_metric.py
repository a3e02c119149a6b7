"""HOTA, IDF1 and ID switches by hand and as TrackEval computes them from files; FSLA by hand."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmrcf.errors import InputError
from mmrcf.evaluation import (
    FSLAMetric,
    TrackingMetric,
    parse_ground_truth,
    parse_results,
    sound_localisation_accuracy,
    tracking_figures,
)

LEFT, RIGHT, HALF_LEFT = (0, 0, 40, 40), (100, 0, 40, 40), (0, 0, 20, 40)
CAT, DOG = 10, 20


def figures(measure, annotated: dict, results: list[dict], **options) -> dict[str, float]:
    ground_truth = parse_ground_truth(annotated)
    return measure(ground_truth, parse_results(results, ground_truth), list(ground_truth.categories), **options)


def perfect(annotated: dict) -> list[dict]:
    keys = ('video_id', 'category_id', 'segmentations')
    return [dict({key: item[key] for key in keys}, score=1.0) for item in annotated['annotations']]


def test_an_id_switch_by_hand(annotations, result) -> None:
    pytest.importorskip('trackeval')
    annotated = annotations([(1, 'cat', [LEFT] * 4)])
    found = [result(1, CAT, [LEFT, LEFT, None, None]), result(1, CAT, [None, None, LEFT, LEFT])]
    measured = figures(tracking_figures, annotated, found)
    # Each of the 4 detections shares 2 of its object's 4 frames: AssA 1/2. IDF1: 2 right, 2 missed, 2 too many.
    expected = dict(HOTA=100 * np.sqrt(0.5), DetA=100, AssA=50, IDF1=50, ID_switches=1)
    assert {name: measured[name] for name in expected} == pytest.approx(expected)
    assert measured['class_mean_HOTA'] == pytest.approx(100 * np.sqrt(0.5))  # no dog is annotated or predicted


def test_a_perfect_prediction_has_the_best_figures(annotations) -> None:
    pytest.importorskip('trackeval')
    annotated = annotations([(1, 'cat', [LEFT, None, LEFT]), (1, 'dog', [RIGHT] * 3), (2, 'cat', [None, LEFT])])
    measured = figures(tracking_figures, annotated, perfect(annotated), per_class=True)
    assert measured.pop('ID_switches') == measured.pop('cat/ID_switches') == measured.pop('dog/ID_switches') == 0
    assert list(measured.values()) == pytest.approx([100] * len(measured))


def counts_of(mask: np.ndarray) -> list[int]:
    """The runs of a mask, columns first, beginning with zeros."""
    flat = np.concatenate([[0], mask.ravel(order='F'), [2]])
    ends = np.flatnonzero(np.diff(flat))
    return np.diff(np.concatenate([[0], ends])).tolist()


def trackeval_by_hand(folder: Path, annotated: dict, results: list[dict]) -> dict:
    """What TrackEval's own evaluator says about a file of annotations and one of results."""
    import trackeval

    for item in annotated['annotations']:
        (item['height'], item['width']) = (annotated['videos'][0][key] for key in ('height', 'width'))
        item['segmentations'] = [
            rle and dict(size=rle['size'], counts=counts_of(mask_utils.decode(rle))) for rle in item['segmentations']
        ]
    truth, tracker = folder / 'gt/youtube_vis_val', folder / 'trackers/youtube_vis_val/ours/data'
    for path, content in ((truth, annotated), (tracker, results)):
        path.mkdir(parents=True)
        (path / 'file.json').write_text(json.dumps(content))
    dataset = trackeval.datasets.YouTubeVIS(
        dict(
            GT_FOLDER=f'{folder}/gt/',
            TRACKERS_FOLDER=f'{folder}/trackers/',
            SPLIT_TO_EVAL='val',
            PRINT_CONFIG=False,
        )
    )
    quiet = dict.fromkeys(('PRINT_RESULTS', 'PRINT_CONFIG', 'OUTPUT_SUMMARY', 'OUTPUT_DETAILED', 'PLOT_CURVES'), False)
    evaluator = trackeval.Evaluator(quiet | dict(TIME_PROGRESS=False, LOG_ON_ERROR=None))
    metrics = [trackeval.metrics.HOTA(), *(getattr(trackeval.metrics, name)(quiet) for name in ('CLEAR', 'Identity'))]
    output, _ = evaluator.evaluate([dataset], metrics)
    return output['YouTubeVIS']['ours']['COMBINED_SEQ']


def named(combined: dict) -> dict[str, float]:
    hota = {name: 100 * combined['HOTA'][name].mean() for name in ('HOTA', 'DetA', 'AssA')}
    return hota | dict(IDF1=100 * combined['Identity']['IDF1'], ID_switches=combined['CLEAR']['IDSW'])


@pytest.mark.parametrize('seed', range(3))
def test_the_figures_are_those_of_trackeval_on_the_same_files(seed: int, case, tmp_path: Path) -> None:
    pytest.importorskip('trackeval')
    annotated, results = case(seed)
    for item in annotated['annotations']:
        item['iscrowd'] = 0
    measured = figures(tracking_figures, annotated, results, per_class=True)
    combined = trackeval_by_hand(tmp_path, annotated, results)
    expected = named(combined['cls_comb_det_av'])
    assert {name: measured[name] for name in expected} == pytest.approx(expected)
    seen = {name.partition('/')[0] for name in measured if '/' in name}
    assert seen
    for label in seen:
        expected = named(combined[label])
        assert {name: measured[f'{label}/{name}'] for name in expected} == pytest.approx(expected)
    if len(seen) == len(annotated['categories']):
        assert measured['class_mean_HOTA'] == pytest.approx(100 * combined['cls_comb_cls_av']['HOTA']['HOTA'].mean())


def test_without_trackeval_the_extra_is_named(annotations, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'trackeval.metrics', None)
    with pytest.raises(InputError, match=r"pip install 'mmrcf\[trackeval\]'"):
        figures(tracking_figures, annotations([(1, 'cat', [LEFT])]), [])
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(annotations([(1, 'cat', [LEFT])])))
    with pytest.raises(InputError, match=r"pip install 'mmrcf\[trackeval\]'"):
        TrackingMetric(path)


def test_fsla_of_a_perfect_prediction_is_100(annotations) -> None:
    tracks = [(1, 'cat', [LEFT, None, LEFT, None]), (1, 'dog', [RIGHT, RIGHT, None, None]), (2, 'cat', [LEFT] * 2)]
    annotated = annotations(tracks)
    measured = figures(sound_localisation_accuracy, annotated, perfect(annotated)[::-1])
    assert measured == dict(FSLA=100, FSLA_none=100, FSLA_single=100, FSLA_multiple=100)


def test_fsla_by_hand(annotations, result) -> None:
    annotated = annotations([(1, 'cat', [LEFT, LEFT, LEFT, LEFT, None]), (1, 'dog', [RIGHT, None, RIGHT, None, None])])
    found = [
        # IoU 1/2 in the second frame: right at the 9 thresholds from 0.05 to 0.45. In the last frame one too many.
        result(1, CAT, [LEFT, HALF_LEFT, LEFT, None, LEFT]),
        # Right in the first frame, missed in the third; the fourth has the wrong class.
        result(1, DOG, [RIGHT, None, None, LEFT, None]),
    ]
    measured = figures(sound_localisation_accuracy, annotated, found)
    expected = dict(FSLA=(1 + 9 / 19) / 5, FSLA_none=0, FSLA_single=9 / 19 / 2, FSLA_multiple=1 / 2)
    assert measured == pytest.approx({name: 100 * value for name, value in expected.items()})


def test_fsla_asks_for_the_track_of_the_whole_video(annotations, result) -> None:
    annotated = annotations([(1, 'cat', [LEFT] * 3)])
    found = [result(1, CAT, [LEFT, LEFT, None]), result(1, CAT, [None, None, LEFT])]
    assert figures(sound_localisation_accuracy, annotated, found)['FSLA'] == pytest.approx(200 / 3)


def test_without_predictions_only_silent_frames_are_right(annotations) -> None:
    annotated = annotations([(1, 'cat', [LEFT, None])])
    measured = figures(sound_localisation_accuracy, annotated, [])
    assert measured == dict(FSLA=50, FSLA_none=100, FSLA_single=0, FSLA_multiple=-1)


def test_the_metrics_measure_frames(annotations, frame, tmp_path: Path) -> None:
    pytest.importorskip('trackeval')
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(annotations([(1, 'cat', [LEFT] * 2)])))
    for metric, expected in (
        (
            TrackingMetric(path, classes=('cat', 'dog'), per_class=True),
            {'tracking/IDF1': 100, 'tracking/cat/HOTA': 100},
        ),
        (FSLAMetric(path, classes=('cat', 'dog')), {'avis/FSLA': 100}),
    ):
        for index in range(2):
            metric.process({}, [frame(1, index, 2, [(7, 0, (0.9, 0.1), LEFT)])])
        measured = metric.evaluate(2)
        assert {name: measured[name] for name in expected} == pytest.approx(expected)
