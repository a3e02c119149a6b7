import importlib
import pkgutil

from .base import BaseContextNeck, FusedTokens, TokenGroup
from .full_feature_fusion import FullFeatureFusion
from .robust_context_fusion import RobustContextFusion
from .single_frame import SingleFrame

# Every file of this folder is imported, so a new neck registers itself without a change here.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')

__all__ = [
    'BaseContextNeck',
    'FullFeatureFusion',
    'FusedTokens',
    'RobustContextFusion',
    'SingleFrame',
    'TokenGroup',
]
