from .functional.error_breakdown import ErrorBreakdown
from .functional.ground_truth import GroundTruth, Track, load_ground_truth, parse_ground_truth
from .functional.paired_t_test import PairedTest, best_ious, paired_t_test
from .functional.results import parse_results, read_results, write_submission
from .functional.sound_localisation import sound_localisation_accuracy
from .functional.tracking import tracking_figures
from .functional.video_evaluation import VideoEvaluation, evaluate_tracks
from .metrics.error_metric import ErrorBreakdownMetric
from .metrics.frame_metric import FrameMetric
from .metrics.look_alike_metric import LookAlikeMetric
from .metrics.order_metric import OrderMetric
from .metrics.region_metric import RegionMetric
from .metrics.tracking_metric import FSLAMetric, TrackingMetric
from .metrics.vis_metric import VISMetric

__all__ = [
    'ErrorBreakdown',
    'ErrorBreakdownMetric',
    'FSLAMetric',
    'FrameMetric',
    'GroundTruth',
    'LookAlikeMetric',
    'OrderMetric',
    'PairedTest',
    'RegionMetric',
    'Track',
    'TrackingMetric',
    'VISMetric',
    'VideoEvaluation',
    'best_ious',
    'evaluate_tracks',
    'load_ground_truth',
    'paired_t_test',
    'parse_ground_truth',
    'parse_results',
    'read_results',
    'sound_localisation_accuracy',
    'tracking_figures',
    'write_submission',
]
