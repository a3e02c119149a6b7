from .attention import MultiheadAttention
from .mask_pooling import MaskPooling
from .position_encoding import COARSE, FINE, sine_positions
from .query_grid import LocalContent, anchor_positions, grid_anchors
from .tokens import Extents, FusedTokens, TokenGroup, grid_padding, join, valid_cells
from .transformer import TransformerDecoder, TransformerEncoder

__all__ = [
    'COARSE',
    'Extents',
    'FINE',
    'FusedTokens',
    'LocalContent',
    'MaskPooling',
    'MultiheadAttention',
    'TokenGroup',
    'TransformerDecoder',
    'TransformerEncoder',
    'anchor_positions',
    'grid_anchors',
    'grid_padding',
    'join',
    'sine_positions',
    'valid_cells',
]
