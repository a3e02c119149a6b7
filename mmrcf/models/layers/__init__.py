from .attention import MultiheadAttention
from .position_encoding import sine_positions
from .transformer import TransformerDecoder, TransformerEncoder

__all__ = ['MultiheadAttention', 'TransformerDecoder', 'TransformerEncoder', 'sine_positions']
