import json
import logging
import pickle
import runpy
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import pytest
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger

from mmrcf.errors import InputError, InputFileError
from mmrcf.evaluation import ErrorBreakdownMetric, OrderMetric, RegionMetric, VISMetric
from mmrcf.inputs import kept_inputs
from mmrcf.registry import METRICS
from mmrcf.utils import require_file

LEFT, RIGHT = (0, 0, 20, 20), (100, 0, 20, 20)
CAT, DOG = (0.9, 0.1), (0.1, 0.9)


@pytest.fixture
def ann_file(tmp_path, annotations):
    """Two videos: a cat that is hidden in a frame and a dog; a dog."""
    path = tmp_path / 'instances.json'
    tracks = [(7, 'cat', [LEFT, None, LEFT]), (7, 'dog', [RIGHT] * 3), (4, 'dog', [LEFT, LEFT])]
    path.write_text(json.dumps(annotations(tracks)))
    return path


@pytest.fixture
def perfect(frame):
    """The frames of a perfect prediction; a track ID of 0 is one like any other."""
    return [
        frame(7, 0, 3, [(0, 0, CAT, LEFT), (1, 1, DOG, RIGHT)]),
        frame(7, 1, 3, [(1, 1, DOG, RIGHT)]),
        frame(7, 2, 3, [(0, 0, CAT, LEFT), (1, 1, DOG, RIGHT)]),
        frame(4, 0, 2, [(0, 3, DOG, LEFT)]),
        frame(4, 1, 2, [(0, 3, DOG, LEFT)]),
    ]


def build(ann_file, classes=('cat', 'dog'), **options):
    metric = METRICS.build({'type': 'mmrcf.VISMetric', 'ann_file': str(ann_file), **options})
    metric.dataset_meta = {'classes': classes}
    return metric


def evaluate(metric, frames):
    for frame in frames:
        metric.process({}, [frame])
    return metric.evaluate(len(frames))


def test_perfect_predictions(ann_file, perfect):
    figures = evaluate(build(ann_file), perfect)
    assert figures == pytest.approx(
        {
            **{f'vis/{key}': 100 for key in ('AP', 'AP50', 'AP75', 'AP_s', 'AR1', 'AR10')},
            **{f'vis/{key}': -1 for key in ('AP_m', 'AP_l')},
        }
    )
    assert all(type(value) is float for value in figures.values())


def test_the_view_of_the_tested_data_set_is_taken(ann_file, perfect):
    view = dict(class_map=dict(dog='cat', cat='dog'), only=['clip7'], exclude=None)
    metric = METRICS.build({'type': 'mmrcf.VISMetric', 'ann_file': str(ann_file)})
    metric.dataset_meta = {'classes': ('dog', 'cat'), 'tested': dict(view=view, video_ids=[7])}
    part = [frame for frame in perfect if frame['video_id'] == 7]
    # With the names exchanged twice, by the map and in the classes, a perfect prediction stays one.
    assert evaluate(metric, part)['vis/AP'] == pytest.approx(100)


def test_other_videos_than_those_of_the_file_are_refused(ann_file):
    everything = dict(class_map=None, only=None, exclude=None)
    for source, ids in ((str(ann_file), [7]), ({'ann_file': str(ann_file), 'only': [7]}, [4, 7])):
        metric = METRICS.build({'type': 'mmrcf.VISMetric', 'ann_file': source})
        with pytest.raises(InputError, match=r'they differ in 1, first in video 4'):
            metric.dataset_meta = {'classes': ('cat', 'dog'), 'tested': dict(view=everything, video_ids=ids)}


def test_a_submission_takes_no_class_map_from_the_data_set(ann_file, tmp_path):
    metric = METRICS.build(
        {'type': 'mmrcf.VISMetric', 'ann_file': str(ann_file), 'outfile_prefix': str(tmp_path / 'a')}
    )
    view = dict(class_map=dict(cat='cat', dog='dog'), only=None, exclude=None)
    with pytest.raises(InputError, match='leave class_map or outfile_prefix out'):
        metric.dataset_meta = {'classes': ('cat', 'dog'), 'tested': dict(view=view, video_ids=[4, 7])}


def test_labels_follow_class_names(ann_file, perfect):
    for frame in perfect:
        frame['class_probs'] = frame['class_probs'][:, ::-1]
        frame['labels'] = 1 - frame['labels']
    assert evaluate(build(ann_file, classes=('dog', 'cat')), perfect)['vis/AP'] == pytest.approx(100)
    assert evaluate(build(ann_file, classes=['cat', 'dog']), perfect)['vis/AP'] == 0


def test_classes_can_be_given(ann_file, perfect):
    metric = VISMetric(ann_file, classes=('cat', 'dog'))
    assert evaluate(metric, perfect)['vis/AP'] == pytest.approx(100)
    with pytest.raises(InputError, match='names no classes'):
        evaluate(VISMetric(ann_file), perfect)


def test_repeated_validation(ann_file, perfect):
    metric = build(ann_file)
    first = evaluate(metric, perfect)
    assert set(evaluate(metric, []).values()) == {0, -1}
    assert evaluate(metric, perfect[:3])['vis/AP'] < 100
    assert evaluate(metric, perfect) == first


def test_size_does_not_cut_the_results(ann_file, perfect):
    metric = build(ann_file)
    for frame in perfect:
        metric.process({}, [frame])
    assert metric.evaluate(2)['vis/AP'] == pytest.approx(100)


def test_order_of_the_frames_plays_no_part(ann_file, perfect):
    assert evaluate(build(ann_file), perfect[::-1]) == evaluate(build(ann_file), perfect)


def test_frames_without_objects(ann_file, frame):
    frames = [frame(7, index, 3) for index in range(3)] + [frame(4, index, 2) for index in range(2)]
    assert set(evaluate(build(ann_file), frames).values()) == {0, -1}


def test_class_and_score_are_of_the_mean_distribution(ann_file, frame, tmp_path):
    # Cat in two of three frames, but the mean says dog with (0.4 + 0.4 + 0.9) / 3.
    distributions = [(0.6, 0.4), (0.6, 0.4), (0.1, 0.9)]
    frames = [frame(7, index, 3, [(5, 0, probs, RIGHT)]) for index, probs in enumerate(distributions)]
    metric = build(ann_file, outfile_prefix=str(tmp_path / 'out'))
    assert evaluate(metric, frames)['vis/AP50'] > 0
    (track,) = json.loads(zipfile.ZipFile(tmp_path / 'out.zip').read('results.json'))
    assert track['category_id'] == 20
    assert track['score'] == pytest.approx(1.7 / 3)


def test_the_score_can_be_the_highest_of_its_class(ann_file, frame, tmp_path):
    distributions = [(0.95, 0.4), (0.1, 0.9), (0.1, 0.8)]  # dog in the mean, though the highest score is a cat's
    frames = [frame(7, index, 3, [(5, 0, probs, RIGHT)]) for index, probs in enumerate(distributions)]
    evaluate(build(ann_file, outfile_prefix=str(tmp_path / 'out'), track_score='max'), frames)
    (track,) = json.loads(zipfile.ZipFile(tmp_path / 'out.zip').read('results.json'))
    assert track['category_id'] == 20 and track['score'] == pytest.approx(0.9)
    with pytest.raises(InputError, match="track_score='best'"):
        build(ann_file, track_score='best')


def test_frames_in_which_the_track_id_is_not_shown_do_not_count(ann_file, frame, tmp_path):
    frames = [frame(4, 0, 2, [(2, 0, (0.2, 0.7), LEFT)]), frame(4, 1, 2)]
    evaluate(build(ann_file, outfile_prefix=str(tmp_path / 'out.zip')), frames)
    (track,) = json.loads(zipfile.ZipFile(tmp_path / 'out.zip').read('results.json'))
    assert track['score'] == pytest.approx(0.7)
    assert track['segmentations'][1] is None and len(track['segmentations']) == 2


def test_track_ids_of_two_videos_are_different_objects(ann_file, frame, perfect):
    metric = build(ann_file)
    assert evaluate(metric, [frame(4, 0, 2, [(0, 3, DOG, LEFT)]), frame(4, 1, 2), *perfect[:3]])['vis/AP50'] == 100


def test_a_track_without_a_pixel_is_no_track(ann_file, frame, tmp_path):
    nothing = (0, 0, 0, 0)
    frames = [frame(4, 0, 2, [(1, 0, DOG, nothing), (2, 1, DOG, LEFT)]), frame(4, 1, 2, [(2, 1, DOG, nothing)])]
    evaluate(build(ann_file, outfile_prefix=str(tmp_path / 'out')), frames)
    (track,) = json.loads(zipfile.ZipFile(tmp_path / 'out.zip').read('results.json'))
    assert [rle is None for rle in track['segmentations']] == [False, True]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda frames, frame: frames.pop(1), r'1 of 3 frames of video 7 \(clip7\) are missing, the first is 1'),
        (lambda frames, frame: frames.append(frame(7, 1, 3)), r'frame 1 of video 7 \(clip7\) came twice'),
        (lambda frames, frame: frames.append(frame(8, 0, 1)), 'video_id 8 is not in annotation file .*instances.json'),
        (lambda frames, frame: frames.append(frame(7, 3, 4)), r'video 7 \(clip7\).* tested with 4 frames and has 3'),
        (
            lambda frames, frame: frames.append({**frame(7, 1, 3), 'ori_shape': (30, 32)}),
            r'\(30, 32\) and are \(300, 320\)',
        ),
    ],
)
def test_results_that_do_not_fit(ann_file, perfect, frame, change, message):
    change(perfect, frame)
    metric = build(ann_file)
    with pytest.raises(InputError, match=message):
        evaluate(metric, perfect)
    assert metric.results == []


def test_fields_of_different_lengths_are_a_mistake_of_the_caller(ann_file, perfect):
    perfect[0]['ids'] = np.zeros(5, np.int64)
    with pytest.raises(ValueError, match='frame 0 of video 7: fields differ in length'):
        build(ann_file).process({}, perfect[:1])


def test_track_id_shown_twice_in_a_frame_is_a_mistake_of_the_caller(ann_file, perfect):
    perfect[0]['ids'][:] = 3
    with pytest.raises(ValueError, match='frame 0 of video 7: ids must be unique'):
        build(ann_file).process({}, perfect[:1])


def test_mask_of_another_size_is_a_mistake_of_the_caller(ann_file, perfect):
    perfect[0]['rles'][0] = {'size': [10, 10], 'counts': '0T3'}
    with pytest.raises(ValueError, match='frame 0 of video 7: a mask is'):
        build(ann_file).process({}, perfect[:1])


def test_class_without_a_category_is_left_out(ann_file, frame, caplog):
    frames = [frame(4, index, 2, [(1, 0, (0.1, 0.9, 0.0), LEFT), (2, 1, (0, 0, 0.9), RIGHT)]) for index in range(2)]
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    figures = evaluate(build(ann_file, classes=('cat', 'dog', 'fish')), frames)
    logger.removeHandler(caplog.handler)
    assert "has no category for ['fish']" in caplog.text
    assert figures['vis/AP'] == pytest.approx(100 * 51 / 101 / 2)


def test_category_that_is_no_class_is_not_evaluated(ann_file, perfect):
    for frame in perfect:
        frame['class_probs'] = frame['class_probs'][:, 1:]
    assert evaluate(build(ann_file, classes=('dog',)), perfect)['vis/AP50'] > 0


def test_no_class_has_a_category(ann_file, perfect):
    with pytest.raises(InputError, match='not one of the 2 classes'):
        evaluate(build(ann_file, classes=('car', 'bus')), perfect)


def test_classwise_table_in_the_log(ann_file, perfect, caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO):
        evaluate(build(ann_file, classwise=True), perfect[:3])
    logger.removeHandler(caplog.handler)
    assert 'cat  100.00\ndog   50.50' in caplog.text


def test_ap50_by_class(ann_file, perfect):
    plain = evaluate(build(ann_file), perfect[:3])
    figures = evaluate(build(ann_file, class_ap50=True), perfect[:3])
    by_class = {key: figures.pop(key) for key in ('vis/AP50_cat', 'vis/AP50_dog')}
    # One of the two dogs is found: precision is 1 up to a recall of 1/2, 51 of the 101 places.
    assert by_class == pytest.approx({'vis/AP50_cat': 100, 'vis/AP50_dog': 100 * 51 / 101})
    assert figures == plain and figures['vis/AP50'] == pytest.approx(sum(by_class.values()) / 2)


def test_ap50_of_a_class_is_at_an_iou_of_one_half(ann_file, perfect, frame):
    # 12 of 20 columns in both frames: IoU 0.6, found at the lower thresholds only.
    perfect[3:] = [frame(4, index, 2, [(0, 3, DOG, (0, 0, 12, 20))]) for index in range(2)]
    metric = build(ann_file, class_ap50=True, classes=('cat', 'dog', 'yak'))
    for entry in perfect:
        entry['class_probs'] = np.pad(entry['class_probs'], ((0, 0), (0, 1)))
    figures = evaluate(metric, perfect)
    assert figures['vis/AP50_dog'] == pytest.approx(100) and figures['vis/AP'] < 100
    # A class that the file does not have has no figure.
    assert [key for key in figures if '_' in key][-2:] == ['vis/AP50_cat', 'vis/AP50_dog']


def test_ap50_of_a_class_without_annotation(tmp_path, annotations, frame):
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(annotations([(1, 'cat', [LEFT])])))
    figures = evaluate(build(path, class_ap50=True), [frame(1, 0, 1, [(1, 0, CAT, LEFT)])])
    assert figures['vis/AP50_cat'] == pytest.approx(100) and figures['vis/AP50_dog'] == -1


class TestSubmission:
    def test_format(self, ann_file, perfect, tmp_path):
        metric = build(ann_file, format_only=True, outfile_prefix=str(tmp_path / 'folder' / 'submission'))
        assert evaluate(metric, perfect) == {}
        with zipfile.ZipFile(tmp_path / 'folder' / 'submission.zip') as archive:
            assert archive.namelist() == ['results.json']
            tracks = json.loads(archive.read('results.json'))
        assert [(track['video_id'], track['category_id']) for track in tracks] == [(4, 20), (7, 10), (7, 20)]
        assert all(set(track) == {'video_id', 'score', 'category_id', 'segmentations'} for track in tracks)
        cat = tracks[1]['segmentations']
        assert cat[1] is None and cat[0]['size'] == [300, 320] and isinstance(cat[0]['counts'], str)
        assert [path.name for path in (tmp_path / 'folder').iterdir()] == ['submission.zip']

    def test_file_without_annotations(self, ann_file, perfect, tmp_path):
        content = json.loads(ann_file.read_text())
        del content['annotations']
        ann_file.write_text(json.dumps(content))
        evaluate(build(ann_file, format_only=True, outfile_prefix=str(tmp_path / 'out')), perfect)
        assert (tmp_path / 'out.zip').exists()
        with pytest.raises(InputError, match='format_only=True'):
            build(ann_file)

    def test_same_bytes_for_the_same_results(self, ann_file, perfect, tmp_path):
        for name in ('a', 'b'):
            evaluate(build(ann_file, outfile_prefix=str(tmp_path / name)), perfect)
        assert (tmp_path / 'a.zip').read_bytes() == (tmp_path / 'b.zip').read_bytes()

    def test_no_predictions(self, ann_file, tmp_path):
        evaluate(build(ann_file, format_only=True, outfile_prefix=str(tmp_path / 'out')), [])
        assert json.loads(zipfile.ZipFile(tmp_path / 'out.zip').read('results.json')) == []

    def test_what_fails_the_check_leaves_no_file(self, ann_file, perfect, tmp_path):
        metric = build(ann_file, format_only=True, outfile_prefix=str(tmp_path / 'out' / 'x'))
        perfect[3]['class_probs'][:] = np.nan
        perfect[4]['class_probs'][:] = np.nan
        with pytest.raises(InputError, match=r'submission .*x.zip: entry 0: score: is nan'):
            evaluate(metric, perfect)
        assert list((tmp_path / 'out').iterdir()) == []

    def test_needs_a_place(self, ann_file):
        with pytest.raises(InputError, match='outfile_prefix'):
            build(ann_file, format_only=True)

    def test_place_that_cannot_be_written(self, ann_file, perfect, tmp_path, caplog):
        """It is refused before a frame is tested, and what is found out later costs no metrics."""
        with pytest.raises(InputFileError, match='cannot write there'):
            build(ann_file, outfile_prefix=str(ann_file / 'x'))
        with pytest.raises(InputError, match='is an input of this command'), kept_inputs():
            require_file(ann_file, 'annotation file')
            (tmp_path / 'x.zip').symlink_to(ann_file)
            build(ann_file, outfile_prefix=str(tmp_path / 'x'))
        metric = build(ann_file, outfile_prefix=str(tmp_path / 'folder/y'))
        assert list((tmp_path / 'folder').iterdir()) == []
        (tmp_path / 'folder').rmdir()
        (tmp_path / 'folder').write_text('a file now')
        logger = MMLogger.get_current_instance()
        logger.addHandler(caplog.handler)
        with pytest.raises(InputFileError, match='cannot write there'):
            evaluate(metric, perfect)
        logger.removeHandler(caplog.handler)
        assert "The submission failed; the metrics are {'AP': " in caplog.text


@pytest.mark.parametrize('metric_class', [VISMetric, OrderMetric, RegionMetric, ErrorBreakdownMetric])
class TestAnnotationFile:
    def test_missing(self, tmp_path, metric_class):
        with pytest.raises(InputFileError, match='annotation file .*no such file'):
            metric_class(tmp_path / 'nothing.json')

    def test_cut(self, ann_file, metric_class):
        ann_file.write_text(ann_file.read_text()[:-30])
        metric = metric_class(ann_file)
        with pytest.raises(InputError, match='not valid JSON'):
            metric.dataset_meta = {'classes': ('cat', 'dog')}

    def test_what_the_view_leaves_out_or_allows_is_no_error(self, ann_file, metric_class):
        """The metric is built before it knows the data set."""
        content = json.loads(ann_file.read_text())
        wide, broken = content['videos']
        wide['width'] = 16385
        content['annotations'] = [item for item in content['annotations'] if item['video_id'] == broken['id']]
        content['annotations'][0]['segmentations'] = ['no mask']
        ann_file.write_text(json.dumps(content))
        metric = metric_class(ann_file)
        view = dict(class_map=None, only=[wide['id']], exclude=None, max_side=20000)
        metric.dataset_meta = {'classes': ('cat', 'dog'), 'tested': dict(view=view, video_ids=[wide['id']])}
        with pytest.raises(InputError, match='raise max_side'):
            tested = dict(view=view | dict(max_side=16384), video_ids=[wide['id']])
            metric.dataset_meta = {'classes': ('cat', 'dog'), 'tested': tested}


RANK_SCRIPT = """
    import datetime, pickle, sys
    import torch
    import mmrcf
    from mmrcf.errors import InputError
    from mmrcf.evaluation import ErrorBreakdownMetric, OrderMetric, VISMetric

    rank, folder = int(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2,
        timeout=datetime.timedelta(seconds=120))
    ann_file, frames = pickle.load(open(f'{folder}/frames.pkl', 'rb'))
    mine = [frame for frame in frames if frame['video_id'] == {0: 7, 1: 4}[rank]]
    said = []
    for kind in (VISMetric, OrderMetric, ErrorBreakdownMetric):
        metric = kind(ann_file, ('cat', 'dog'))
        for _ in range(2):
            for frame in mine:
                metric.process({}, [frame])
            said.append(metric.evaluate(len(frames)))
        if rank == 0:
            for frame in mine:
                metric.process({}, [frame])
        said.append(metric.evaluate(1))
        if rank == 1:
            metric.process({}, mine[:1])
        try:
            metric.evaluate(1)
        except InputError as error:
            said.append(str(error))
    pickle.dump(said, open(f'{folder}/said{rank}.pkl', 'wb'))
    torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_equal_one(ann_file, perfect, tmp_path, monkeypatch):
    perfect[2]['ids'] = perfect[2]['ids'][::-1].copy()
    (tmp_path / 'frames.pkl').write_bytes(pickle.dumps((str(ann_file), perfect)))
    script = tmp_path / 'rank.py'
    script.write_text(textwrap.dedent(RANK_SCRIPT))
    # The first process is this one, which has everything imported already.
    other = subprocess.Popen([sys.executable, '-W', 'ignore', str(script), '1', str(tmp_path)], cwd=tmp_path)
    monkeypatch.setattr(sys, 'argv', ['rank.py', '0', str(tmp_path)])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))
    assert other.wait(timeout=60) == 0

    kinds = (VISMetric, OrderMetric, ErrorBreakdownMetric)
    both = [evaluate(kind(ann_file, ('cat', 'dog')), perfect) for kind in kinds]
    one = [evaluate(kind(ann_file, ('cat', 'dog')), perfect[:3]) for kind in kinds]
    assert 0 < both[0]['vis/AP'] < 100 and both[1]['order/id_changes'] > 0
    assert both[2]['errors/count_false_positives'] > 0 and both != one
    for rank in range(2):
        said = pickle.loads((tmp_path / f'said{rank}.pkl').read_bytes())
        assert said[0::4] == both and said[1::4] == both
        # The second process had no frame at all.
        assert said[2::4] == one
        # What is wrong is said on every process, so that none waits for the other.
        assert all('are missing' in message for message in said[3::4])
    assert not (tmp_path / '.dist_test').exists()


def test_through_mmengine(ann_file, perfect):
    evaluator = Evaluator([{'type': 'mmrcf.VISMetric', 'ann_file': str(ann_file)}, OrderMetric(ann_file)])
    evaluator.dataset_meta = {'classes': ('cat', 'dog')}
    for frame in perfect:
        evaluator.process(data_samples=[frame], data_batch={})
    figures = evaluator.evaluate(len(perfect))
    assert figures['vis/AP'] == pytest.approx(100) and figures['order/recall'] == 1
