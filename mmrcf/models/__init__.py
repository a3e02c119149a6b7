import mmdet.models  # noqa: F401  (registers the foreign parts that configs name with 'mmdet.')

from .audio_encoders import SmallAudioEncoder, VGGishLSTM
from .baselines import OnlineMask2FormerVIS, OnlineMaskTrackRCNN
from .data_preprocessor import RCFDataPreprocessor
from .heads import FPNMaskDecoder, InstanceQueryHead
from .necks import FullFeatureFusion, RobustContextFusion, SingleFrame
from .object_classifier import ObjectClassifier
from .online_model import OnlineModel
from .rcf import RCF
from .trackers import HungarianTracker, IoUTracker, MatchingFreeTracker

__all__ = [
    'RCF',
    'FPNMaskDecoder',
    'FullFeatureFusion',
    'HungarianTracker',
    'InstanceQueryHead',
    'IoUTracker',
    'MatchingFreeTracker',
    'ObjectClassifier',
    'OnlineMask2FormerVIS',
    'OnlineMaskTrackRCNN',
    'OnlineModel',
    'RCFDataPreprocessor',
    'RobustContextFusion',
    'SingleFrame',
    'SmallAudioEncoder',
    'VGGishLSTM',
]
