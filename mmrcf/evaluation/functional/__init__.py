from .error_breakdown import ErrorBreakdown
from .ground_truth import GroundTruth, Track, load_ground_truth, parse_ground_truth
from .paired_t_test import PairedTest, best_ious, paired_t_test
from .results import parse_results, read_results, write_submission
from .sound_localisation import sound_localisation_accuracy
from .tracking import tracking_figures
from .video_evaluation import VideoEvaluation, evaluate_tracks

__all__ = [
    'ErrorBreakdown',
    'GroundTruth',
    'PairedTest',
    'Track',
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
