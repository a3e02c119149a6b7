"""Transformer encoder (the fusion of Section III-B-1) and decoder (the instance code of Section III-B-2).

Positions are added to queries and keys in every layer, as in DETR. Layers are pre-norm by default, for stable training
at the paper's learning rate of 6e-4; ``norm_first=False`` gives the post-norm layers of DETR.
"""

from collections.abc import Callable

from torch import Tensor, nn

from .attention import MultiheadAttention


def feedforward(embed_dims: int, hidden_dims: int, dropout: float) -> nn.Sequential:
    """Two linear layers with ReLU between, C' -> hidden -> C'."""
    first, second = nn.Linear(embed_dims, hidden_dims), nn.Linear(hidden_dims, embed_dims)
    for linear in (first, second):
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
    return nn.Sequential(first, nn.ReLU(inplace=True), nn.Dropout(dropout), second)


class TransformerEncoderLayer(nn.Module):
    """Self-attention over all tokens, then a feed-forward network."""

    def __init__(
        self, embed_dims: int, num_heads: int, feedforward_dims: int, dropout: float, norm_first: bool = True
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.norm_attention = nn.LayerNorm(embed_dims)
        self.attention = MultiheadAttention(embed_dims, num_heads, dropout)
        self.norm_feedforward = nn.LayerNorm(embed_dims)
        self.feedforward = feedforward(embed_dims, feedforward_dims, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, positions: Tensor, padding: Tensor | None) -> Tensor:
        """See :meth:`TransformerEncoder.forward`."""
        normed = self.norm_attention(tokens) if self.norm_first else tokens
        located = normed + positions
        tokens = tokens + self.dropout(self.attention(located, located, normed, padding))
        if self.norm_first:
            return tokens + self.dropout(self.feedforward(self.norm_feedforward(tokens)))
        tokens = self.norm_attention(tokens)
        return self.norm_feedforward(tokens + self.dropout(self.feedforward(tokens)))


class TransformerEncoder(nn.Module):
    """Fuses tokens with each other.

    Args:
        embed_dims: Token width C'.
        num_layers: Number of layers.
        num_heads: Heads of each attention.
        feedforward_dims: Hidden width of the feed-forward networks.
        dropout: Dropout rate.
        norm_first: Whether a layer normalises what goes into attention and feed-forward network (pre-norm), or what
            comes out of them (post-norm).
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_layers: int = 6,
        num_heads: int = 8,
        feedforward_dims: int = 2048,
        dropout: float = 0.0,
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TransformerEncoderLayer(embed_dims, num_heads, feedforward_dims, dropout, norm_first)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(embed_dims) if norm_first else nn.Identity()

    def forward(self, tokens: Tensor, positions: Tensor, padding: Tensor | None = None) -> Tensor:
        """Fuse.

        Args:
            tokens: (B, L, C').
            positions: (B, L, C'), added to queries and keys.
            padding: (B, L) bool, True for tokens to be ignored.

        Returns:
            (B, L, C').
        """
        for layer in self.layers:
            tokens = layer(tokens, positions, padding)
        return self.norm(tokens)


class TransformerDecoderLayer(nn.Module):
    """Self-attention among the N slots, attention to the tokens, then a feed-forward network."""

    def __init__(
        self, embed_dims: int, num_heads: int, feedforward_dims: int, dropout: float, norm_first: bool = True
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.norm_slots = nn.LayerNorm(embed_dims)
        self.self_attention = MultiheadAttention(embed_dims, num_heads, dropout)
        self.norm_cross = nn.LayerNorm(embed_dims)
        self.cross_attention = MultiheadAttention(embed_dims, num_heads, dropout)
        self.norm_feedforward = nn.LayerNorm(embed_dims)
        self.feedforward = feedforward(embed_dims, feedforward_dims, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, slots: Tensor, queries: Tensor, tokens: Tensor, keys: Tensor, padding: Tensor | None) -> Tensor:
        """See :meth:`TransformerDecoder.forward`."""
        if self.norm_first:
            normed = self.norm_slots(slots)
            located = normed + queries
            slots = slots + self.dropout(self.self_attention(located, located, normed))
            located = self.norm_cross(slots) + queries
            slots = slots + self.dropout(self.cross_attention(located, keys, tokens, padding))
            return slots + self.dropout(self.feedforward(self.norm_feedforward(slots)))
        located = slots + queries
        slots = self.norm_slots(slots + self.dropout(self.self_attention(located, located, slots)))
        slots = self.norm_cross(slots + self.dropout(self.cross_attention(slots + queries, keys, tokens, padding)))
        return self.norm_feedforward(slots + self.dropout(self.feedforward(slots)))


class TransformerDecoder(nn.Module):
    """Lets N learned instance queries attend to all fused tokens. Arguments as :class:`TransformerEncoder`."""

    def __init__(
        self,
        embed_dims: int = 256,
        num_layers: int = 6,
        num_heads: int = 8,
        feedforward_dims: int = 2048,
        dropout: float = 0.0,
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TransformerDecoderLayer(embed_dims, num_heads, feedforward_dims, dropout, norm_first)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(embed_dims)

    def forward(
        self,
        slots: Tensor,
        queries: Tensor,
        tokens: Tensor,
        positions: Tensor,
        padding: Tensor | None = None,
        refine: Callable[[Tensor], Tensor] | None = None,
    ) -> list[Tensor]:
        """Decode.

        Args:
            slots: (B, N, C'), the initial content of the slots.
            queries: (B, N, C'), added to the slots as their position in every layer.
            tokens: (B, L, C').
            positions: (B, L, C'), added to the keys.
            padding: (B, L) bool, True for tokens to be ignored.
            refine: Normalised slots (B, N, C') to what is added to the slots before each layer; None for nothing.

        Returns:
            The normalised slots (B, N, C') after every layer, first to last; with ``refine`` the initial ones first.
        """
        keys = tokens + positions
        decoded = [] if refine is None else [self.norm(slots)]
        for layer in self.layers:
            if refine is not None:
                slots = slots + refine(decoded[-1])
            slots = layer(slots, queries, tokens, keys, padding)
            decoded.append(self.norm(slots))
        return decoded
