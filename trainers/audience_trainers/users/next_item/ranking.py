"""Ranks of the next item among all that a user has not had, and the measures of them.

    HR@10     share of ranks <= 10
    NDCG@10   mean of 1 / log2(1 + rank) where rank <= 10, else 0: there is one relevant item
    MRR       mean of 1 / rank, of all ranks

Ties count against the model: an item that scores as much as the next one stands before it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from audience_trainers.users.bootstrap import REPLICATES, Estimate, difference, draws, estimate
from audience_trainers.users.next_item.sequences import Asked

Indices = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
AT = 10
ROWS = 512  # users at once
MEASURES = ("hr", "ndcg", "mrr")


def ranks(asked: Asked, score: Callable[[Indices], Floats], rows: Indices | None = None) -> Indices:
    """Return the rank (p,) of each target, 1 the best; `score(rows)` gives scores (b, n) of all items, to be changed.

    Raises ValueError when a score is not a number.
    """
    rows = np.arange(len(asked.target)) if rows is None else rows
    found = np.empty(len(rows), np.int64)
    order = np.argsort(asked.block.length[rows], kind="stable")  # little padding in a batch
    for begin in range(0, len(rows), ROWS):
        part = order[begin : begin + ROWS]
        found[part] = _ranks(asked, rows[part], score(rows[part]))
    return found


def _ranks(asked: Asked, rows: Indices, scores: Floats) -> Indices:
    at, target = np.arange(len(rows)), asked.target[rows]
    if np.isnan(scores.sum()):
        raise ValueError("a score is not a number")
    own = scores[at, target].copy()
    count = np.diff(asked.had_start)[rows]
    shift = asked.had_start[rows] - np.concatenate([[0], np.cumsum(count)[:-1]])
    place = np.repeat(shift, count) + np.arange(count.sum())
    scores[np.repeat(at, count), asked.had[place]] = -np.inf
    scores[at, target] = own  # a candidate even if the user had it before
    return np.asarray(np.count_nonzero(scores >= own[:, None], axis=1), np.int64)


def gains(rank: Indices) -> dict[str, Values]:
    """Return measure -> value of each user (p,)."""
    within = rank <= AT
    return {
        "hr": within.astype(np.float64),
        "ndcg": np.where(within, 1.0 / np.log2(1.0 + rank), 0.0),
        "mrr": 1.0 / rank,
    }


def judge(seeds: list[Indices], *, seed: int = 7) -> dict[str, Estimate]:
    """Return measure -> mean over seeds of a model and its 95 % interval, from the ranks (p,) of each seed.

    Users are drawn with replacement, the same ones for every model and seed.
    """
    return {name: estimate(*_drawn(seeds, name, seed)) for name in MEASURES}


def ahead(first: list[Indices], second: list[Indices], measure: str = "ndcg", *, seed: int = 7) -> Estimate:
    """Return by how much the first model's mean over seeds is above the second's; each draw has the same users."""
    own, other = (_drawn(seeds, measure, seed) for seeds in (first, second))
    means = [([float(np.mean(values))], [np.mean(drawn, axis=0)]) for values, drawn in (own, other)]
    return difference(means[0], means[1])


def _drawn(seeds: list[Indices], measure: str, seed: int) -> tuple[list[float], list[Values]]:
    """Return a measure of each seed, and its REPLICATES with users drawn with replacement."""
    values = np.stack([gains(rank)[measure] for rank in seeds])  # (seeds, p)
    drawn = np.concatenate([weights @ values.T for weights in draws(values.shape[1], REPLICATES, seed=seed)])
    return values.mean(axis=1).tolist(), list(drawn.T / values.shape[1])
