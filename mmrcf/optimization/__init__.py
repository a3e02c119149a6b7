from .folding import fold_batch_norms, fold_mask_projection
from .inference import PRECISIONS, compile_network, optimize_for_inference, resolve_precision
from .winograd import WinogradConv2d, use_winograd

__all__ = [
    'PRECISIONS',
    'WinogradConv2d',
    'compile_network',
    'fold_batch_norms',
    'fold_mask_projection',
    'optimize_for_inference',
    'resolve_precision',
    'use_winograd',
]
