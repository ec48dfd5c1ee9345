"""Random strangers: pairs that are not among the known relations, each once."""

from __future__ import annotations

import numpy as np

from audience_graph.errors import RunError
from audience_trainers.relations.linkpred.task import Pairs, Training, pair_key


def random_strangers(training: Training, count: int, *, seed: int) -> Pairs:
    """Return `count` pairs (2, count) that are neither training edges nor validation positives.

    Test edges are unknown here, so a few may be among them, as for every model.
    """
    known = np.concatenate([training.edges, training.valid_positive], axis=1)
    return strangers_of(known, training.n, count, seed=seed)


def strangers_of(edges: Pairs, n: int, count: int, *, seed: int) -> Pairs:
    """Return `count` pairs (2, count), u < v, each once, drawn evenly from those that are no edge.

    Raises RunError when there are fewer than that.
    """
    known = np.unique(pair_key(edges, n))
    free = n * (n - 1) // 2 - len(known)
    if count > free:
        raise RunError(f"{count:,} strangers are wanted, but only {free:,} pairs of {n:,} entities are not relations")
    rng = np.random.default_rng(seed)
    found = np.zeros(0, np.int64)
    while len(found) < count:
        drawn = rng.integers(n, size=(2, count + count // 4 + 64))
        key = pair_key(drawn[:, drawn[0] != drawn[1]], n)
        merged = np.concatenate([found, key[~np.isin(key, known)]])
        _, first = np.unique(merged, return_index=True)
        found = merged[np.sort(first)][:count]
    return np.stack([found // n, found % n])
