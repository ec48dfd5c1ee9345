"""The ensemble's network: H_uv, what T weeks know of two entities, through attention over weeks to one logit.

Weeks are trained apart, so their spaces are turned against each other: no two weeks' vectors meet before each week's
own linear map has brought them into one space. That map reads a week of any dimension.

    x_{e,t} = LayerNorm(W_t z_{e,t}) + week_t      tokens, (T, D) per entity
    o = encoder(x_{u,1..T}, x_{v,1..T})            multi-head attention over the 2T tokens, unknown weeks masked
    s_uv = mean_t s_{uv,t} + MLP([sum_t a_t o_{u,t} * o_{v,t} || o_u * o_v || |o_u - o_v| || what s_{uv,t} say])
                                                   a_t: attention over weeks, o_e: mean, s_{uv,t}: stage II of week t
    eps_u = mean_t eps_{u,t}                       the adaptive thresholds of EGL eq. 3 over the weeks that know u

The MLP begins at zero: the network starts as the mean of stage II and learns what to add. Where no week tells s or eps,
runs that keep none, the mean is 0, and eps_u = MLP(mean over t of x_{u,t}).

A pair is symmetric: which entity comes first changes nothing in s_uv. A token tells its own side from the other by a
bias of the attention that is learned per head, instead of an embedding of the side; relations get their direction
from the source's threshold alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audience_trainers.relations.ensemble.config import EnsembleConfig

TOLD = 3  # the mean of stage II's logits, the share of weeks that scored the pair, whether any was asked
SIZE = 3.0  # of a usual logit
UNSCORED = -2.0  # what a week says of a pair that it did not take for a candidate, before that is learned


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
        self.stage_two = StageTwo()
        self.score = nn.Sequential(
            nn.Linear(3 * dims + TOLD, config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, 1),
        )
        self.threshold = nn.Sequential(nn.Linear(dims, config.hidden), nn.GELU(), nn.Linear(config.hidden, 1))
        self.exposure = Exposure()
        for parameter in (*self.score[-1].parameters(), *self.threshold[-1].parameters()):
            nn.init.zeros_(parameter)  # begins as the mean of stage II

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

    def pair(
        self, u: Tensor, seen_u: Tensor, v: Tensor, seen_v: Tensor, told: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return s_uv (b,) and the weight of each week in it (b, T) from the tokens of both sides (b, T, D).

        `told` is what stage II of each week said of the pairs: `scores.Told` as tensors.
        """
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
        base, summary = self.stage_two(*told)
        features = torch.cat([common, mean_u * mean_v, (mean_u - mean_v).abs(), summary], dim=-1)
        return base + self.score(features).squeeze(-1), weight

    def eps(self, x: Tensor, seen: Tensor, told: Tensor) -> Tensor:
        """Return eps_u (b,): the mean of stage II's by week (b, T), NaN = none; where there is none, from tokens."""
        asked = ~told.isnan()
        kept: Tensor = told.nan_to_num().sum(dim=1) / asked.sum(dim=1).clamp_min(1)
        own: Tensor = self.threshold(masked_mean(x, seen)).squeeze(-1)
        return torch.where(asked.any(dim=1), kept, own)


class StageTwo(nn.Module):
    """The mean of stage II's logits over the weeks that were asked.

    A week that was asked and did not score a pair says a learned `unscored`. All weeks weigh alike: weights that are
    learned go to the weeks whose days overlap with most others, whatever they are worth.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unscored = nn.Parameter(torch.tensor(UNSCORED))

    def forward(self, logit: Tensor, scored: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean (b,), 0 where no week was asked, and what the network reads of it (b, TOLD)."""
        count = asked.sum(dim=1).clamp_min(1)
        mean = (torch.where(scored, logit, self.unscored) * asked).sum(dim=1) / count
        read = (mean.detach() / SIZE, scored.sum(dim=1) / count, asked.any(dim=1))
        return mean, torch.stack([x.to(mean.dtype) for x in read], dim=-1)


class Exposure(nn.Module):
    """What being met often adds to a label that counts behaviour, whatever the relation is: 0 at the mean.

    A term of the losses and of validation only. Without it the network would take popularity for relatedness.
    """

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, met: Tensor) -> Tensor:
        """Return the offset (b,) of how often both ends are met (b, 2), standardised; in either order."""
        ends = torch.stack([met.amin(dim=1), met.amax(dim=1)], dim=1)
        found: Tensor = self.net(ends).squeeze(-1) - self.net(torch.zeros_like(ends[:1])).squeeze(-1)
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
