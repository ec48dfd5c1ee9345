"""The ensemble's network: H_uv, the tokens of two entities over T weeks, through attention over weeks to one logit.

Weeks are trained apart, so their spaces are turned against each other: no two weeks' vectors meet before each week's
own linear map has brought them into one space. That map reads a week of any dimension.

    x_{e,t} = LayerNorm(W_t z_{e,t}) + week_t      tokens, (T, D) per entity
    o = encoder(x_{u,1..T}, x_{v,1..T})            multi-head attention over the 2T tokens, unknown weeks masked
    s_uv = MLP([sum_t a_t o_{u,t} * o_{v,t} || o_u * o_v || |o_u - o_v|])     a_t: attention over weeks, o_e: mean
    eps_u = MLP(mean over t of x_{u,t})            the adaptive threshold of EGL eq. 3, over all weeks

A pair is symmetric: which entity comes first changes nothing in s_uv. A token tells its own side from the other by a
bias of the attention that is learned per head, instead of an embedding of the side; relations get their direction
from the source's threshold alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audience_trainers.relations.ensemble.config import EnsembleConfig


class PairLayer(nn.Module):
    """One encoder layer over the tokens of a pair; swapping the sides swaps its output and changes nothing else."""

    def __init__(self, config: EnsembleConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.attention = nn.MultiheadAttention(config.dims, config.heads, batch_first=True)
        self.forward_part = nn.Sequential(
            nn.Linear(config.dims, 2 * config.dims), nn.GELU(), nn.Linear(2 * config.dims, config.dims)
        )
        self.first, self.second = nn.LayerNorm(config.dims), nn.LayerNorm(config.dims)
        self.drop = nn.Dropout(config.dropout)
        self.other_side = nn.Parameter(torch.zeros(config.heads))

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        """x (b, 2T, D), known (b, 2T) bool -> (b, 2T, D)."""
        batch, tokens, _ = x.shape
        side = torch.arange(tokens, device=x.device) >= tokens // 2
        bias = self.other_side[:, None, None] * (side[:, None] != side[None, :])  # (heads, 2T, 2T)
        hidden = torch.zeros(batch, 1, 1, tokens, device=x.device, dtype=x.dtype)
        hidden = hidden.masked_fill(~known[:, None, None, :], float("-inf"))
        mask = (bias + hidden).reshape(batch * self.heads, tokens, tokens)
        normal = self.first(x)
        x = x + self.drop(self.attention(normal, normal, normal, attn_mask=mask, need_weights=False)[0])
        x = x + self.drop(self.forward_part(self.second(x)))
        return x


class EnsembleNet(nn.Module):
    """s_uv, the attention over weeks behind it, and eps_u."""

    def __init__(self, weeks: int, dims_in: int, config: EnsembleConfig) -> None:
        super().__init__()
        dims = config.dims
        self.into = nn.ModuleList(nn.Linear(dims_in, dims, bias=False) for _ in range(weeks))
        self.normal = nn.LayerNorm(dims)
        self.week = nn.Parameter(torch.randn(weeks, dims) * 0.02)
        self.unknown = nn.Parameter(torch.randn(dims) * 0.02)  # the only token of an entity without any week
        self.layers = nn.ModuleList(PairLayer(config) for _ in range(config.layers))
        self.attend = nn.Linear(dims, 1)
        self.score = nn.Sequential(
            nn.Linear(3 * dims, config.hidden), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(config.hidden, 1)
        )
        self.threshold = nn.Sequential(nn.Linear(dims, config.hidden), nn.GELU(), nn.Linear(config.hidden, 1))

    def tokens(self, h: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Map h (e, T, d) of known weeks `mask` (e, T) to tokens (e, T, D) and which of them may be attended to.

        An entity without any known week shows one learned token in the newest week's place.
        """
        mapped = torch.stack([into(h[:, t]) for t, into in enumerate(self.into)], dim=1)
        nothing = ~mask.any(dim=1)
        seen = mask.clone()
        seen[:, -1] |= nothing
        x = torch.where(mask[..., None], self.normal(mapped), self.unknown) + self.week
        return x, seen

    def pair(self, u: Tensor, seen_u: Tensor, v: Tensor, seen_v: Tensor) -> tuple[Tensor, Tensor]:
        """Return s_uv (b,) and the weight of each week in it (b, T) from the tokens of both sides (b, T, D)."""
        weeks = u.shape[1]
        x, known = torch.cat([u, v], dim=1), torch.cat([seen_u, seen_v], dim=1)
        for layer in self.layers:
            x = layer(x, known)
        u, v = x[:, :weeks], x[:, weeks:]
        both = seen_u & seen_v
        match = u * v  # (b, T, D): what the two have in common in a week
        weight = _masked_softmax(self.attend(match).squeeze(-1), both)
        common = (weight[..., None] * match).sum(dim=1)
        mean_u, mean_v = masked_mean(u, seen_u), masked_mean(v, seen_v)
        features = torch.cat([common, mean_u * mean_v, (mean_u - mean_v).abs()], dim=-1)
        return self.score(features).squeeze(-1), weight

    def eps(self, x: Tensor, seen: Tensor) -> Tensor:
        """Return eps_u (b,) from the tokens of the sources."""
        found: Tensor = self.threshold(masked_mean(x, seen)).squeeze(-1)
        return found


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of x (b, T, D) over the weeks of `mask` (b, T); every row has at least one."""
    keep = mask.to(x.dtype)
    return (x * keep[..., None]).sum(dim=1) / keep.sum(dim=1, keepdim=True)


def _masked_softmax(x: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the weeks of `mask`; zeros for a pair that shares none."""
    x = x.masked_fill(~mask, float("-inf"))
    top = x.amax(dim=1, keepdim=True)
    part = torch.exp(x - torch.where(torch.isfinite(top), top, 0.0))
    return part / part.sum(dim=1, keepdim=True).clamp_min(1e-12)


def hide_weeks(seen: Tensor, own: Tensor, chance: float, generator: torch.Generator) -> Tensor:
    """Return which weeks a training pair may look at (b, 2, T): each is hidden with `chance`, for both sides alike.

    `seen` is (b, 2, T). The week `own` (b,) that gave the label is always hidden (-1 = none): its vectors were fitted
    to that label. A side that would see nothing keeps all of its weeks but that one, or all when it has no other.
    """
    batch, _, weeks = seen.shape
    others = own[:, None] != torch.arange(weeks, device=seen.device)
    kept = (torch.rand(batch, weeks, generator=generator) >= chance).to(seen.device)
    without = _unless_empty(seen & others[:, None], seen)
    return _unless_empty(without & kept[:, None], without)


def _unless_empty(seen: Tensor, otherwise: Tensor) -> Tensor:
    return torch.where(seen.any(dim=2, keepdim=True), seen, otherwise)
