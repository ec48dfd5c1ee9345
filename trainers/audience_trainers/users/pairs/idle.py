"""Moments with a past after which nothing is described: of these users, pairs alone say nothing.

Whoever is asked by a sentence is asked among all users, most of whom do nothing soon. A model that has met only users
with a future cannot tell the others apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audience_trainers.users.histories import Histories, Indices, Moments
from audience_trainers.users.pairs.build import Pairs, active, splits
from audience_trainers.users.pairs.windows import SPLITS, WindowConfig


@dataclass(frozen=True, slots=True, eq=False)
class Idle:
    """Some of the idle moments of training and validation, `split` (k,) places in SPLITS.

    `rate` (3,): how many idle moments there are for each pair of a split, whether they are here or not.
    """

    moments: Moments
    split: Indices
    rate: tuple[float, ...]

    def rows(self, split: str) -> Indices:
        """Return the places of a split."""
        return np.flatnonzero(self.split == SPLITS.index(split)).astype(np.int64)


def idle_moments(pairs: Pairs, histories: Histories, config: WindowConfig, *, most: int, seed: int) -> Idle:
    """Return at most `most` idle moments of training and as many of validation, drawn by the seed.

    Idle is who has an event in the days of history before a cut, as those in pairs have, and is in no pair at it.
    """
    windows = pairs.windows
    there = active(histories, windows)
    there[pairs.moments.user, np.searchsorted(windows.cut, pairs.moments.time)] = False
    split = splits(histories, windows, config)
    rng = np.random.default_rng([seed, 8])
    drawn, rate = [], []
    for i, name in enumerate(SPLITS):
        user, cut = np.nonzero(there & (split == i))
        rate.append(len(user) / max(1, len(pairs.rows(name))))
        kept = np.sort(rng.permutation(len(user))[: most if name != "test" else 0])
        drawn.append((user[kept], windows.cut[cut[kept]], np.full(len(kept), i, np.int64)))
    user, time, place = (np.concatenate(part).astype(np.int64) for part in zip(*drawn, strict=True))
    return Idle(Moments(user, time), place, tuple(rate))
