"""AP and AR against values worked out by hand, mmdet's evaluation, pycocotools' and plain numpy."""

import contextlib
import copy
import io

import numpy as np
import pytest
from mmdet.evaluation.functional import YTVIS, YTVISeval
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmrcf.errors import InputError
from mmrcf.evaluation import VideoEvaluation, evaluate_tracks, parse_ground_truth, parse_results

CAT, DOG = 10, 20
LEFT, RIGHT = (0, 0, 20, 20), (100, 0, 20, 20)


class TestByHand:
    def test_perfect(self, annotations, result):
        truth = annotations([(1, 'cat', [LEFT, RIGHT]), (2, 'dog', [LEFT, None])])
        figures = evaluate_tracks(truth, [result(1, CAT, [LEFT, RIGHT]), result(2, DOG, [LEFT, None])])
        assert figures == pytest.approx(
            {'AP': 100, 'AP50': 100, 'AP75': 100, 'AP_s': 100, 'AP_m': -1, 'AP_l': -1, 'AR1': 100, 'AR10': 100}
        )

    def test_iou_is_over_the_whole_video(self, annotations, result):
        # Right in one of two frames and absent in the other: IoU 400/800, enough at 0.5 and at no other threshold.
        figures = evaluate_tracks(annotations([(1, 'cat', [LEFT, LEFT])]), [result(1, CAT, [LEFT, None])])
        assert (figures['AP50'], figures['AP75'], figures['AP']) == pytest.approx((100, 0, 10))

    def test_frames_where_the_object_is_absent_count_as_errors(self, annotations, result):
        # 400 shared pixels, 400 more in a frame without the object, and 400 in one where it is elsewhere: 400/1600.
        figures = evaluate_tracks(annotations([(1, 'cat', [LEFT, None, LEFT])]), [result(1, CAT, [LEFT, LEFT, RIGHT])])
        assert figures['AP50'] == 0

    def test_a_false_track_with_a_better_score(self, annotations, result):
        results = [result(1, CAT, [RIGHT], 0.9), result(1, CAT, [LEFT], 0.8)]
        assert evaluate_tracks(annotations([(1, 'cat', [LEFT])]), results)['AP'] == pytest.approx(50)
        results[1]['score'] = 0.95
        assert evaluate_tracks(annotations([(1, 'cat', [LEFT])]), results)['AP'] == pytest.approx(100)

    def test_one_of_two_found(self, annotations, result):
        # Precision 1 up to recall 0.5: 51 of the 101 recall levels.
        truth = annotations([(1, 'cat', [LEFT]), (1, 'cat', [RIGHT])])
        figures = evaluate_tracks(truth, [result(1, CAT, [LEFT])])
        assert figures['AP'] == pytest.approx(100 * 51 / 101)
        assert figures['AR10'] == pytest.approx(50)

    def test_recall_with_one_prediction_a_video(self, annotations, result):
        truth = annotations([(1, 'cat', [LEFT]), (1, 'cat', [RIGHT])])
        figures = evaluate_tracks(truth, [result(1, CAT, [LEFT], 0.7), result(1, CAT, [RIGHT], 0.8)])
        assert (figures['AR1'], figures['AR10']) == pytest.approx((50, 100))

    def test_class_must_be_right(self, annotations, result):
        assert evaluate_tracks(annotations([(1, 'cat', [LEFT])]), [result(1, DOG, [LEFT])])['AP'] == 0

    def test_mean_over_annotated_categories(self, annotations, result):
        truth = annotations([(1, 'cat', [LEFT]), (1, 'dog', [RIGHT])], categories=('cat', 'dog', 'cow'))
        assert evaluate_tracks(truth, [result(1, CAT, [LEFT])])['AP'] == pytest.approx(50)

    def test_an_object_can_be_found_once(self, annotations, result):
        # The second copy is a false track, but of a lower score: precision 1 at every recall level.
        results = [result(1, CAT, [LEFT], 0.9), result(1, CAT, [LEFT], 0.8), result(2, CAT, [LEFT], 0.7)]
        truth = annotations([(1, 'cat', [LEFT]), (2, 'cat', [LEFT])])
        assert evaluate_tracks(truth, results)['AP'] == pytest.approx(100 * (51 + 50 * 2 / 3) / 101)

    def test_a_crowd_is_neither_found_nor_missed(self, annotations, result):
        truth = annotations([(1, 'cat', [LEFT]), (1, 'cat', [RIGHT])])
        truth['annotations'][1]['iscrowd'] = 1
        assert evaluate_tracks(truth, [result(1, CAT, [LEFT], 0.8)])['AP'] == pytest.approx(100)
        both = [result(1, CAT, [LEFT], 0.8), result(1, CAT, [RIGHT], 0.9)]
        assert evaluate_tracks(truth, both)['AP'] == pytest.approx(100)

    @pytest.mark.parametrize(('side', 'size'), [(127, 'AP_s'), (129, 'AP_m'), (255, 'AP_m'), (257, 'AP_l')])
    def test_size_is_the_mask_area_where_the_object_is_seen(self, annotations, result, side, size):
        box = (0, 0, side, side)
        figures = evaluate_tracks(annotations([(1, 'cat', [box, None, None])]), [result(1, CAT, [box, None, None])])
        assert {key for key in ('AP_s', 'AP_m', 'AP_l') if figures[key] >= 0} == {size}
        assert figures[size] == pytest.approx(100)

    def test_size_is_not_the_area_of_the_box(self, annotations, result):
        # Two thin bars far apart: the box is 300 x 300, the mask 2 x 4 x 300 pixels.
        bars = [[0, 0, 4, 0, 4, 300, 0, 300], [296, 0, 300, 0, 300, 300, 296, 300]]
        truth = annotations([(1, 'cat', [LEFT])])
        truth['annotations'][0]['segmentations'] = [bars]
        assert evaluate_tracks(truth, [])['AP_s'] == 0
        assert evaluate_tracks(truth, [])['AP_l'] == -1


class TestEmpty:
    def test_no_predictions(self, annotations):
        figures = evaluate_tracks(annotations([(1, 'cat', [LEFT])]), [])
        assert figures == {'AP': 0, 'AP50': 0, 'AP75': 0, 'AP_s': 0, 'AP_m': -1, 'AP_l': -1, 'AR1': 0, 'AR10': 0}

    def test_no_annotated_object(self, annotations, result):
        figures = evaluate_tracks(annotations([], lengths={1: 1}), [result(1, CAT, [LEFT])])
        assert set(figures.values()) == {-1}

    def test_no_video(self, annotations):
        assert set(evaluate_tracks(annotations([]), []).values()) == {-1}

    def test_empty_track(self, annotations, result):
        truth = annotations([(1, 'cat', [LEFT, LEFT]), (1, 'cat', [None, None])])
        assert evaluate_tracks(truth, [result(1, CAT, [None, None])])['AP'] == 0

    def test_no_annotations_at_all(self, annotations):
        truth = annotations([], lengths={1: 1})
        del truth['annotations']
        with pytest.raises(InputError, match="has no 'annotations'.*format_only"):
            evaluate_tracks(truth, [])


def silent(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments)


def summary(evaluation) -> np.ndarray:
    for step in (evaluation.evaluate, evaluation.accumulate, evaluation.summarize):
        silent(step)
    return np.where(evaluation.stats[:8] < 0, -1, 100 * evaluation.stats[:8])


@pytest.mark.parametrize('seed', range(8))
def test_equals_mmdet(case, seed):
    truth, results = case(seed)
    theirs = silent(YTVIS, copy.deepcopy(truth))
    evaluation = YTVISeval(theirs, silent(theirs.loadRes, copy.deepcopy(results)), 'segm')
    evaluation.params.vidIds = theirs.getVidIds()
    expected = summary(evaluation)
    assert list(evaluate_tracks(truth, results).values()) == pytest.approx(list(expected), abs=1e-9)


@pytest.mark.parametrize('seed', range(4))
def test_equals_pycocotools_on_videos_of_one_frame(case, seed):
    truth, results = case(seed)
    for video in truth['videos']:
        video.update(length=1, file_names=video['file_names'][:1])
    for entry in [*truth['annotations'], *results]:
        entry['segmentations'] = entry['segmentations'][:1]
        entry['iscrowd'] = 0

    def image_entries(entries: list[dict]) -> list[dict]:
        return [
            {**entry, 'image_id': entry['video_id'], 'segmentation': rle, 'area': float(mask_utils.area(rle))}
            for entry in entries
            if (rle := entry['segmentations'][0]) is not None
        ]

    coco = COCO()
    coco.dataset = {**truth, 'images': truth['videos'], 'annotations': image_entries(truth['annotations'])}
    silent(coco.createIndex)
    evaluation = COCOeval(coco, silent(coco.loadRes, image_entries(results)), 'segm')
    evaluation.params.areaRng = [[0, 1e10], [0, 128**2], [128**2, 256**2], [256**2, 1e10]]
    expected = summary(evaluation)
    # Empty tracks are no annotations for COCO, so they are left out here too.
    for entries in (truth['annotations'], results):
        entries[:] = [entry for entry in entries if entry['segmentations'][0] is not None]
    assert list(evaluate_tracks(truth, results).values()) == pytest.approx(list(expected), abs=1e-9)


def test_class_ap(annotations, result):
    truth = annotations([(1, 'cat', [LEFT]), (1, 'dog', [RIGHT])], categories=('cat', 'dog', 'cow'))
    parsed = parse_ground_truth(truth)
    evaluation = VideoEvaluation(parsed, parse_results([result(1, DOG, [RIGHT])], parsed))
    assert evaluation.class_ap() == pytest.approx({'cat': 0, 'dog': 100, 'cow': -1})


def test_categories_can_be_left_out(annotations, result):
    parsed = parse_ground_truth(annotations([(1, 'cat', [LEFT]), (1, 'dog', [RIGHT])]))
    evaluation = VideoEvaluation(parsed, parse_results([result(1, DOG, [RIGHT])], parsed), category_ids=[DOG])
    assert evaluation.metrics()['AP'] == pytest.approx(100)


def test_evaluation_prints_nothing(annotations, capsys):
    evaluate_tracks(annotations([(1, 'cat', [LEFT])]), [])
    assert capsys.readouterr().out == ''
