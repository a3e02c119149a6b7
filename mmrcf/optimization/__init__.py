from .folding import fold_batch_norms, fold_mask_projection
from .inference import PRECISIONS, autocast_type, compile_network, optimize_for_inference
from .winograd import WinogradConv2d, use_winograd

__all__ = [
    'PRECISIONS',
    'WinogradConv2d',
    'autocast_type',
    'compile_network',
    'fold_batch_norms',
    'fold_mask_projection',
    'optimize_for_inference',
    'use_winograd',
]
