"""A pre-norm Transformer on torch's fused attention, causal or not: the layers of both user encoders."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class TransformerLayer(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); the same as nn.TransformerEncoderLayer with norm_first and GELU.

    A causal layer needs no mask of the padding when that is at the end: no position sees a later one.
    """

    def __init__(self, dims: int, heads: int, *, hidden: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.heads, self.dropout, self.causal = heads, dropout, causal
        self.norm_attention = nn.LayerNorm(dims)
        self.query_key_value = nn.Linear(dims, 3 * dims)
        self.out = nn.Linear(dims, dims)
        self.norm_mlp = nn.LayerNorm(dims)
        self.wide = nn.Linear(dims, hidden)
        self.narrow = nn.Linear(hidden, dims)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output (b, w, d) of x (b, w, d)."""
        x = x + self._drop(self.out(self._attend(self.norm_attention(x))))
        return x + self._drop(self.narrow(self._drop(F.gelu(self.wide(self.norm_mlp(x))))))

    def _attend(self, x: Tensor) -> Tensor:
        b, w, d = x.shape
        parts = self.query_key_value(x).view(b, w, 3, self.heads, d // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (b, heads, w, d / heads) each
        share = self.dropout if self.training else 0.0
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=share, is_causal=self.causal)
        return found.transpose(1, 2).reshape(b, w, d)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class Transformer(nn.Module):
    """Layers one after the other, and a last norm (a pre-norm stack leaves its sum unscaled)."""

    def __init__(self, dims: int, heads: int, *, layers: int, hidden: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TransformerLayer(dims, heads, hidden=hidden, dropout=dropout, causal=causal) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dims)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, w, d) of x (b, w, d)."""
        for layer in self.layers:
            x = layer(x)
        found: Tensor = self.norm(x)
        return found
