from .base import BaseContextNeck
from .full_feature_fusion import FullFeatureFusion
from .robust_context_fusion import RobustContextFusion
from .single_frame import SingleFrame

__all__ = ['BaseContextNeck', 'FullFeatureFusion', 'RobustContextFusion', 'SingleFrame']
