"""Is one model's gain over another more than chance? The paired t-test of Table XII, over annotated objects."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .ground_truth import GroundTruth, Track
from .tracks import video_iou

CONFIDENCE = 0.95
_NO_SPREAD = 1e-12


@dataclass(frozen=True)
class PairedTest:
    """Model B against model A over the n objects that both segment well enough.

    Attributes:
        threshold: The track IoU that an object exceeds in both.
        instances: n.
        only_a, only_b: Objects that exceed it in A only, or in B only; they are not part of the test.
        mean_a, mean_b: Mean track IoU of the n objects; None for n = 0.
        difference: Mean of (IoU in B - IoU in A); None for n = 0.
        interval: 95 % confidence interval of ``difference``; None where there is no test.
        t, p: Statistic and two-sided p-value of the paired t-test; None where there is no test.
        reason: Why there is no test; empty where there is one.
    """

    threshold: float
    instances: int
    only_a: int
    only_b: int
    mean_a: float | None = None
    mean_b: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    t: float | None = None
    p: float | None = None
    reason: str = ''


def best_ious(ground_truth: GroundTruth, predictions: Iterable[Track]) -> np.ndarray:
    """For each annotated object the track IoU of the prediction of its category that covers it best.

    Args:
        ground_truth: With annotations.
        predictions: Predicted tracks of the same videos, of any score.

    Returns:
        (G,) float64 in the order of the annotations, without crowds; 0 where nothing covers an object.

    Raises:
        InputError: The ground truth has no annotations.
    """
    by_place: dict[tuple[int, int], list[Track]] = defaultdict(list)
    for track in predictions:
        by_place[track.video_id, track.category_id].append(track)
    annotated = [track for track in ground_truth.require_tracks() if not track.crowd]
    ious = np.zeros(len(annotated))
    for index, track in enumerate(annotated):
        if candidates := by_place.get((track.video_id, track.category_id)):
            ious[index] = video_iou(candidates, [track]).max()
    return ious


def paired_t_test(ious_a: np.ndarray, ious_b: np.ndarray, threshold: float) -> PairedTest:
    """Compare two models over the objects whose IoU is above ``threshold`` in both.

    The paper says "among samples having an IoU > 0.5" and not in which of the two. A paired test needs both values of
    an object, and with one of them below the threshold the difference would measure whether an object is found, which
    AP does, rather than how well: so both have to be above. How many objects that leaves out is part of the result.

    Args:
        ious_a: (G,), from :func:`best_ious`.
        ious_b: (G,), of the same objects.
        threshold: In [0, 1). From 0.5 on, no prediction covers two objects that do not overlap.
    """
    above_a, above_b = ious_a > threshold, ious_b > threshold
    both = above_a & above_b
    count = int(both.sum())
    counts = dict(
        threshold=threshold,
        instances=count,
        only_a=int((above_a & ~above_b).sum()),
        only_b=int((above_b & ~above_a).sum()),
    )
    if count == 0:
        return PairedTest(**counts, reason=f'no object is above IoU {threshold:g} in both: nothing to compare')
    a, b = ious_a[both], ious_b[both]
    means = dict(mean_a=float(a.mean()), mean_b=float(b.mean()), difference=float((b - a).mean()))
    if count == 1:
        return PairedTest(**counts, **means, reason='one object has no spread: a t-test needs at least 2')
    if np.ptp(b - a) < _NO_SPREAD:
        return PairedTest(**counts, **means, reason='every object has the same difference: there is no spread to test')
    result = stats.ttest_rel(b, a)
    low, high = result.confidence_interval(CONFIDENCE)
    return PairedTest(
        **counts, **means, interval=(float(low), float(high)), t=float(result.statistic), p=float(result.pvalue)
    )
