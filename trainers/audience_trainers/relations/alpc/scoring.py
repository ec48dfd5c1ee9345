"""s_uv = g([z_u || z_v]): inner product, bilinear form or MLP (EGL eq. 2). Each is symmetric in u and v.

Relations get their direction from the threshold of their source, not from the score.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class InnerProduct(nn.Module):
    """s = a z_u . z_v + b, a starting at d^-1/2 so that s is of the order of 1."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(dims**-0.5))
        self.bias = nn.Parameter(torch.tensor(0.0))

    def forward(self, z_u: Tensor, z_v: Tensor) -> Tensor:
        """Return s (p,) of z_u and z_v, (p, d) each."""
        return self.scale * (z_u * z_v).sum(dim=-1) + self.bias


class Bilinear(nn.Module):
    """s = z_u W z_v + b with W = M + M'."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.m = nn.Parameter(torch.eye(dims) * dims**-0.5 / 2)
        self.bias = nn.Parameter(torch.tensor(0.0))

    def forward(self, z_u: Tensor, z_v: Tensor) -> Tensor:
        """Return s (p,) of z_u and z_v, (p, d) each."""
        form: Tensor = self.m + self.m.T
        return ((z_u @ form) * z_v).sum(dim=-1) + self.bias


class MLP(nn.Module):
    """s = inner product + net([z_u * z_v || |z_u - z_v|]) + own(extra): in common, how far apart, what else is known.

    `extra` (p, k) are features of the pair itself, read by a net of their own: with `k` = 0 there are none, and s is a
    function of z alone. Without `reads_z` z speaks through the inner product only.
    """

    def __init__(self, dims: int, *, hidden: int, extra: int = 0, dropout: float = 0.0, reads_z: bool = True) -> None:
        super().__init__()
        self.inner = InnerProduct(dims)
        self.net = _net(2 * dims, hidden, dropout) if reads_z else None
        self.own = _net(extra, hidden, dropout) if extra else None

    def forward(self, z_u: Tensor, z_v: Tensor, extra: Tensor | None = None) -> Tensor:
        """Return s (p,) of z_u and z_v, (p, d) each."""
        found: Tensor = self.inner(z_u, z_v)
        if self.net is not None:
            found = found + self.net(torch.cat([z_u * z_v, (z_u - z_v).abs()], dim=-1)).squeeze(-1)
        if self.own is not None:
            found = found + self.own(extra).squeeze(-1)
        return found


def _net(width: int, hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 1),
    )
