"""Scaled dot-product attention (Section III-B-1) without the quadratic memory of returned attention weights."""

import torch.nn.functional as F
from torch import Tensor, nn


class MultiheadAttention(nn.Module):
    """Multi-head attention over PyTorch's fused kernel.

    Args:
        embed_dims: Token width C'.
        num_heads: Number of heads; must divide ``embed_dims``.
        dropout: Dropout on the attention weights while training.
    """

    def __init__(self, embed_dims: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise ValueError(f'embed_dims={embed_dims} must be a multiple of num_heads={num_heads}')
        self.num_heads = num_heads
        self.dropout = dropout
        self.query = nn.Linear(embed_dims, embed_dims)
        self.key = nn.Linear(embed_dims, embed_dims)
        self.value = nn.Linear(embed_dims, embed_dims)
        self.out = nn.Linear(embed_dims, embed_dims)
        for linear in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None = None) -> Tensor:
        """Attend from ``query`` to ``key``.

        Args:
            query: (B, Q, C').
            key: (B, L, C').
            value: (B, L, C').
            padding: (B, L) bool, True for keys that must not be attended to.

        Returns:
            (B, Q, C').
        """
        mask = None if padding is None else ~padding[:, None, None, :]
        attended = F.scaled_dot_product_attention(
            self._split(self.query(query)),
            self._split(self.key(key)),
            self._split(self.value(value)),
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.out(attended.transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        """(B, L, C') -> (B, heads, L, C' / heads)."""
        return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
