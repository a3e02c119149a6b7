import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest

import mmrcf.evaluation.metrics.frame_metric as frame_metric
from mmrcf.errors import InputError, InputFileError
from mmrcf.evaluation.functional.ground_truth import GroundTruth
from mmrcf.evaluation.metrics.frame_metric import FrameMetric
from mmrcf.utils import write_json


class Unpicklable(Exception):
    """An error that cannot travel to another process."""

    def __reduce__(self) -> tuple:
        raise TypeError('cannot be pickled')


class FailingMetric(FrameMetric):
    """Raises the error it is given."""

    error: Exception | None = None

    def compute(self, ground_truth: GroundTruth, videos: Mapping[int, list[dict]]) -> dict[str, float]:
        """Raise it."""
        if self.error is not None:
            raise self.error
        return {'x': 1.0}


@pytest.fixture
def evaluate_on_two_ranks(annotations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs ``evaluate`` as the first rank, then as the second with what the first broadcast; returns both outcomes."""
    path = tmp_path / 'instances.json'
    write_json(path, annotations([(1, 'cat', [(0, 0, 20, 20)] * 2)]))

    def outcome(metric: FrameMetric):
        try:
            return metric.evaluate()
        except Exception as error:
            return error

    def evaluate(error: Exception | None) -> list:
        metric, sent = FailingMetric(path, classes=('cat', 'dog')), []
        metric.error = error
        monkeypatch.setattr(frame_metric, 'broadcast_object_list', lambda data: sent.append(pickle.dumps(data)))
        outcomes = [outcome(metric)]
        assert len(sent) == 1, 'the other ranks wait for this'
        monkeypatch.setattr(frame_metric, 'is_main_process', lambda: False)
        monkeypatch.setattr(
            frame_metric, 'broadcast_object_list', lambda data: data.__setitem__(slice(None), pickle.loads(sent[0]))
        )
        return [*outcomes, outcome(metric)]

    return evaluate


def test_figures_are_the_same_on_all_ranks(evaluate_on_two_ranks) -> None:
    assert evaluate_on_two_ranks(None) == [{'x': 1.0}] * 2


@pytest.mark.parametrize('error', [InputError('bad file'), InputFileError('no file')])
def test_bad_input_is_raised_on_all_ranks(evaluate_on_two_ranks, error: Exception) -> None:
    first, second = evaluate_on_two_ranks(error)
    assert first is error
    assert type(second) is type(error) and str(second) == str(error)


@pytest.mark.parametrize('error', [ZeroDivisionError('a bug'), Unpicklable('a bug')])
def test_any_error_ends_all_ranks(evaluate_on_two_ranks, error: Exception) -> None:
    first, second = evaluate_on_two_ranks(error)
    assert first is error
    assert str(second) == f'the first process failed: {type(error).__name__}: a bug'


def test_a_class_map_that_leads_to_no_class_is_named_before_anything_is_tested(annotations, tmp_path: Path) -> None:
    path = tmp_path / 'instances.json'
    write_json(path, annotations([(1, 'cat', [(0, 0, 20, 20)] * 2)]))
    metric = FailingMetric(dict(ann_file=path, class_map=dict(cat='animals')))
    with pytest.raises(InputError, match=r"class_map leads to \['animals'\], which are not classes"):
        metric.dataset_meta = dict(classes=('animal', 'person'))
    metric = FailingMetric(dict(ann_file=path, class_map=dict(cat='animal')))
    metric.dataset_meta = dict(classes=('animal', 'person'))
    assert metric.class_names() == ('animal', 'person')
