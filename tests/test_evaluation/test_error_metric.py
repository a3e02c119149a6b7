"""The types of errors and what fixing them gains, against values worked out by hand."""

import json

import numpy as np
import pytest

from mmrcf.evaluation import (
    ErrorBreakdown,
    ErrorBreakdownMetric,
    VideoEvaluation,
    VISMetric,
    parse_ground_truth,
    parse_results,
)
from mmrcf.evaluation.functional.error_breakdown import ERROR_TYPES, FALSE_POSITIVES
from mmrcf.registry import METRICS

CAT, DOG = 10, 20
# Of LEFT, 20x20: the IoU with HALF is 1/2, with THIRD 1/3 and with TENTH 1/10; with TWENTIETH it is 1/20.
LEFT, HALF, THIRD, TENTH, TWENTIETH = (0, 0, 20, 20), (0, 0, 10, 20), (0, 10, 20, 20), (0, 0, 2, 20), (0, 0, 1, 20)
RIGHT, FAR = (100, 0, 20, 20), (200, 200, 20, 20)
ONE_OF_TWO = 100 * 51 / 101  # AP50 of one found object of two: precision 1 at 51 of the 101 recall levels
GAINS = (*ERROR_TYPES, 'false_positives', 'false_negatives')


def breakdown(truth, results, crowds=(), **options):
    for number in crowds:
        truth['annotations'][number]['iscrowd'] = 1
    parsed = parse_ground_truth(truth)
    return ErrorBreakdown(VideoEvaluation(parsed, parse_results(results, parsed), **options))


@pytest.fixture
def measure(annotations):
    """The figures for objects and results: gains and counts that are not 0, by type."""

    def run(tracks, results, crowds=(), **options):
        figures = breakdown(annotations(tracks, **options), results, crowds).metrics()
        gains = {name: figures[f'dAP_{name}'] for name in GAINS if figures[f'dAP_{name}']}
        counts = {name: int(figures[f'count_{name}']) for name in GAINS if figures[f'count_{name}']}
        return figures['AP50'], gains, counts

    return run


class TestByHand:
    def test_perfect(self, measure, result):
        ap50, gains, counts = measure(
            [(1, 'cat', [LEFT]), (1, 'dog', [RIGHT])], [result(1, CAT, [LEFT])] + [result(1, DOG, [RIGHT])]
        )
        assert ap50 == pytest.approx(100) and gains == {} and counts == {}

    def test_classification(self, measure, result):
        # The mean of two classes: fixed, the object of one is found.
        ap50, gains, counts = measure(
            [(1, 'cat', [LEFT]), (1, 'dog', [RIGHT])], [result(1, DOG, [HALF], 0.9), result(1, DOG, [RIGHT], 0.8)]
        )
        # Dogs have precision 1/2 before, 1 after.
        assert ap50 == pytest.approx(25)
        # Without the one cat there is no cat to find, and no cat is shown.
        assert gains == pytest.approx({'classification': 75, 'false_positives': 25, 'false_negatives': 50})
        assert counts == {'classification': 1, 'false_positives': 1, 'false_negatives': 1}

    def test_localisation(self, measure, result):
        ap50, gains, counts = measure([(1, 'cat', [LEFT])], [result(1, CAT, [THIRD])])
        assert ap50 == 0
        assert gains == pytest.approx({'localisation': 100})
        assert counts == {'localisation': 1, 'false_positives': 1, 'false_negatives': 1}

    def test_both(self, measure, result):
        ap50, gains, counts = measure(
            [(1, 'cat', [LEFT]), (1, 'dog', [RIGHT])],
            [result(1, DOG, [THIRD], 0.9)] + [result(1, DOG, [RIGHT], 0.8), result(1, CAT, [LEFT], 0.7)],
        )
        assert ap50 == pytest.approx(75)
        assert gains == pytest.approx({'both': 25, 'false_positives': 25})
        assert counts == {'both': 1, 'false_positives': 1}

    def test_duplicate(self, measure, result):
        # Two objects; the copy stands between the two that find them: precision 1, then 2/3.
        tracks = [(1, 'cat', [LEFT]), (2, 'cat', [LEFT])]
        results = [result(1, CAT, [LEFT], 0.9), result(1, CAT, [HALF], 0.8), result(2, CAT, [LEFT], 0.7)]
        ap50, gains, counts = measure(tracks, results)
        assert ap50 == pytest.approx(100 * (51 + 50 * 2 / 3) / 101)
        assert gains == pytest.approx({'duplicate': 100 - ap50, 'false_positives': 100 - ap50})
        assert counts == {'duplicate': 1, 'false_positives': 1}

    @pytest.mark.parametrize('box', [FAR, TWENTIETH])
    def test_background(self, measure, result, box):
        tracks = [(1, 'cat', [LEFT]), (2, 'cat', [RIGHT])]
        results = [result(2, CAT, [FAR], 0.95), result(1, CAT, [box], 0.9)]
        results += [result(1, CAT, [LEFT], 0.8), result(2, CAT, [RIGHT], 0.7)]
        ap50, gains, counts = measure(tracks, results)
        assert ap50 == pytest.approx(50)
        assert gains == pytest.approx({'background': 50, 'false_positives': 50})
        assert counts == {'background': 2, 'false_positives': 2}

    def test_missed(self, measure, result):
        ap50, gains, counts = measure([(1, 'cat', [LEFT]), (1, 'cat', [RIGHT])], [result(1, CAT, [LEFT])])
        assert ap50 == pytest.approx(ONE_OF_TWO)
        assert gains == pytest.approx({'missed': 100 - ONE_OF_TWO, 'false_negatives': 100 - ONE_OF_TWO})
        assert counts == {'missed': 1, 'false_negatives': 1}

    def test_an_object_with_an_inexact_prediction_is_not_missed(self, measure, result):
        tracks = [(1, 'cat', [LEFT]), (1, 'cat', [RIGHT])]
        _, gains, counts = measure(tracks, [result(1, CAT, [RIGHT], 0.9), result(1, CAT, [THIRD], 0.8)])
        assert gains == pytest.approx(dict.fromkeys(('localisation', 'false_negatives'), 100 - ONE_OF_TWO))
        assert counts == {'localisation': 1, 'false_positives': 1, 'false_negatives': 1}


class TestThresholds:
    def test_an_iou_of_a_tenth_is_localisation(self, measure, result):
        assert measure([(1, 'cat', [LEFT])], [result(1, CAT, [TENTH])])[2]['localisation'] == 1

    def test_an_iou_of_a_tenth_with_another_class_is_both(self, measure, result):
        assert measure([(1, 'cat', [LEFT])], [result(1, DOG, [TENTH])])[2]['both'] == 1

    def test_an_iou_of_a_half_finds_the_object(self, measure, result):
        assert measure([(1, 'cat', [LEFT])], [result(1, CAT, [HALF])])[2] == {}

    def test_localisation_comes_before_classification(self, measure, result):
        # IoU 1/3 with a cat and 1 with a dog.
        tracks = [(1, 'cat', [LEFT]), (1, 'dog', [THIRD])]
        assert measure(tracks, [result(1, CAT, [THIRD])])[2]['localisation'] == 1

    def test_classification_comes_before_duplicate(self, measure, result):
        tracks = [(1, 'cat', [LEFT]), (1, 'dog', [LEFT])]
        counts = measure(tracks, [result(1, CAT, [LEFT], 0.9), result(1, CAT, [LEFT], 0.8)])[2]
        assert counts == {'classification': 1, 'false_positives': 1, 'false_negatives': 1}


class TestFixing:
    def test_of_several_errors_at_an_object_the_best_score_counts(self, measure, result):
        # Fixed, the first is right and the second gone: AP50 is 100, not that of a duplicate.
        results = [result(1, CAT, [THIRD], 0.6), result(1, CAT, [(0, 11, 20, 20)], 0.9)]
        results += [result(2, CAT, [FAR], 0.7), result(2, CAT, [LEFT], 0.5)]
        ap50, gains, counts = measure([(1, 'cat', [LEFT]), (2, 'cat', [LEFT])], results)
        assert counts == {'localisation': 2, 'background': 1, 'false_positives': 3, 'false_negatives': 1}
        assert ap50 == pytest.approx(100 * 51 / 4 / 101)
        # Right, false, right: precision 1 and 2/3.
        assert gains['localisation'] == pytest.approx(100 * (51 + 50 * 2 / 3) / 101 - ap50)

    def test_errors_at_an_object_that_is_found_are_removed(self, measure, result):
        results = [result(1, CAT, [THIRD], 0.9), result(1, DOG, [LEFT], 0.8), result(1, CAT, [LEFT], 0.7)]
        ap50, gains, counts = measure([(1, 'cat', [LEFT])], results)
        assert counts == {'localisation': 1, 'classification': 1, 'false_positives': 2}
        # Only cats are annotated, so what is wrong among dogs costs nothing.
        assert ap50 == pytest.approx(50) and gains == pytest.approx({'localisation': 50, 'false_positives': 50})

    def test_each_type_alone(self, measure, result):
        # A dog on the cat, better than an inexact cat: either alone would find it.
        results = [result(1, DOG, [LEFT], 0.9), result(1, CAT, [THIRD], 0.8)]
        _, gains, _ = measure([(1, 'cat', [LEFT])], results)
        assert gains['localisation'] == pytest.approx(100)
        # Fixed classification: right, then an inexact one.
        assert gains['classification'] == pytest.approx(100)

    def test_false_negatives_leave_precision_as_it_is(self, measure, result):
        results = [result(1, CAT, [FAR], 0.9), result(1, CAT, [LEFT], 0.8)]
        ap50, gains, _ = measure([(1, 'cat', [LEFT]), (1, 'cat', [RIGHT])], results)
        assert ap50 == pytest.approx(ONE_OF_TWO / 2)
        assert gains['false_negatives'] == gains['missed'] == pytest.approx(50 - ap50)
        assert gains['false_positives'] == pytest.approx(ONE_OF_TWO - ap50)


class TestTracks:
    def test_iou_is_over_the_whole_video(self, measure, result):
        # Right in one of three frames: 1/3, so localisation, though no mask is inexact.
        assert measure([(1, 'cat', [LEFT] * 3)], [result(1, CAT, [LEFT, None, None])])[2]['localisation'] == 1
        assert measure([(1, 'cat', [LEFT] * 2)], [result(1, CAT, [LEFT, None])])[2] == {}

    def test_videos_do_not_mix(self, measure, result):
        tracks = [(1, 'cat', [LEFT]), (2, 'dog', [RIGHT])]
        assert measure(tracks, [result(2, CAT, [LEFT])])[2]['background'] == 1


class TestCrowds:
    def test_a_crowd_is_not_missed_and_what_is_matched_with_it_no_error(self, measure, result):
        tracks = [(1, 'cat', [LEFT]), (1, 'cat', [RIGHT])]
        results = [result(1, CAT, [LEFT], 0.8), result(1, CAT, [RIGHT], 0.9), result(1, CAT, [RIGHT], 0.7)]
        ap50, gains, counts = measure(tracks, results, crowds=[1])
        assert ap50 == pytest.approx(100) and gains == {} and counts == {}

    def test_a_crowd_is_no_object_of_another_class(self, measure, result):
        tracks = [(1, 'cat', [LEFT]), (1, 'dog', [RIGHT]), (1, 'dog', [LEFT])]
        _, _, counts = measure(tracks, [result(1, CAT, [RIGHT])], crowds=[1])
        assert counts == {'background': 1, 'missed': 2, 'false_positives': 1, 'false_negatives': 2}

    def test_only_crowds(self, measure, result):
        ap50, gains, counts = measure([(1, 'cat', [LEFT])], [result(1, CAT, [LEFT])], crowds=[0])
        assert ap50 == -1 and set(gains.values()) == {-1} and counts == {}


class TestEmpty:
    def test_no_predictions(self, measure):
        ap50, gains, counts = measure([(1, 'cat', [LEFT]), (2, 'dog', [LEFT])], [])
        assert ap50 == 0 and gains == {'missed': 100, 'false_negatives': 100}
        assert counts == {'missed': 2, 'false_negatives': 2}

    def test_no_annotated_object(self, annotations, result):
        figures = breakdown(annotations([], lengths={1: 1}), [result(1, CAT, [LEFT])]).metrics(per_class=True)
        counts = {name: value for name, value in figures.items() if name.startswith('count_') and value}
        assert counts == {'count_background': 1, 'count_false_positives': 1}
        assert {figures[name] for name in figures if 'AP' in name or 'recall' in name or 'missed_' in name} == {-1}

    def test_nothing_at_all(self, annotations):
        figures = breakdown(annotations([]), []).metrics()
        assert set(figures.values()) == {-1, 0}

    def test_all_objects_of_a_class_missed_beside_a_false_positive(self, measure, result):
        # Nothing is left to be found, and what is shown is wrong.
        _, gains, counts = measure([(1, 'cat', [LEFT])], [result(1, CAT, [FAR])])
        assert gains == {} and counts['missed'] == counts['background'] == 1


def test_sizes_are_coco_s(annotations, result):
    # By mean area where an object is seen: 31^2, 32^2, 95^2, 96^2.
    boxes = [(0, 0, 31, 31), (40, 0, 32, 32), (0, 100, 95, 95), (100, 100, 96, 96)]
    truth = annotations([(1, 'cat', [box, None]) for box in boxes])
    results = [result(1, CAT, [boxes[1], None]), result(1, CAT, [(100, 100, 96, 40), None])]
    figures = breakdown(truth, results).metrics(per_class=True)
    for prefix in ('', 'cat/'):
        sizes = {key: figures[prefix + key] for key in figures if key.startswith(('objects', 'recall', 'missed'))}
        assert sizes == {
            **{'objects_small': 1, 'recall_small': 0, 'missed_small': 100},
            **{'objects_medium': 2, 'recall_medium': 50, 'missed_medium': 50},
            # Neither found nor missed, but inexact.
            **{'objects_large': 1, 'recall_large': 0, 'missed_large': 0},
        }
    assert (figures['dog/objects_small'], figures['dog/recall_small']) == (0, -1)


def test_per_class(annotations, result):
    truth = annotations([(1, 'cat', [LEFT]), (1, 'dog', [RIGHT])], categories=('cat', 'dog', 'cow'))
    results = [result(1, DOG, [LEFT], 0.9), result(1, DOG, [RIGHT], 0.8)]
    figures = breakdown(truth, results).metrics(per_class=True)
    by_class = [[key.removeprefix(f'{name}/') for key in figures if key.startswith(name)] for name in ('cat', 'cow')]
    assert by_class[0] == by_class[1]
    assert {key for key in by_class[0] if 'AP' in key} == {'AP50', *(f'dAP_{name}' for name in GAINS)}
    # The wrong dog costs cats their object and dogs their precision.
    assert [figures[f'{name}/dAP_classification'] for name in ('cat', 'dog', 'cow')] == pytest.approx([100, 50, -1])
    assert figures['dAP_classification'] == pytest.approx(75)
    assert figures['dog/dAP_false_positives'] == pytest.approx(50)


class TestProperties:
    @pytest.fixture(params=range(8))
    def evaluation(self, request, case):
        """Random videos, each prediction of the case and a shifted copy of it under a random class."""
        truth, results = case(request.param)
        rng = np.random.default_rng(request.param)
        more = [{**one, 'category_id': int(rng.choice([10, 20, 30])), 'score': float(rng.random())} for one in results]
        donors = rng.permutation(len(results))
        for one, donor in zip(results, donors, strict=True):
            if results[donor]['video_id'] == one['video_id']:
                more.append({**one, 'category_id': results[donor]['category_id'], 'score': float(rng.random())})
        parsed = parse_ground_truth(truth)
        return VideoEvaluation(parsed, parse_results([*results, *more], parsed))

    def test_the_base_is_ap50(self, evaluation):
        errors = ErrorBreakdown(evaluation)
        by_class = [-1 if np.isnan(value) else 100 * value for value in errors.base]
        assert by_class == list(evaluation.class_ap50().values())
        assert errors.metrics()['AP50'] == evaluation.metrics()['AP50'] == pytest.approx(100 * np.nanmean(errors.base))

    def test_every_false_positive_has_one_type_and_every_gain_is_within_reach(self, evaluation):
        figures = ErrorBreakdown(evaluation).metrics()
        assert sum(figures[f'count_{name}'] for name in FALSE_POSITIVES) == figures['count_false_positives']
        assert 0 <= figures['count_missed'] <= figures['count_false_negatives']
        assert figures['count_false_positives'] > 0
        for name in GAINS:
            assert 0 <= figures[f'dAP_{name}'] <= 100 - figures['AP50'] + 1e-9
        for name in ('both', 'duplicate', 'background'):
            assert figures[f'dAP_{name}'] <= figures['dAP_false_positives'] + 1e-9
        assert figures['dAP_missed'] <= figures['dAP_false_negatives'] + 1e-9


class TestMetric:
    @pytest.fixture
    def ann_file(self, tmp_path, annotations):
        path = tmp_path / 'instances.json'
        tracks = [(7, 'cat', [LEFT, None, LEFT]), (7, 'dog', [RIGHT] * 3), (4, 'dog', [LEFT, LEFT])]
        path.write_text(json.dumps(annotations(tracks)))
        return path

    @pytest.fixture
    def frames(self, frame):
        cat, dog = (0.9, 0.1), (0.2, 0.8)
        return [
            frame(7, 0, 3, [(0, 0, dog, LEFT), (1, 1, dog, RIGHT)]),
            frame(7, 1, 3, [(1, 1, dog, RIGHT)]),
            frame(7, 2, 3, [(0, 0, dog, LEFT), (1, 1, dog, RIGHT), (2, 2, cat, FAR)]),
            frame(4, 0, 2, [(0, 3, dog, LEFT)]),
            frame(4, 1, 2),
        ]

    def test_frames_become_tracks(self, ann_file, frames):
        metric = METRICS.build({'type': 'mmrcf.ErrorBreakdownMetric', 'ann_file': str(ann_file), 'per_class': True})
        vis = VISMetric(ann_file, class_ap50=True)
        for one in (metric, vis):
            one.dataset_meta = {'classes': ('cat', 'dog')}
            one.process({}, frames)
        figures, reference = metric.evaluate(), vis.evaluate()
        assert figures['errors/AP50'] == reference['vis/AP50'] > 0
        assert figures['errors/dog/AP50'] == reference['vis/AP50_dog']
        assert [figures[f'errors/count_{name}'] for name in ERROR_TYPES] == [1, 0, 0, 0, 1, 0]
        # Right, but behind a better cat on the background.
        assert figures['errors/cat/dAP_classification'] == pytest.approx(50)
        assert all(type(value) is float for value in figures.values())

    def test_a_class_without_category(self, ann_file, frames):
        metric = ErrorBreakdownMetric(ann_file, classes=('yak', 'dog'), per_class=True)
        metric.process({}, frames)
        figures = metric.evaluate()
        # What was taken for a yak is no prediction, and cats are no objects.
        assert figures['errors/count_background'] == 1 and figures['errors/count_missed'] == 0
        assert {key.split('/')[1] for key in figures if key.count('/') == 2} == {'dog'}
