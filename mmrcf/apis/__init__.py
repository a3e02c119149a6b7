"""What an application calls: a model from a config, one stream, or a whole source."""

from .inferencer import RCFInferencer, RunSummary
from .init_model import init_model
from .online import OnlineSegmenter

__all__ = ['OnlineSegmenter', 'RCFInferencer', 'RunSummary', 'init_model']
