"""What AP50 loses to each type of error, by TIDE (Bolya et al., ECCV 2020).

Each false positive has one type, by its IoU with the annotated objects of its video; so has each object that nothing
found. The loss of a type is what AP50 gains when the errors of this type alone are fixed. Matching and averaging are
those of :class:`~mmrcf.evaluation.video_evaluation.VideoEvaluation`.
"""

import contextlib
import io
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from pycocotools.cocoeval import COCOeval

from .ground_truth import Track
from .track_iou import video_iou
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
class _Predictions:
    """The N predictions that AP50 counts, crowd matches left out, in the order in which equal scores are ranked.

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
    found already. Other false positives are removed. Missed objects are taken out of the number of objects. All types
    are fixed one at a time, so what they gain does not add up to what is lost. (The authors' program shares the best
    score at an object between classification and localisation errors, so fixing the one may remove a prediction in
    favour of the other; here a type alone decides, as the paper says.)

    Args:
        evaluation: Its categories are those of the breakdown; crowds, and predictions matched with them, are no errors.
    """

    def __init__(self, evaluation: VideoEvaluation) -> None:
        self.evaluation = evaluation
        self.names = [evaluation.ground_truth.categories[key] for key in evaluation.params.catIds]
        self._collect()
        self.num_objects = self._per_class(self.object_classes)
        self._correct = self.predictions.errors == _NONE
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
        """The figures of :class:`~mmrcf.evaluation.error_metric.ErrorBreakdownMetric`."""
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

    def _collect(self) -> None:
        """Objects and predictions of all videos, and what each of them is."""
        evaluation = self.evaluation
        (threshold,) = np.flatnonzero(evaluation.params.iouThrs == FOREGROUND_IOU)
        by_video = defaultdict(list)
        # pycocotools keeps its matches by category, then by range of areas, of which the first is all, then by video.
        shape = (len(evaluation.params.catIds), len(evaluation.params.areaRng), len(evaluation.params.imgIds))
        for place, matches in enumerate(evaluation.evalImgs):
            category, area_range, video = np.unravel_index(place, shape)
            if matches is not None and area_range == 0:
                by_video[int(video)].append((int(category), matches))

        objects, found, missed, parts = [], [], [], []
        object_classes: list[int] = []
        for video in sorted(by_video):
            tracks, scores, classes, correct = [], [], [], []
            first = len(objects)
            for category, matches in by_video[video]:
                hits, ignored = matches['dtMatches'][threshold] > 0, matches['dtIgnore'][threshold].astype(bool)
                counted = np.flatnonzero(~ignored)
                tracks += [evaluation.predictions[matches['dtIds'][index] - 1] for index in counted]
                scores += [matches['dtScores'][index] for index in counted]
                classes += [category] * len(counted)
                correct += hits[counted].tolist()
                real = np.flatnonzero(np.asarray(matches['gtIgnore']) == 0)
                objects += [evaluation.annotated[matches['gtIds'][index] - 1] for index in real]
                object_classes += [category] * len(real)
                found += (matches['gtMatches'][threshold][real] > 0).tolist()
            errors, targets = _error_types(
                tracks, objects[first:], np.array(classes), np.array(object_classes[first:]), np.array(correct, bool)
            )
            open_objects = ~np.array(found[first:], bool)
            usable = np.zeros(len(open_objects), bool)
            usable[targets[targets != _NONE]] = True
            missed += (open_objects & ~usable).tolist()
            targets = np.where(targets == _NONE, _NONE, targets + first)
            parts.append((np.array(classes, int), np.array(scores, float), errors, targets))

        empty = (np.zeros(0, int), np.zeros(0), np.zeros(0, int), np.zeros(0, int))
        self.predictions = _Predictions(*(np.concatenate(values) for values in zip(empty, *parts, strict=True)))
        self.object_classes = np.array(object_classes, int)
        self.found, self.missed = np.array(found, bool), np.array(missed, bool)
        self.areas = np.array([track.mean_area for track in objects], float)

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


def _error_types(
    tracks: list[Track], objects: list[Track], classes: np.ndarray, object_classes: np.ndarray, correct: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The error of each of the N predictions of a video, and the object of which it is one.

    Returns:
        (N,) index in :data:`FALSE_POSITIVES`, -1 for a true positive; (N,) index of the object that a localisation or
        classification error has overlapped most, -1 for others.
    """
    errors, targets = np.full(len(tracks), _NONE), np.full(len(tracks), _NONE)
    wrong = np.flatnonzero(~correct)
    if not len(wrong):
        return errors, targets
    if not objects:
        errors[wrong] = FALSE_POSITIVES.index(BACKGROUND)
        return errors, targets
    iou = video_iou([tracks[index] for index in wrong], objects)
    same_class = classes[wrong, None] == object_classes[None]
    same, other = np.where(same_class, iou, 0.0), np.where(same_class, 0.0, iou)
    best_same, best_other = same.max(1), other.max(1)
    for row, index in enumerate(wrong):
        if BACKGROUND_IOU <= best_same[row] < FOREGROUND_IOU:
            error, target = LOCALISATION, same[row].argmax()
        elif best_other[row] >= FOREGROUND_IOU:
            error, target = CLASSIFICATION, other[row].argmax()
        elif best_same[row] >= FOREGROUND_IOU:
            error, target = DUPLICATE, _NONE
        elif best_other[row] >= BACKGROUND_IOU:
            error, target = BOTH, _NONE
        else:
            error, target = BACKGROUND, _NONE
        errors[index], targets[index] = FALSE_POSITIVES.index(error), target
    return errors, targets


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
