from .error_breakdown import ErrorBreakdown
from .error_metric import ErrorBreakdownMetric
from .frame_metric import FrameMetric
from .ground_truth import GroundTruth, Track, load_ground_truth, parse_ground_truth
from .look_alike_metric import LookAlikeMetric
from .order_metric import OrderMetric
from .paired_t_test import PairedTest, best_ious, paired_t_test
from .region_metric import RegionMetric
from .results import parse_results, read_results, write_submission
from .video_evaluation import VideoEvaluation, evaluate_tracks
from .vis_metric import VISMetric

__all__ = [
    'ErrorBreakdown',
    'ErrorBreakdownMetric',
    'FrameMetric',
    'GroundTruth',
    'LookAlikeMetric',
    'OrderMetric',
    'PairedTest',
    'RegionMetric',
    'Track',
    'VISMetric',
    'VideoEvaluation',
    'best_ious',
    'evaluate_tracks',
    'load_ground_truth',
    'paired_t_test',
    'parse_ground_truth',
    'parse_results',
    'read_results',
    'write_submission',
]
