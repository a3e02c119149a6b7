"""The loss of AP50 from each type of error, by TIDE (Bolya et al., ECCV 2020).

Each false positive has one type, by its IoU with the annotated objects of its video; so has each object that nothing
found. The loss of a type is what AP50 gains when the errors of this type alone are fixed. Matching and averaging are
those of :class:`~mmrcf.evaluation.functional.video_evaluation.VideoEvaluation`.
"""

import contextlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools.cocoeval import COCOeval

from .ground_truth import Track
from .tracks import video_iou
from .video_evaluation import UNDEFINED, VideoEvaluation

FOREGROUND_IOU = 0.5
"""t_f of the paper: a prediction with this IoU or more covers the object."""

BACKGROUND_IOU = 0.1
"""t_b of the paper: a prediction with a smaller IoU has nothing to do with the object."""

CLASSIFICATION, LOCALISATION, BOTH, DUPLICATE, BACKGROUND = FALSE_POSITIVES = (
    'classification',
    'localisation',
    'both',
    'duplicate',
    'background',
)
MISSED = 'missed'
ERROR_TYPES = (*FALSE_POSITIVES, MISSED)
SIZES = {'small': (0, 32**2), 'medium': (32**2, 96**2), 'large': (96**2, np.inf)}
"""Least mean area of a size in pixels, and the area from which on it is the next size."""

_NONE = -1


@dataclass(frozen=True, eq=False)
class _Video:
    """The N predictions that AP50 counts in a video, and its M objects; crowds and what is matched with them left out.

    Attributes:
        tracks: N predictions, in the order in which equal scores are ranked.
        classes: (N,) index of the category of each.
        correct: (N,) bool, whether it found an object.
        objects: M annotated objects.
        object_classes: (M,) index of the category of each.
        found: (M,) bool.
    """

    tracks: list[Track]
    classes: np.ndarray
    correct: np.ndarray
    objects: list[Track]
    object_classes: np.ndarray
    found: np.ndarray


@dataclass(frozen=True, eq=False)
class _Predictions:
    """The N predictions of all videos.

    Attributes:
        classes: (N,) index of the category.
        scores: (N,) confidence.
        errors: (N,) index in :data:`FALSE_POSITIVES`, -1 for a true positive.
        targets: (N,) the object that a classification or localisation error would find if fixed; -1 for none.
    """

    classes: np.ndarray
    scores: np.ndarray
    errors: np.ndarray
    targets: np.ndarray

    def of(self, error: str) -> np.ndarray:
        """(N,) bool. Which predictions have this error."""
        return self.errors == FALSE_POSITIVES.index(error)


class ErrorBreakdown:
    """The errors of an evaluation at IoU 0.5.

    The type of a false positive is the first that fits:

    - ``localisation``: its best IoU with an object of its class is in [0.1, 0.5);
    - ``classification``: its IoU with an object of another class is 0.5 or more;
    - ``duplicate``: its IoU with an object of its class is 0.5 or more, and a better prediction found that object;
    - ``background``: its IoU with every object is below 0.1;
    - ``both``: the others, which overlap an object of another class with an IoU in [0.1, 0.5).

    An object is ``missed`` when it is not found and no classification or localisation error has it as its best object.

    A fixed classification error gets the class of its object, a fixed localisation error the mask of its object. Of
    several such errors at one object the best score counts, and the others are removed, as all are at an object that is
    found already. Other false positives are removed. Missed objects are taken out of the number of objects. Each type
    is fixed alone, so the gains do not add up to the loss.

    The authors' program (tidecv 1.0.1) gives the same figures but for two details. It lets classification and
    localisation errors at one object compete by score even where only one of the types is fixed, and it counts an IoU
    of exactly 0.5 as localisation.

    Args:
        evaluation: Its categories are those of the breakdown; crowds, and predictions matched with them, are no errors.
    """

    def __init__(self, evaluation: VideoEvaluation) -> None:
        self.evaluation = evaluation
        self.names = [evaluation.ground_truth.categories[key] for key in evaluation.params.catIds]
        videos = list(_videos(evaluation))
        self.predictions = _classified(videos)
        self._correct = self.predictions.errors == _NONE
        objects = [track for video in videos for track in video.objects]
        self.areas = np.array([track.mean_area for track in objects], float)
        self.object_classes = _joined((video.object_classes for video in videos), int)
        self.found = _joined((video.found for video in videos), bool)
        self.missed = ~self.found
        self.missed[self.predictions.targets[self.predictions.targets != _NONE]] = False
        self.num_objects = self._per_class(self.object_classes)
        self.base = self._class_ap(self._correct)

    def gains(self) -> dict[str, np.ndarray]:
        """AP50 by class, in [0, 1] and NaN for a class without objects, that fixing each type adds: (K,) by type.

        ``false_positives`` removes all false positives, ``false_negatives`` all objects that are not found.
        """
        predictions, correct, fixed = self.predictions, self._correct, {}
        for error in (CLASSIFICATION, LOCALISATION):
            fixed[error] = self._retargeted_ap(error)
        for error in (BOTH, DUPLICATE, BACKGROUND):
            fixed[error] = self._class_ap(correct, kept=~predictions.of(error))
        for error, left_out in ((MISSED, self.missed), ('false_negatives', ~self.found)):
            fixed[error] = self._class_ap(correct, num_objects=self._per_class(self.object_classes[~left_out]))
        fixed['false_positives'] = self._class_ap(correct, kept=correct)
        # Fixing never lowers a precision; rounding may.
        return {error: np.maximum(values - self.base, 0) for error, values in fixed.items()}

    def metrics(self, per_class: bool = False) -> dict[str, float]:
        """The figures of :class:`~mmrcf.evaluation.metrics.error_metric.ErrorBreakdownMetric`."""
        gains = {f'dAP_{error}': values for error, values in self.gains().items()}
        figures = {'AP50': self.evaluation.metrics()['AP50']} | {name: _mean(gain) for name, gain in gains.items()}
        for error in FALSE_POSITIVES:
            figures[f'count_{error}'] = float(self.predictions.of(error).sum())
        figures['count_missed'] = float(self.missed.sum())
        figures['count_false_positives'] = float((~self._correct).sum())
        figures['count_false_negatives'] = float((~self.found).sum())
        every = np.ones(len(self.found), bool)
        figures |= self._by_size(every)
        for index, name in enumerate(self.names if per_class else ()):
            figures |= {f'{name}/{key}': _mean(values[index]) for key, values in ({'AP50': self.base} | gains).items()}
            figures |= {f'{name}/{key}': value for key, value in self._by_size(self.object_classes == index).items()}
        return figures

    def _by_size(self, objects: np.ndarray) -> dict[str, float]:
        figures = {}
        for size, (low, high) in SIZES.items():
            chosen = objects & (self.areas >= low) & (self.areas < high)
            figures[f'objects_{size}'] = float(chosen.sum())
            figures[f'recall_{size}'] = _mean(self.found[chosen])
            figures[f'missed_{size}'] = _mean(self.missed[chosen])
        return figures

    def _per_class(self, classes: np.ndarray) -> np.ndarray:
        return np.bincount(classes, minlength=len(self.names))

    def _retargeted_ap(self, error: str) -> np.ndarray:
        """AP50 by class where the best error of this type at each object that is not found becomes right."""
        predictions = self.predictions
        wrong = predictions.of(error)
        ranked = np.argsort(-predictions.scores, kind='stable')
        ranked = ranked[wrong[ranked]]
        ranked = ranked[~self.found[predictions.targets[ranked]]]
        _, first = np.unique(predictions.targets[ranked], return_index=True)
        best = ranked[first]
        correct, classes = self._correct.copy(), predictions.classes.copy()
        correct[best] = True
        classes[best] = self.object_classes[predictions.targets[best]]
        return self._class_ap(correct, kept=~wrong | correct, classes=classes)

    def _class_ap(
        self,
        correct: np.ndarray,
        kept: np.ndarray | None = None,
        classes: np.ndarray | None = None,
        num_objects: np.ndarray | None = None,
    ) -> np.ndarray:
        """(K,) AP50 by class in [0, 1]; NaN for a class that has no objects in the annotation file.

        A class that has objects there but none in ``num_objects`` is right, 1, if no prediction of it is kept, else 0.
        """
        kept = np.ones(len(correct), bool) if kept is None else kept
        classes = self.predictions.classes if classes is None else classes
        num_objects = self.num_objects if num_objects is None else num_objects
        values = np.full(len(self.names), np.nan)
        for index in np.flatnonzero(self.num_objects):
            chosen = kept & (classes == index)
            if num_objects[index]:
                values[index] = _average_precision(self.predictions.scores[chosen], correct[chosen], num_objects[index])
            else:
                values[index] = float(not chosen.any())
        return values


def _videos(evaluation: VideoEvaluation) -> Iterator[_Video]:
    """The matches of pycocotools at :data:`FOREGROUND_IOU`, by video."""
    params = evaluation.params
    (threshold,) = np.flatnonzero(params.iouThrs == FOREGROUND_IOU)
    # pycocotools has a list of matches by category, range of areas and video. The first range is of all areas.
    of_all_areas = np.arange(len(evaluation.evalImgs)).reshape(len(params.catIds), len(params.areaRng), -1)[:, 0]
    for indices in of_all_areas.T if len(params.imgIds) else ():
        tracks, classes, correct, objects, object_classes, found = [], [], [], [], [], []
        for category, index in enumerate(indices):
            matches = evaluation.evalImgs[index]
            if matches is None:
                continue
            counted = np.flatnonzero(matches['dtIgnore'][threshold] == 0)
            tracks += [evaluation.predictions[matches['dtIds'][row] - 1] for row in counted]
            classes += [category] * len(counted)
            correct += (matches['dtMatches'][threshold][counted] > 0).tolist()
            real = np.flatnonzero(np.asarray(matches['gtIgnore']) == 0)
            objects += [evaluation.annotated[matches['gtIds'][row] - 1] for row in real]
            object_classes += [category] * len(real)
            found += (matches['gtMatches'][threshold][real] > 0).tolist()
        yield _Video(
            tracks=tracks,
            classes=np.array(classes, int),
            correct=np.array(correct, bool),
            objects=objects,
            object_classes=np.array(object_classes, int),
            found=np.array(found, bool),
        )


def _classified(videos: Sequence[_Video]) -> _Predictions:
    """The predictions of all videos with their errors."""
    errors, targets, first = [], [], 0
    for video in videos:
        of_video, objects = _error_types(video)
        errors.append(of_video)
        targets.append(np.where(objects == _NONE, _NONE, objects + first))
        first += len(video.objects)
    return _Predictions(
        classes=_joined((video.classes for video in videos), int),
        scores=np.array([track.score for video in videos for track in video.tracks], float),
        errors=_joined(errors, int),
        targets=_joined(targets, int),
    )


def _error_types(video: _Video) -> tuple[np.ndarray, np.ndarray]:
    """The error of each prediction of a video, and the object that it concerns.

    Returns:
        (N,) index in :data:`FALSE_POSITIVES`, -1 for a true positive; (N,) index of the object with which a
        localisation or classification error has its best IoU, -1 for others.
    """
    errors, targets = np.full(len(video.tracks), _NONE), np.full(len(video.tracks), _NONE)
    wrong = np.flatnonzero(~video.correct)
    errors[wrong] = FALSE_POSITIVES.index(BACKGROUND)
    if not len(wrong) or not video.objects:
        return errors, targets
    iou = video_iou([video.tracks[index] for index in wrong], video.objects)
    same_class = video.classes[wrong, None] == video.object_classes[None]
    same, other = np.where(same_class, iou, 0.0), np.where(same_class, 0.0, iou)
    best_same, best_other = same.max(1), other.max(1)
    inexact = (best_same >= BACKGROUND_IOU) & (best_same < FOREGROUND_IOU)
    # The first that fits, so the last is assigned first.
    for error, fits, objects in (
        (BOTH, best_other >= BACKGROUND_IOU, _NONE),
        (DUPLICATE, best_same >= FOREGROUND_IOU, _NONE),
        (CLASSIFICATION, best_other >= FOREGROUND_IOU, other.argmax(1)),
        (LOCALISATION, inexact, same.argmax(1)),
    ):
        errors[wrong[fits]] = FALSE_POSITIVES.index(error)
        targets[wrong[fits]] = np.broadcast_to(objects, len(wrong))[fits]
    return errors, targets


def _joined(arrays: Iterable[np.ndarray], dtype: type) -> np.ndarray:
    """One array of several, which may be none."""
    return np.concatenate([np.zeros(0, dtype), *arrays])


def _average_precision(scores: np.ndarray, correct: np.ndarray, num_objects: int) -> float:
    """AP in [0, 1] of the predictions of one class, by pycocotools: as if all were of one image and one threshold."""
    evaluation = COCOeval(iouType='segm')
    params = evaluation.params
    params.imgIds, params.catIds, params.areaRng = [0], [0], params.areaRng[:1]
    params.iouThrs, params.maxDets = np.array([FOREGROUND_IOU]), [len(scores)]
    evaluation._paramsEval = params
    evaluation.evalImgs = [
        dict(
            dtScores=scores,
            dtMatches=correct[None].astype(float),
            dtIgnore=np.zeros((1, len(scores)), bool),
            gtIgnore=np.zeros(num_objects),
        )
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
    return float(evaluation.eval['precision'].mean())


def _mean(values: np.ndarray) -> float:
    """Mean in percent of what has a value; :data:`UNDEFINED` for nothing."""
    values = np.atleast_1d(np.asarray(values, float))
    values = values[~np.isnan(values)]
    return 100 * float(values.mean()) if values.size else UNDEFINED
