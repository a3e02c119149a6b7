"""The loss of AP50 from wrong classes, inexact masks, duplicates, background and missed objects."""

from collections.abc import Mapping, Sequence

from mmrcf.registry import METRICS

from ..functional.error_breakdown import ErrorBreakdown
from ..functional.ground_truth import GroundTruth
from ..functional.tracks import assemble_tracks
from ..functional.video_evaluation import VideoEvaluation, category_ids_of_classes
from .frame_metric import AnnotationSource, FrameMetric


@METRICS.register_module()
class ErrorBreakdownMetric(FrameMetric):
    """Errors at IoU 0.5 by type, as TIDE has them (Bolya et al., ECCV 2020); all in percent but the counts.

    The types are ``classification``, ``localisation``, ``both``, ``duplicate``, ``background`` and ``missed``; see
    :class:`~mmrcf.evaluation.functional.ErrorBreakdown` for what they are and how each is fixed. IoU is that of whole
    tracks, so an image is a video of one frame. Crowds are treated as :class:`VISMetric` treats them: they are not
    missed, and predictions matched with them are no errors.

    - ``AP50``: the same as ``vis/AP50``;
    - ``dAP_<type>``: by how many points AP50 rises if the errors of this type alone are fixed;
    - ``dAP_false_positives``, ``dAP_false_negatives``: the same for all false positives, and for all objects that are
      not found;
    - ``count_<type>``, ``count_false_positives``, ``count_false_negatives``: how many there are;
    - ``objects_<size>``, ``recall_<size>``, ``missed_<size>``: the number of objects of a size, the part of them that
      is found and the part that is missed. Objects that are neither have a localisation or classification error. The
      size of an object is its mean mask area over the frames in which it is seen, at the original resolution: small
      below 32^2 pixels, large from 96^2, as COCO has it (:class:`VISMetric` has the larger areas of YouTube-VIS);
    - with ``per_class``, ``<class>/AP50``, ``<class>/dAP_<type>`` and the figures by size for each class. A false
      positive is of the class that was predicted. A classification error costs two classes: its own a false positive,
      that of the object a missing true positive.

    A figure without ground truth is -1.

    Args:
        ann_file: Annotation file, see :class:`FrameMetric`.
        classes: As :class:`FrameMetric`.
        per_class: Give the figures of each class too.
        collect_device: As in MMEngine.
        prefix: As in MMEngine.
    """

    default_prefix = 'errors'

    def __init__(
        self,
        ann_file: AnnotationSource,
        classes: Sequence[str] | None = None,
        per_class: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(ann_file, classes, collect_device, prefix)
        self.per_class = per_class

    def compute(self, ground_truth: GroundTruth, videos: Mapping[int, list[dict]]) -> dict[str, float]:
        """See :class:`FrameMetric`."""
        category_ids = category_ids_of_classes(self.class_names(), ground_truth)
        tracks = [track for frames in videos.values() for track in assemble_tracks(frames, category_ids)]
        evaluation = VideoEvaluation(ground_truth, tracks, [key for key in category_ids if key is not None])
        return ErrorBreakdown(evaluation).metrics(self.per_class)
