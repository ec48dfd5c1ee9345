"""Negatives: random pairs and hard ones from the candidate graph, never a true edge (EGL challenge 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audience_graph.errors import RunError
from audience_trainers.relations.linkpred.task import Pairs, pair_key

Keys = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class NegativeSampler:
    """Draws pairs that are not in `known` (sorted keys of true edges): `hard_share` of them from `hard` (2, h).

    `hard` are candidates that are no relation: near by text or behaviour, and not borne out. With no hard candidates
    all negatives are random.
    """

    n: int
    known: Keys
    hard: Pairs
    hard_share: float = 0.5

    def draw(self, count: int, rng: np.random.Generator) -> Pairs:
        """Return `count` pairs (2, count), hard ones first; none is a true edge or a pair of an entity with itself."""
        hard = round(count * self.hard_share) if self.hard.shape[1] else 0
        chosen = self.hard[:, rng.integers(self.hard.shape[1], size=hard)] if hard else np.zeros((2, 0), np.int64)
        return np.concatenate([chosen, self.random(count - hard, rng)], axis=1)

    def random(self, count: int, rng: np.random.Generator) -> Pairs:
        """Return `count` uniform non-edges (2, count).

        Raises RunError when nearly every pair is an edge: there is nothing to tell apart.
        """
        if 2 * len(self.known) > 0.99 * self.n * (self.n - 1):
            raise RunError("nearly every pair of entities is related: there are no negatives to learn from")
        parts: list[Pairs] = []
        missing = count
        while missing > 0:
            pairs = rng.integers(self.n, size=(2, missing + missing // 8 + 8))
            fresh = (pairs[0] != pairs[1]) & ~contains(self.known, pair_key(pairs, self.n))
            parts.append(pairs[:, fresh][:, :missing])
            missing -= parts[-1].shape[1]
        return np.concatenate([np.zeros((2, 0), np.int64), *parts], axis=1)

    def weighted(self, count: int, weight: npt.NDArray[np.float64], rng: np.random.Generator) -> Pairs:
        """Return up to `count` non-edges (2, q), their ends drawn by `weight` (n,); edges that come up are dropped."""
        total = np.cumsum(weight)
        ends = np.minimum(np.searchsorted(total, rng.random((2, count)) * total[-1]), self.n - 1)
        fresh = (ends[0] != ends[1]) & ~contains(self.known, pair_key(ends, self.n))
        return np.asarray(ends[:, fresh])


def negative_sampler(n: int, edges: Pairs, candidates: Pairs, *, hard_share: float) -> NegativeSampler:
    """Return a sampler whose hard pairs are the candidates that are not among `edges` (2, m)."""
    known = np.unique(pair_key(edges, n))
    fresh = (candidates[0] != candidates[1]) & ~contains(known, pair_key(candidates, n))
    return NegativeSampler(n, known, candidates[:, fresh], hard_share)


def contains(keys: Keys, wanted: Keys) -> npt.NDArray[np.bool_]:
    """Return which of `wanted` (p,) are in the sorted `keys`, by binary search."""
    if len(keys) == 0:
        return np.zeros(len(wanted), np.bool_)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.asarray(keys[place] == wanted)
