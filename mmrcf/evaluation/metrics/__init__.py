from .error_metric import ErrorBreakdownMetric
from .frame_metric import FrameMetric
from .look_alike_metric import LookAlikeMetric
from .order_metric import OrderMetric
from .region_metric import RegionMetric
from .tracking_metric import FSLAMetric, TrackingMetric
from .vis_metric import VISMetric

__all__ = [
    'ErrorBreakdownMetric',
    'FSLAMetric',
    'FrameMetric',
    'LookAlikeMetric',
    'OrderMetric',
    'RegionMetric',
    'TrackingMetric',
    'VISMetric',
]
