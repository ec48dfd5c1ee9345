"""What a user has done all along: means of event texts that fade with age, over far more events than a sequence holds.

A sequence model reads the last few dozen events. Who bought candles every spring and clocks last week is a buyer of
clocks to it; the slow means remember the candles, and cost no attention.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from audience_trainers.users.histories import Histories, Indices, Moments

Floats = npt.NDArray[np.float32]
DAY = 86_400
HALF_LIVES = (7.0, 30.0, 120.0, np.inf)  # days
MOST = 512  # events that are read, the last ones


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """The events of p moments as ranges `begin` (p,) : `end` (p,) of all events; their means are made when asked for.

    `text` and `time` (m,) of all events, `moment` (p,), `vectors` (texts, t).
    """

    begin: Indices
    end: Indices
    moment: Indices
    text: npt.NDArray[np.int32]
    time: Indices
    vectors: Floats

    @classmethod
    def of(cls, histories: Histories, moments: Moments, vectors: Floats) -> Taste:
        """Return the last MOST events before each moment, never one at or after it."""
        end = histories.before(moments)
        begin = np.maximum(histories.start[moments.user], end - MOST)
        return cls(begin, end, moments.time, histories.text, histories.time, vectors)

    def means(self, rows: Indices) -> Floats:
        """Return (b, HALF_LIVES, t): of each row the means of its events' text vectors, an event weighed by
        2^(-age / half-life), its age in days before the moment. 0 without events."""
        begin, end = self.begin[rows], self.end[rows]
        count = end - begin
        start = np.concatenate([[0], np.cumsum(count)])
        row = np.repeat(np.arange(len(rows)), count)
        event = begin[row] + np.arange(len(row)) - start[row]
        age = (self.moment[rows][row] - self.time[event]) / DAY
        newest = np.zeros(len(rows))
        there = np.flatnonzero(count)
        newest[there] = (self.moment[rows][there] - self.time[end[there] - 1]) / DAY
        found = np.empty((len(rows), len(HALF_LIVES), self.vectors.shape[1]), np.float32)
        for i, half in enumerate(HALF_LIVES):
            weight = np.exp2((newest[row] - age) / half)  # the newest counts 1, however long ago it was
            total = np.bincount(row, weight, minlength=len(rows))
            share = (weight / np.maximum(total[row], 1e-30)).astype(np.float32)
            found[:, i] = sp.csr_matrix((share, self.text[event], start), (len(rows), len(self.vectors))) @ self.vectors
        return found


class TasteTokens(nn.Module):
    """Means of texts by half-life -> tokens, and the mean that a user starts from: a learned mixture of all of them.

    Without `mixed` that mean stays the one of the last events: means of other vectors do not mix with it.
    """

    def __init__(self, text_dims: int, dims: int, *, mixed: bool = True) -> None:
        super().__init__()
        self.read = nn.Linear(text_dims, dims)
        self.half_life = nn.Parameter(torch.randn(len(HALF_LIVES), dims) * 0.02)
        self.enter = nn.LayerNorm(dims)
        self.mixture = nn.Parameter(torch.zeros(len(HALF_LIVES) + 1)) if mixed else None

    def none(self, count: int) -> Floats:
        """Return the means (b, h, t) of users of whom none are known."""
        return np.zeros((count, len(HALF_LIVES), self.read.in_features), np.float32)

    def forward(self, means: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        """Return tokens (b, h, d) of means (b, h, t), and the mixture (b, t) of these and the last events' mean."""
        tokens: Tensor = self.enter(self.read(means) + self.half_life)
        if self.mixture is None:
            return tokens, last
        every = torch.cat([last.unsqueeze(1), means], dim=1)
        return tokens, torch.einsum("h,bht->bt", self.mixture.softmax(dim=0), every)
