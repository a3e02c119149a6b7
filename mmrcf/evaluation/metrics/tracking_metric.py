"""HOTA, IDF1 and ID switches, and the accuracy of sound localisation."""

from collections.abc import Mapping, Sequence

from mmrcf.registry import METRICS

from ..functional.ground_truth import GroundTruth, Track
from ..functional.sound_localisation import sound_localisation_accuracy
from ..functional.tracking import trackeval_metrics, tracking_figures
from ..functional.tracks import assemble_tracks
from ..functional.video_evaluation import category_ids_of_classes
from .frame_metric import AnnotationSource, FrameMetric


class _TrackMetric(FrameMetric):
    """Base of metrics on the tracks that :class:`VISMetric` evaluates too."""

    def tracks(self, ground_truth: GroundTruth, videos: Mapping[int, list[dict]]) -> tuple[list[Track], list[int]]:
        """The tracks of all videos, and the categories of the model's classes."""
        category_ids = category_ids_of_classes(self.class_names(), ground_truth)
        tracks = [track for frames in videos.values() for track in assemble_tracks(frames, category_ids)]
        return tracks, [category_id for category_id in category_ids if category_id is not None]


@METRICS.register_module()
class TrackingMetric(_TrackMetric):
    """HOTA, DetA, AssA, IDF1 (percent) and the number of ID switches on masks, by TrackEval.

    Every track counts, whatever its score: ``model.score_thr`` decides. A track has one class, as in
    :class:`VISMetric`. See :func:`~mmrcf.evaluation.functional.tracking.tracking_figures`.

    Args:
        ann_file: Annotation file, see :class:`FrameMetric`.
        classes: As :class:`FrameMetric`.
        per_class: Give the figures of each class too, as ``<class>/<name>``.
        collect_device: As in MMEngine.
        prefix: As in MMEngine.

    Raises:
        InputError: TrackEval is not installed.
    """

    default_prefix = 'tracking'

    def __init__(
        self,
        ann_file: AnnotationSource,
        classes: Sequence[str] | None = None,
        per_class: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(ann_file, classes, collect_device, prefix)
        trackeval_metrics()  # fails here rather than after the test
        self.per_class = per_class

    def compute(self, ground_truth: GroundTruth, videos: Mapping[int, list[dict]]) -> dict[str, float]:
        """See :class:`FrameMetric`."""
        return tracking_figures(ground_truth, *self.tracks(ground_truth, videos), self.per_class)


@METRICS.register_module()
class FSLAMetric(_TrackMetric):
    """Frame-level sound localisation accuracy of AVIS in percent, 100 for a perfect prediction.

    ``FSLA``, and ``FSLA_none``, ``FSLA_single``, ``FSLA_multiple`` for the frames with so many sounding objects. Every
    track counts, whatever its score. See :mod:`mmrcf.evaluation.functional.sound_localisation`.
    """

    default_prefix = 'avis'

    def compute(self, ground_truth: GroundTruth, videos: Mapping[int, list[dict]]) -> dict[str, float]:
        """See :class:`FrameMetric`."""
        return sound_localisation_accuracy(ground_truth, *self.tracks(ground_truth, videos))
