"""Hard negatives: non-edges (u, w) whose target lies near the source, by the graph or by the features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_graph.errors import RunError
from audience_trainers.relations.linkpred.task import Pairs, Training, pair_key
from audience_trainers.relations.topn import best_of_rows, top_n, unit_rows

NEAREST = 50  # as many candidates from each side
BLOCK = 512
TRIES = 1_000  # random targets of a source, before all of its strangers are listed


def hard_negatives(training: Training, positive: Pairs, *, known: Pairs, seed: int) -> Pairs:
    """Return one non-edge (u, w) per positive (u, v), shape (2, p): w is drawn from u's nearest strangers.

    Nearest by resource allocation over the training edges, and by cosine of the features, 50 of each. Never an edge
    of `known` (training, validation or test) and never the same pair twice; a source with too few near strangers
    gets random ones, one that has no stranger left the first pair of others that is free. Raises RunError when no pair
    is free: the graph is complete.
    """
    n = training.n
    rng = np.random.default_rng(seed)
    edges = np.unique(pair_key(known, n))
    sources = np.unique(positive[0])
    pairs = near_pairs(training, sources)
    key = pair_key(pairs, n)
    fresh = ~np.isin(key, edges) & (pairs[0] != pairs[1])
    pairs = pairs[:, fresh]
    order = rng.permutation(pairs.shape[1])
    pairs = pairs[:, order][:, np.argsort(pairs[0][order], kind="stable")]
    first, last = np.searchsorted(pairs[0], positive[0]), np.searchsorted(pairs[0], positive[0], side="right")
    used: set[int] = set()
    chosen = np.empty_like(positive)
    place = dict(zip(sources.tolist(), np.searchsorted(pairs[0], sources).tolist(), strict=True))
    for i, u in enumerate(positive[0].tolist()):
        w = -1
        while first[i] <= place[u] < last[i] and w < 0:
            target = int(pairs[1, place[u]])
            place[u] += 1
            if _take(u, target, n, used):
                w = target
        for _ in range(TRIES if w < 0 else 0):
            target = int(rng.integers(n))
            number = min(u, target) * n + max(u, target)
            at = np.searchsorted(edges, number)
            known_edge = at < len(edges) and edges[at] == number
            if target != u and not known_edge and _take(u, target, n, used):
                w = target
                break
        chosen[:, i] = (u, w) if w >= 0 else _stranger_left(u, edges, n, used)
    return chosen


def near_pairs(training: Training, sources: npt.NDArray[np.int64] | None = None) -> Pairs:
    """Return (source, near entity) (2, c): the NEAREST best by resource allocation, and by cosine of the features.

    For the listed sources, or all. Pairs by the graph are no training edges; those by the features may be.
    """
    wanted = np.arange(training.n) if sources is None else sources
    near = [_near_by_graph(training.adjacency(), wanted)]
    if training.features is not None:
        near.append(_near_by_features(training.features, wanted))
    return np.concatenate(near, axis=1)


def _stranger_left(u: int, edges: npt.NDArray[np.int64], n: int, used: set[int]) -> tuple[int, int]:
    """Return the first pair that is free, of `u` if it has one, else of the next entity that has."""
    everyone = np.arange(n)
    for source in (u, *range(n)):
        key = np.minimum(source, everyone) * n + np.maximum(source, everyone)
        free = everyone[(everyone != source) & ~np.isin(key, edges)].tolist()
        target = next((target for target in free if _take(source, target, n, used)), None)
        if target is not None:
            return source, target
    raise RunError("nearly every pair of entities is related: there are too few hard negatives to be judged by")


def _take(u: int, w: int, n: int, used: set[int]) -> bool:
    number = min(u, w) * n + max(u, w)
    if number in used:
        return False
    used.add(number)
    return True


def _near_by_graph(graph: sp.csr_matrix, sources: npt.NDArray[np.int64]) -> Pairs:
    """Return (source, stranger): the NEAREST best by resource allocation among the two-hop neighbours."""
    degree = np.asarray(graph.sum(axis=1)).ravel()
    share = (sp.diags(np.divide(1.0, degree, out=np.zeros(len(degree)), where=degree > 0)) @ graph).tocsr()
    found = []
    for begin in range(0, len(sources), BLOCK):
        rows = sources[begin : begin + BLOCK]
        near = graph[rows]
        strength = (near @ share).toarray()
        strength[np.repeat(np.arange(len(rows)), np.diff(near.indptr)), near.indices] = 0.0
        strength[np.arange(len(rows)), rows] = 0.0
        row, target = best_of_rows(strength, NEAREST, 0.0)
        found.append(np.stack([rows[row], target]))
    return np.concatenate(found, axis=1)


def _near_by_features(features: npt.NDArray[np.float32], sources: npt.NDArray[np.int64]) -> Pairs:
    source, target = top_n(unit_rows(features), NEAREST)
    chosen = np.isin(source, sources)
    return np.stack([source[chosen], target[chosen]])
