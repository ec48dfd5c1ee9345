"""ALPC: encoder, scoring function and threshold head in one module (EGL, Fig. 4b)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.geniepath import GeniePath
from audience_trainers.relations.alpc.hops import Hop
from audience_trainers.relations.alpc.pair_encoding import PairEncoding
from audience_trainers.relations.alpc.scoring import MLP, Bilinear, InnerProduct


@dataclass(frozen=True, slots=True)
class Sizes:
    """Widths of the inputs: columns of E^Se, of E^Co, of the pair features and of their exposure (0 = none)."""

    text: int
    co: int
    pair: int = 0
    exposure: int = 0


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
            residual=config.residual,
            dropout=config.dropout,
        )
        self.known = PairEncoding(sizes.pair, config.bins)
        self.scoring = _scoring(self.known.width, config)
        self.threshold = nn.Sequential(nn.Linear(dims, dims // 2), nn.ReLU(), nn.Linear(dims // 2, 1))
        self.use_z = config.use_z
        self.pair = sizes.pair
        self.exposure = _exposure(sizes.exposure, config.hidden) if sizes.exposure else None
        self.met = PairEncoding(sizes.exposure, 0)

    def learn_scale(self, features: Tensor) -> None:
        """Remember the scale of pair features (p, k + e): they are read relative to it."""
        self.known.learn(features[:, : self.pair])
        self.met.learn(features[:, self.pair :])

    def encode(self, x: Tensor, blocks: list[Hop]) -> Tensor:
        """Return z (n, d) of inputs x (n, f), hop t over the edges blocks[t]."""
        return self.encoder.over_blocks(x, blocks)

    def score(self, z_u: Tensor, z_v: Tensor, pair: Tensor | None = None, *, exposed: bool = False) -> Tensor:
        """Return s_uv (p,) of z_u, z_v (p, d) and, with structure, the pairs' features (p, k + e).

        The last e columns say how often the ends are met at all. A label that counts behaviour grows with them
        whatever the relation is; so they enter as a term of their own, as met while training (`exposed`), and at
        their mean for every pair when scoring.
        """
        if not self.use_z:
            z_u, z_v = torch.zeros_like(z_u), torch.zeros_like(z_v)
        if pair is None:
            found: Tensor = self.scoring(z_u, z_v)
            return found
        assert isinstance(self.scoring, MLP)
        found = self.scoring(z_u, z_v, self.known(pair[:, : self.pair]))
        if self.exposure is None:
            return found
        met = self.met(pair[:, self.pair :])
        offset: Tensor = self.exposure(met if exposed else torch.zeros_like(met)).squeeze(-1)
        return found + offset

    def eps(self, z_u: Tensor) -> Tensor:
        """Return the threshold eps_u (p,), a logit, of the sources z_u (p, d) (eq. 3)."""
        found: Tensor = self.threshold(z_u).squeeze(-1)
        return found


def _exposure(width: int, hidden: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1))


def _scoring(extra: int, config: AlpcConfig) -> nn.Module:
    if config.scoring == "inner" and extra:
        return MLP(config.dims, hidden=config.hidden, extra=extra, dropout=config.dropout, reads_z=False)
    if config.scoring == "inner":
        return InnerProduct(config.dims)
    if config.scoring == "bilinear":
        return Bilinear(config.dims)
    return MLP(config.dims, hidden=config.hidden, extra=extra, dropout=config.dropout)
