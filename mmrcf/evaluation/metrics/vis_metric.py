"""AP and AR of video instance segmentation, and the submission for the server."""

from collections.abc import Mapping, Sequence

from mmengine.dist import is_main_process
from mmengine.logging import MMLogger

from mmrcf.errors import InputError
from mmrcf.registry import METRICS
from mmrcf.utils import require_writable

from ..functional.ground_truth import GroundTruth
from ..functional.results import submission_path, write_submission
from ..functional.tracks import assemble_tracks
from ..functional.video_evaluation import VideoEvaluation, category_ids_of_classes
from .frame_metric import AnnotationSource, FrameMetric


@METRICS.register_module()
class VISMetric(FrameMetric):
    """AP, AP50, AP75, AP_s, AP_m, AP_l, AR1 and AR10 as the official YouTube-VIS evaluation has them, in percent.

    Values are not rounded. A figure without ground truth (no annotated object of that size) is -1, as in COCO.

    Args:
        ann_file: Annotation file, see :class:`FrameMetric`.
        classes: Class names in the order of the labels; None for those of the dataset. Categories are found by name;
            those of the file that are no class are not evaluated.
        format_only: Write the submission and measure nothing; the annotation file may have no annotations.
        outfile_prefix: Write the submission to ``<outfile_prefix>.zip``. None: write none. A path that cannot be
            written to is refused before anything is tested.
        classwise: Log the AP of each class too.
        class_ap50: Give ``AP50_<class>`` too, for each class that the annotation file has.
        track_score: Score of a track, of which the paper says nothing: the ``'mean'`` of its class's probability over
            the frames in which it was active, or the ``'max'``.
        collect_device: As in MMEngine.
        prefix: As in MMEngine.
    """

    default_prefix = 'vis'

    def __init__(
        self,
        ann_file: AnnotationSource,
        classes: Sequence[str] | None = None,
        format_only: bool = False,
        outfile_prefix: str | None = None,
        classwise: bool = False,
        class_ap50: bool = False,
        track_score: str = 'mean',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(ann_file, classes, collect_device, prefix, needs_annotations=not format_only)
        if format_only and outfile_prefix is None:
            raise InputError('VISMetric: format_only=True needs a path for the submission; give outfile_prefix')
        if track_score not in ('mean', 'max'):
            raise InputError(f'VISMetric: track_score={track_score!r}, expected "mean" or "max"')
        self.format_only = format_only
        self.outfile_prefix = outfile_prefix
        self._check_submission()
        self.classwise = classwise
        self.class_ap50 = class_ap50
        self.track_score = track_score

    def _check_submission(self) -> None:
        if self.outfile_prefix is not None and self.view.class_map is not None:
            raise InputError(
                'VISMetric: a submission has the categories of its file; leave class_map or outfile_prefix out'
            )

    def _take_dataset(self, meta: Mapping | None) -> None:
        super()._take_dataset(meta)
        self._check_submission()
        if self.outfile_prefix is not None and is_main_process():
            require_writable(submission_path(self.outfile_prefix))

    def compute(self, ground_truth: GroundTruth, videos: Mapping[int, list[dict]]) -> dict[str, float]:
        """See :class:`FrameMetric`."""
        logger = MMLogger.get_current_instance()
        classes = self.class_names()
        category_ids = category_ids_of_classes(classes, ground_truth)
        absent = [name for name, category_id in zip(classes, category_ids, strict=True) if category_id is None]
        if absent:
            logger.warning(
                '%s has no category for %s; predictions of these classes are left out', self.ann_file, absent
            )
        tracks = [
            track for frames in videos.values() for track in assemble_tracks(frames, category_ids, self.track_score)
        ]
        figures = {}
        if not self.format_only:
            evaluation = VideoEvaluation(ground_truth, tracks, [key for key in category_ids if key is not None])
            if self.classwise:
                logger.info('AP by class:\n%s', class_table(evaluation.class_ap()))
            by_class = evaluation.class_ap50() if self.class_ap50 else {}
            figures = evaluation.metrics() | {f'AP50_{name}': value for name, value in by_class.items()}
        if self.outfile_prefix is not None:
            try:
                path = write_submission(self.outfile_prefix, tracks, ground_truth)
            except InputError:
                logger.error('The submission failed; the metrics are %s', figures)  # a full disk does not cost them
                raise
            logger.info('Submission with %d tracks of %d videos: %s', len(tracks), len(videos), path)
        return figures


def class_table(class_ap: Mapping[str, float]) -> str:
    """A line a class, best first; a class without annotation has no value."""
    width = max(map(len, class_ap), default=0)
    ranked = sorted(class_ap.items(), key=lambda item: -item[1])
    return '\n'.join(f'{name:<{width}}  {f"{value:6.2f}" if value >= 0 else "     -"}' for name, value in ranked)
