"""The behaviour encoder: z = event texts and sources projected, c = what a causal encoder makes of them so far."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.transformer import Transformer

DAY = 86_400
WEEK = 7 * DAY
HOUR = 3_600.0
GAP_WAVES = 8
SPAN = math.log1p(20 * 365 * 24.0)  # of log hours: gaps up to twenty years
TIME_FEATURES = 2 * GAP_WAVES + 4


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """A batch of histories, oldest event first, padding at the end.

    `vectors` (b, w, t) of the events' texts, `source` (b, w), `time` (b, w) seconds, `length` (b,); padding is never
    read. `text` (b, w) numbers the texts, where the caller knows which are equal.
    """

    vectors: Tensor
    source: Tensor
    time: Tensor
    length: Tensor
    text: Tensor | None = None

    def there(self) -> Tensor:
        """Return (b, w) bool: where an event is."""
        return torch.arange(self.time.shape[1], device=self.time.device) < self.length.unsqueeze(1)


@dataclass(frozen=True, slots=True, eq=False)
class BehaviourStates:
    """`z` (b, w, d) of each event alone, `c` (b, w, d) of each event and those before it, `there` (b, w)."""

    z: Tensor
    c: Tensor
    there: Tensor


class BehaviourEncoder(nn.Module):
    """Events -> z, c -> one vector per user (FIND eq. 5): c = g_mu(z), e = P(c) with P the mean over events.

    c_t reads events up to t only. Time enters as the gap since the event before, in waves over log hours, and as the
    place in the day and in the week. Kinds: a pre-norm Transformer with causal attention, a GRU, or `mean` (c = z).
    """

    def __init__(self, text_dims: int, sources: int, config: BehaviourConfig) -> None:
        super().__init__()
        self.config = config
        d = config.dims
        self.text = nn.Linear(text_dims, d)
        self.source = nn.Embedding(max(1, sources), d)
        self.enter = nn.LayerNorm(d)
        self.when = nn.Linear(TIME_FEATURES, d)
        self.over = _over(config)
        self.age = nn.Linear(2 * GAP_WAVES, d) if config.recency else None
        if self.age is not None:  # a plain mean until it learns better
            nn.init.zeros_(self.age.weight)
            nn.init.zeros_(self.age.bias)

    def forward(self, events: Events) -> BehaviourStates:
        """Return the states of a batch; those of padding mean nothing."""
        return self.encode(self.text(events.vectors), events)

    def encode(self, projected: Tensor, events: Events) -> BehaviourStates:
        """Do the same from `text` of the vectors (b, w, d), which a caller may keep per distinct text."""
        z: Tensor = self.enter(projected + self.source(events.source))
        if self.over is None:
            return BehaviourStates(z, z, events.there())
        h = z + self.when(time_features(events.time).to(z.dtype))
        if isinstance(self.over, nn.GRU):
            c, _ = self.over(h)
        else:
            c = self.over(h)
        return BehaviourStates(z, c, events.there())

    def pooled(self, states: BehaviourStates, time: Tensor, moment: Tensor) -> Tensor:
        """Return e (b, d): the mean of c over the events that are there, 0 where there are none.

        With `recency` each c_t is weighed, dimension by dimension, by how long before `moment` (b,) its event was.
        """
        c = states.c
        if self.age is not None:
            ago = (moment.unsqueeze(1) - time).clamp_min(0)
            c = c * (2.0 * torch.sigmoid(self.age(waves(ago).to(c.dtype))))
        there = states.there.unsqueeze(2).to(c.dtype)
        return (c * there).sum(dim=1) / there.sum(dim=1).clamp_min(1.0)


def time_features(time: Tensor) -> Tensor:
    """Return (b, w, TIME_FEATURES) of times (b, w) in seconds: gap to the event before, hour of day, day of week."""
    gap = torch.zeros_like(time)
    gap[:, 1:] = (time[:, 1:] - time[:, :-1]).clamp_min(0)
    turns = torch.stack([(time % DAY).double() / DAY, (time % WEEK).double() / WEEK], dim=2) * (2.0 * math.pi)
    return torch.cat([waves(gap), turns.sin().float(), turns.cos().float()], dim=2)


def waves(seconds: Tensor) -> Tensor:
    """Return (..., 2 GAP_WAVES): sines and cosines of log hours, from half a turn over the whole span to ever finer."""
    share = torch.log1p(seconds.double() / HOUR).float() / SPAN
    angle = share.unsqueeze(-1) * (math.pi * 2.0 ** torch.arange(GAP_WAVES, device=seconds.device))
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def _over(config: BehaviourConfig) -> nn.Module | None:
    d = config.dims
    if config.kind == "mean":
        return None
    if config.kind == "gru":
        dropout = config.dropout if config.layers > 1 else 0.0
        return nn.GRU(d, d, num_layers=config.layers, batch_first=True, dropout=dropout)
    return Transformer(d, config.heads, layers=config.layers, hidden=4 * d, dropout=config.dropout, causal=True)
