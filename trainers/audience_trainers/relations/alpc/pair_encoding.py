"""Numbers that describe a pair, written so that a small net can read them: standardised, and piecewise linear."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FEW = 2  # pairs from which on a scale can be learned


class PairEncoding(nn.Module):
    """x (p, k) -> (p, k (1 + bins)): (x - mean) / size, and how far x has come through each bin, from 0 to 1.

    Bins are cut at quantiles (Gorishniy et al., NeurIPS 2022): a net on standardised numbers alone is slow to learn
    where a heavy-tailed feature matters. A value that many pairs share is a bin without width: 0 up to it, 1 above.
    """

    def __init__(self, width: int, bins: int) -> None:
        super().__init__()
        self.bins = bins
        self.mean = nn.Buffer(torch.zeros(width))
        self.size = nn.Buffer(torch.ones(width))
        self.low = nn.Buffer(torch.zeros(width, bins))
        self.high = nn.Buffer(torch.ones(width, bins))

    @property
    def width(self) -> int:
        """Columns of the result."""
        return len(self.mean) * (1 + self.bins)

    def learn(self, features: Tensor) -> None:
        """Remember mean, standard deviation and quantiles of features (q, k); of fewer than two pairs, nothing."""
        if len(features) < FEW or not features.shape[1]:
            return
        self.mean.copy_(features.mean(dim=0))
        self.size.copy_(features.std(dim=0).clamp_min(1e-6))
        if self.bins:
            share = torch.linspace(0.0, 1.0, self.bins + 1, device=features.device)
            cuts = torch.quantile(_at_most(features), share, dim=0).T  # (k, bins + 1)
            self.low.copy_(cuts[:, :-1])
            self.high.copy_(cuts[:, 1:])

    def forward(self, x: Tensor) -> Tensor:
        """Return the encoding (p, k (1 + bins)) of x (p, k)."""
        plain: Tensor = (x - self.mean) / self.size
        if not self.bins:
            return plain
        through = (x.unsqueeze(2) - self.low) / (self.high - self.low).clamp_min(1e-9)
        return torch.cat([plain, through.clamp(0.0, 1.0).flatten(1)], dim=1)


def _at_most(features: Tensor, most: int = 16_000_000) -> Tensor:
    """Return every n-th row, so that `torch.quantile` takes it: it refuses more than 16 million values."""
    return features[:: -(-features.numel() // most)]
