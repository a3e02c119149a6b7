from .attention import MultiheadAttention
from .position_encoding import COARSE, FINE, sine_positions
from .transformer import TransformerDecoder, TransformerEncoder

__all__ = [
    'COARSE',
    'FINE',
    'MultiheadAttention',
    'TransformerDecoder',
    'TransformerEncoder',
    'sine_positions',
]
