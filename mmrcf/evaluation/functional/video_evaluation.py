"""AP and AR of tracks by the rules of the official YouTube-VIS evaluation.

They are COCO's, with a track in the place of a box: the IoU of two tracks is the sum of their intersections over the
sum of their unions, over all frames; the size of a track is its mean mask area over the frames in which it is seen, and
is small below 128^2 pixels and large from 256^2. Matching and averaging are pycocotools' own code.
"""

import contextlib
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from pycocotools.cocoeval import COCOeval

from mmrcf.errors import InputError

from .ground_truth import GroundTruth, Track, parse_ground_truth
from .results import parse_results
from .track_iou import video_iou

METRIC_NAMES = ('AP', 'AP50', 'AP75', 'AP_s', 'AP_m', 'AP_l', 'AR1', 'AR10')
"""The first eight figures of COCO's summary, in its order."""

UNDEFINED = -1.0
"""Value of a figure without ground truth (no annotated object, or none of that size or class), as in COCO."""

_ANY_AREA = 1e5**2


class VideoEvaluation(COCOeval):
    """pycocotools' evaluation, over videos.

    Args:
        ground_truth: Annotated videos.
        predictions: Predicted tracks, of any number of its videos; a video without one counts as one without
            predictions.
        category_ids: Categories to evaluate; None for all of the annotation file, as the official evaluation does.

    Raises:
        InputError: The ground truth has no annotations.
    """

    def __init__(
        self, ground_truth: GroundTruth, predictions: Iterable[Track], category_ids: Iterable[int] | None = None
    ) -> None:
        super().__init__(iouType='segm')
        self.ground_truth = ground_truth
        self.annotated = ground_truth.require_tracks()
        self.predictions = tuple(predictions)
        # What pycocotools calls an image is a video here.
        self.params.imgIds = sorted(ground_truth.videos)
        self.params.catIds = sorted(ground_truth.categories if category_ids is None else category_ids)
        self.params.areaRng = [[0, _ANY_AREA], [0, 128**2], [128**2, 256**2], [256**2, _ANY_AREA]]
        with contextlib.redirect_stdout(io.StringIO()):
            self.evaluate()
            self.accumulate()
            self.summarize()

    def _prepare(self) -> None:
        self._gts, self._dts = defaultdict(list), defaultdict(list)
        for groups, tracks in ((self._gts, self.annotated), (self._dts, self.predictions)):
            # pycocotools takes an id of 0 for "unmatched", so ids start at 1.
            for number, track in enumerate(tracks, start=1):
                groups[track.video_id, track.category_id].append(
                    {
                        'id': number,
                        'track': track,
                        'score': track.score,
                        'area': track.mean_area,
                        'iscrowd': int(track.crowd),
                        'ignore': int(track.crowd),
                    }
                )

    def computeIoU(self, imgId: int, catId: int) -> np.ndarray | list:  # noqa: N802, N803 (the names of pycocotools)
        """IoU of the predictions, best first, with the annotations of a video and category."""
        annotated = [entry['track'] for entry in self._gts[imgId, catId]]
        predicted = [entry['track'] for entry in self._dts[imgId, catId]]
        order = np.argsort([-track.score for track in predicted], kind='mergesort')[: self.params.maxDets[-1]]
        if not annotated or not predicted:
            return np.zeros((len(order), len(annotated)))
        return video_iou([predicted[index] for index in order], annotated)

    def metrics(self) -> dict[str, float]:
        """The figures of :data:`METRIC_NAMES` in percent, not rounded; without ground truth :data:`UNDEFINED`."""
        return {
            name: UNDEFINED if value < 0 else 100 * float(value)
            for name, value in zip(METRIC_NAMES, self.stats, strict=False)
        }

    def class_ap(self) -> dict[str, float]:
        """AP by category name, in percent; :data:`UNDEFINED` for a category without annotation."""
        return self._class_precision(self.eval['precision'])

    def class_ap50(self) -> dict[str, float]:
        """AP50 by category name, as :meth:`class_ap`."""
        return self._class_precision(self.eval['precision'][self.params.iouThrs == 0.5])

    def _class_precision(self, precision: np.ndarray) -> dict[str, float]:
        """Means of a part of pycocotools' (IoU, recall, category, area, number of detections)."""
        return {
            self.ground_truth.categories[category_id]: UNDEFINED if values.max() < 0 else 100 * float(values.mean())
            for category_id, values in zip(self.params.catIds, np.moveaxis(precision[..., 0, -1], -1, 0), strict=True)
        }


def evaluate_tracks(ground_truth: dict, results: list[dict]) -> dict[str, float]:
    """Evaluate a submission on one's own machine.

    Args:
        ground_truth: Content of an annotation file in the YouTube-VIS layout.
        results: Content of a ``results.json``: dicts of ``video_id``, ``score``, ``category_id`` and ``segmentations``
            (a compressed RLE or null for each frame).

    Returns:
        The figures of :data:`METRIC_NAMES`; see :meth:`VideoEvaluation.metrics`.

    Raises:
        InputError: Something in either cannot be used.
    """
    parsed = parse_ground_truth(ground_truth)
    return VideoEvaluation(parsed, parse_results(results, parsed)).metrics()


def category_ids_of_classes(classes: Sequence[str], ground_truth: GroundTruth) -> list[int | None]:
    """The category id of each class, by name; None for a class that the annotation file does not have.

    Raises:
        InputError: Not one class has a category.
    """
    ids = {name: category_id for category_id, name in ground_truth.categories.items()}
    found = [ids.get(name) for name in classes]
    if all(category_id is None for category_id in found):
        raise InputError(
            f'{ground_truth.source}: not one of the {len(classes)} classes of the model is among its categories '
            f'{list(ids)[:5]}...; give the annotation file of the data that the model was trained for'
        )
    return found
