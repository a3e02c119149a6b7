from .frame_metric import FrameMetric
from .ground_truth import GroundTruth, Track, load_ground_truth, parse_ground_truth
from .order_metric import OrderMetric
from .results import parse_results, read_results, write_submission
from .video_evaluation import VideoEvaluation, evaluate_tracks
from .vis_metric import VISMetric

__all__ = [
    'FrameMetric',
    'GroundTruth',
    'OrderMetric',
    'Track',
    'VISMetric',
    'VideoEvaluation',
    'evaluate_tracks',
    'load_ground_truth',
    'parse_ground_truth',
    'parse_results',
    'read_results',
    'write_submission',
]
