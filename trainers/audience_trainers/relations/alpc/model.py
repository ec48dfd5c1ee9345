"""ALPC: encoder, scoring function and threshold head in one module (EGL, Fig. 4b)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.geniepath import GeniePath
from audience_trainers.relations.alpc.scoring import MLP, Bilinear, InnerProduct


@dataclass(frozen=True, slots=True)
class Sizes:
    """Widths of the inputs: columns of E^Se, of E^Co, and of the pair features (0 = there are none)."""

    text: int
    co: int
    pair: int = 0


class Alpc(nn.Module):
    """z = GeniePath([E^Se || E^Co]), s = g([z_u || z_v]), eps_u = MLP(z_u)."""

    def __init__(self, sizes: Sizes, config: AlpcConfig) -> None:
        super().__init__()
        dims = config.dims
        self.encoder = GeniePath(
            sizes.text + sizes.co,
            dims,
            layers=config.layers,
            attention_dims=config.attention_dims,
            lazy=config.lazy,
            normalise=config.normalise,
            dropout=config.dropout,
        )
        self.scoring = _scoring(sizes, config)
        self.threshold = nn.Sequential(nn.Linear(dims, dims // 2), nn.ReLU(), nn.Linear(dims // 2, 1))
        self.use_z = config.use_z

    def encode(self, x: Tensor, blocks: list[Tensor]) -> Tensor:
        """Return z (n, d) of inputs x (n, f), hop t over the directed edges blocks[t] (2, E_t)."""
        return self.encoder.over_blocks(x, blocks)

    def score(self, z_u: Tensor, z_v: Tensor, pair: Tensor | None = None) -> Tensor:
        """Return s_uv (p,) of z_u, z_v (p, d) and, with structure, the pairs' features (p, k)."""
        if not self.use_z:
            z_u, z_v = torch.zeros_like(z_u), torch.zeros_like(z_v)
        if pair is not None:
            assert isinstance(self.scoring, MLP)
            found: Tensor = self.scoring(z_u, z_v, pair)
            return found
        found = self.scoring(z_u, z_v)
        return found

    def eps(self, z_u: Tensor) -> Tensor:
        """Return the threshold eps_u (p,), a logit, of the sources z_u (p, d) (eq. 3)."""
        found: Tensor = self.threshold(z_u).squeeze(-1)
        return found


def _scoring(sizes: Sizes, config: AlpcConfig) -> nn.Module:
    if config.scoring == "inner":
        return InnerProduct(config.dims)
    if config.scoring == "bilinear":
        return Bilinear(config.dims)
    return MLP(config.dims, hidden=config.hidden, extra=sizes.pair, dropout=config.dropout)
