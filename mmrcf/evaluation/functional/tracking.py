"""HOTA, IDF1 and ID switches of mask tracks, computed by TrackEval.

Papers: Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2021; Ristani et al.,
"Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", ECCVW 2016 (IDF1); Bernardin and
Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", 2008 (ID switches). The figures
are those of TrackEval's data set ``YouTubeVIS`` on the same files: classes are measured apart, then combined.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mmrcf.errors import InputError

from .ground_truth import GroundTruth, Track
from .tracks import frame_ious, objects_by_video

TRACKING_NAMES = ('HOTA', 'DetA', 'AssA', 'IDF1', 'ID_switches')


def tracking_figures(
    ground_truth: GroundTruth, tracks: Iterable[Track], category_ids: Sequence[int], per_class: bool = False
) -> dict[str, float]:
    """How well tracks follow the annotated objects; percent but for the ID switches, which are a number.

    A frame of a track counts where its mask has a pixel, whatever the track's score. Crowds are left out.

    Args:
        ground_truth: With annotations.
        tracks: Predictions.
        category_ids: The categories that are evaluated.
        per_class: Give the figures of each category that is annotated or predicted too, as ``<class>/<name>``.

    Returns:
        :data:`TRACKING_NAMES` over all classes, each object-frame counting alike (TrackEval's ``cls_comb_det_av``), and
        ``class_mean_<name>`` of all but the ID switches, the means over the classes that are annotated or predicted
        (``cls_comb_cls_av``). Without an annotation or prediction the figures are 0.

    Raises:
        InputError: TrackEval is not installed, or the ground truth has no annotations.
    """
    metrics = trackeval_metrics()
    annotated = objects_by_video(ground_truth, category_ids)
    predicted: dict[int, list[Track]] = {video_id: [] for video_id in ground_truth.videos}
    for track in tracks:
        predicted[track.video_id].append(track)
    classes: dict[str, dict[str, dict]] = {name: {} for name in metrics}
    for category_id in category_ids:
        sequences = [
            _sequence(
                *([track for track in group if track.category_id == category_id] for group in (objects, predicted[key]))
            )
            for key, objects in annotated.items()
        ]
        for name, metric in metrics.items():
            by_sequence = {str(number): metric.eval_sequence(data) for number, data in enumerate(sequences)}
            classes[name][ground_truth.categories[category_id]] = metric.combine_sequences(by_sequence)
    combined = {name: metric.combine_classes_det_averaged(classes[name]) for name, metric in metrics.items()}
    figures = _named(combined)
    seen = [name for name, counts in classes['CLEAR'].items() if counts['CLR_TP'] + counts['CLR_FN'] + counts['CLR_FP']]
    by_class = {name: _named({metric: classes[metric][name] for metric in metrics}) for name in seen}
    for name in TRACKING_NAMES[:-1]:
        values = [of_class[name] for of_class in by_class.values()]
        figures[f'class_mean_{name}'] = float(np.mean(values)) if values else 0.0
    if per_class:
        figures |= {f'{label}/{name}': value for label, part in by_class.items() for name, value in part.items()}
    return figures


def trackeval_metrics() -> dict[str, Any]:
    """TrackEval's metrics by name. Raises :class:`InputError` if it is not installed."""
    try:
        from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError as error:
        raise InputError(
            'HOTA, IDF1 and ID switches need TrackEval, which is not installed; install it with: pip install '
            "'mmrcf[trackeval]'"
        ) from error
    quiet = dict(PRINT_CONFIG=False)
    return {'HOTA': HOTA(), 'CLEAR': CLEAR(quiet), 'Identity': Identity(quiet)}


def _named(results: dict[str, dict]) -> dict[str, float]:
    """:data:`TRACKING_NAMES` of TrackEval's results; those of HOTA are means over its 19 thresholds."""
    figures = {name: 100 * float(np.mean(results['HOTA'][name])) for name in ('HOTA', 'DetA', 'AssA')}
    return figures | dict(IDF1=100 * float(results['Identity']['IDF1']), ID_switches=float(results['CLEAR']['IDSW']))


def _sequence(annotated: Sequence[Track], predicted: Sequence[Track]) -> dict[str, Any]:
    """A video in one class as TrackEval's metrics read it; objects and tracks are numbered by those with a pixel."""
    annotated = [track for track in annotated if track.areas.any()]
    predicted = [track for track in predicted if track.areas.any()]
    length = len((annotated or predicted)[0].rles) if annotated or predicted else 0
    rows, columns = (
        [np.flatnonzero([track.areas[frame] > 0 for track in part]) for frame in range(length)]
        for part in (annotated, predicted)
    )
    similarity = [np.zeros((len(row), len(column))) for row, column in zip(rows, columns, strict=True)]
    if annotated and predicted:
        for frame, _, _, iou in frame_ious(annotated, predicted):
            similarity[frame] = iou
    return dict(
        gt_ids=rows,
        tracker_ids=columns,
        similarity_scores=similarity,
        num_gt_ids=len(annotated),
        num_tracker_ids=len(predicted),
        num_gt_dets=sum(map(len, rows)),
        num_tracker_dets=sum(map(len, columns)),
        num_timesteps=length,
    )
