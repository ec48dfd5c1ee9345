"""Random strangers: pairs that are no training edge, each once, none a validation positive."""

from __future__ import annotations

import numpy as np

from audience_graph.errors import RunError
from audience_trainers.relations.linkpred.task import Pairs, Training, pair_key


def random_strangers(training: Training, count: int, *, seed: int) -> Pairs:
    """Return `count` pairs (2, count), u != v, drawn evenly from those that are not known to be edges.

    Test edges are unknown here, so a few may be among them, as for every model. Raises RunError when the graph has
    fewer strangers than that.
    """
    n = training.n
    known = np.concatenate([pair_key(training.edges, n), pair_key(training.valid_positive, n)])
    known = np.unique(known)
    free = n * (n - 1) // 2 - len(known)
    if count > free:
        raise RunError(f"{count:,} strangers are wanted, but only {free:,} pairs of {n:,} entities are not relations")
    rng = np.random.default_rng(seed)
    found = np.zeros(0, np.int64)
    while len(found) < count:
        drawn = rng.integers(n, size=(2, count + count // 4 + 64))
        key = pair_key(drawn[:, drawn[0] != drawn[1]], n)
        key = key[~np.isin(key, known)]
        merged = np.concatenate([found, key])
        _, first = np.unique(merged, return_index=True)
        found = merged[np.sort(first)][:count]
    return np.stack([found // n, found % n])
