from . import checkpoint_file  # noqa: F401  (MMEngine reads the weights that configs name by it)
from .audio_encoders import SmallAudioEncoder, VGGishLSTM
from .backbones import TimmBackbone
from .data_preprocessors import RCFDataPreprocessor
from .heads import InstanceQueryHead
from .mask_decoders import FPNMaskDecoder
from .necks import FullFeatureFusion, RobustContextFusion, SingleFrame
from .object_classifier import ObjectClassifier
from .task_modules import CenterDistanceCost
from .trackers import HungarianTracker, IoUTracker, MatchingFreeTracker
from .vis import RCF, OnlineMask2Former, OnlineMask2FormerVIS, OnlineMaskTrackRCNN, OnlineModel

__all__ = [
    'CenterDistanceCost',
    'FPNMaskDecoder',
    'FullFeatureFusion',
    'HungarianTracker',
    'InstanceQueryHead',
    'IoUTracker',
    'MatchingFreeTracker',
    'ObjectClassifier',
    'OnlineMask2Former',
    'OnlineMask2FormerVIS',
    'OnlineMaskTrackRCNN',
    'OnlineModel',
    'RCF',
    'RCFDataPreprocessor',
    'RobustContextFusion',
    'SingleFrame',
    'SmallAudioEncoder',
    'TimmBackbone',
    'VGGishLSTM',
]
