"""The interface for applications: a model from a config, one stream, or a whole source."""

from mmrcf.shipped_models import SHIPPED_MODELS

from .inferencer import RCFInferencer
from .init_model import init_model
from .online import OnlineSegmenter
from .onnx_segmenter import OnnxSegmenter
from .run_summary import RunSummary

__all__ = ['SHIPPED_MODELS', 'OnlineSegmenter', 'OnnxSegmenter', 'RCFInferencer', 'RunSummary', 'init_model']
