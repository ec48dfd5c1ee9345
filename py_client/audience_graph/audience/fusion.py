"""Both ways together: the ranking by the graph and the ranking by the sentence, fused by rank, exactly.

Every user of either ranking has a rank on each side, 1 for the best, ties sharing their mean; who has no vector on a
side comes last there, together. With n users the fused score of u is

    s_u = -(w log(rank_graph(u) / n) + (1 - w) log(rank_sentence(u) / n)) / log n,      0 <= s_u <= 1

so only the order on each side counts, never the size of its scores, and the best of a side count most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from audience_graph.errors import ConfigError
from audience_graph.vectors.topk import Floats, Keys

GRAPH_WEIGHT = 0.6  # w where none is given or fitted: the middle of those that serve equally well, see RESULTS.md


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Users by fused score, best first, ties to the smaller key; `graph` and `sentence` are NaN without a vector."""

    keys: Keys
    scores: Floats
    graph: Floats
    sentence: Floats

    def __getitem__(self, rows: Any) -> Fused:
        return Fused(self.keys[rows], self.scores[rows], self.graph[rows], self.sentence[rows])


def fuse(graph: tuple[Keys, Floats], sentence: tuple[Keys, Floats], *, weight: float = GRAPH_WEIGHT) -> Fused:
    """Fuse two sets of (keys, scores), each sorted by key. Raises ConfigError for a weight outside of 0..1."""
    weight = checked_weight(weight)
    keys = np.union1d(graph[0], sentence[0])
    sides = [_spread(keys, *side) for side in (graph, sentence)]
    scores = _fused(ranks(sides[0]), ranks(sides[1]), weight, len(keys))
    order = np.lexsort((keys, -scores))
    return Fused(keys[order], scores[order], sides[0][order], sides[1][order])


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Fused scores (n,) of some users and the two shares that make them up; NaN for who is in neither ranking."""

    scores: Floats
    graph: Floats
    sentence: Floats


def fused_shares(graph: tuple[Keys, Floats], sentence: tuple[Keys, Floats], weight: float, keys: Keys) -> Shares:
    """Return the fused score of users `keys`, and what each side adds to it: `fuse` for a few of all.

    graph = -w log(rank_graph / n) / log n and sentence = -(1 - w) log(rank_sentence / n) / log n; the best of a side
    gets all of that side's weight, the last nothing.
    """
    count = len(np.union1d(graph[0], sentence[0]))
    places, none = [], np.ones(len(keys), np.bool_)
    for own, scores in (graph, sentence):
        at = np.minimum(np.searchsorted(own, keys), max(0, len(own) - 1))
        there = (own[at] == keys) if len(own) else np.zeros(len(keys), np.bool_)
        given = np.where(there, scores[at], -np.inf) if len(own) else np.full(len(keys), -np.inf)
        places.append(_ranks_among(given, np.sort(scores), count))
        none &= ~there
    first, second = (-part * np.log(place / max(1, count)) / _unit(count)
                     for part, place in zip((weight, 1.0 - weight), places, strict=True))  # fmt: skip
    told = (_fused(places[0], places[1], weight, count), first + 0.0, second + 0.0)
    return Shares(*(np.where(none, np.nan, values) for values in told))


def _fused(graph: Floats, sentence: Floats, weight: float, count: int) -> Floats:
    """Return the fused scores of ranks among `count` users."""
    shares = [np.log(side / max(1, count)) for side in (graph, sentence)]
    scores = -(weight * shares[0] + (1.0 - weight) * shares[1]) / _unit(count)
    return np.asarray(np.where(scores > 0, scores, 0.0))  # no negative zero


def _unit(count: int) -> float:
    return float(max(np.log(max(2, count)), 1e-12))


def _ranks_among(given: Floats, ordered: Floats, count: int) -> Floats:
    """Return the rank of scores among `ordered` (ascending) ones and `count - len(ordered)` users without any."""
    right = np.searchsorted(ordered, given, side="right")
    equal = right - np.searchsorted(ordered, given, side="left")
    missing = np.isinf(given)
    above = np.where(missing, len(ordered), len(ordered) - right)
    return np.asarray(above + (np.where(missing, count - len(ordered), equal) + 1) / 2.0)


def checked_weight(weight: float) -> float:
    """Return a weight of the graph. Raises ConfigError for one outside of 0..1."""
    if isinstance(weight, bool) or not 0.0 <= weight <= 1.0:
        raise ConfigError(f"the weight of the graph is a number from 0 to 1, not {weight!r}")
    return weight


def _spread(keys: Keys, own: Keys, scores: Floats) -> Floats:
    found = np.full(len(keys), np.nan)
    found[np.searchsorted(keys, own)] = scores
    return found


def ranks(scores: Floats) -> Floats:
    """Return the rank (n,) of each score, 1 for the largest, equal ones sharing the mean of theirs; NaN come last."""
    given = np.where(np.isnan(scores), -np.inf, scores)
    _, place, count = np.unique(-given, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2.0)[place]
