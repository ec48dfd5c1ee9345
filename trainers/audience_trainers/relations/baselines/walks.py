"""Random walks over a graph, all at once: first order (DeepWalk) and second order (node2vec)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WalkPlan:
    """How to walk: `walks` from every entity that has a neighbour, of `length` entities each.

    `p` and `q` are node2vec's: going back weighs 1 / p, staying near the previous entity 1, going on 1 / q. With
    p = q = 1 walks are first order.
    """

    walks: int = 10
    length: int = 40
    p: float = 1.0
    q: float = 1.0


def random_walks(graph: sp.csr_matrix, plan: WalkPlan, *, seed: int) -> Ints:
    """Return walks (w, length), shuffled; every step goes to a neighbour in the 0/1 adjacency `graph` (n, n)."""
    rng = np.random.default_rng(seed)
    graph = graph.sorted_indices()
    start = np.flatnonzero(np.diff(graph.indptr) > 0)
    walks = np.empty((plan.walks * len(start), plan.length), np.int64)
    walks[:, 0] = rng.permutation(np.tile(start, plan.walks))
    first_order = plan.p == plan.q == 1.0
    keys = None if first_order else _edge_keys(graph)
    for step in range(1, plan.length):
        here = walks[:, step - 1]
        if step == 1 or keys is None:
            walks[:, step] = _neighbour(graph, here, rng)
        else:
            walks[:, step] = _second_order(graph, keys, (walks[:, step - 2], here), plan, rng)
    return walks


def _neighbour(graph: sp.csr_matrix, here: Ints, rng: np.random.Generator) -> Ints:
    """Return a neighbour of each entity, evenly drawn."""
    degree = np.diff(graph.indptr)[here]
    place = graph.indptr[here] + (rng.random(len(here)) * degree).astype(np.int64)
    return np.asarray(graph.indices[place], dtype=np.int64)


def _second_order(
    graph: sp.csr_matrix, keys: Ints, last: tuple[Ints, Ints], plan: WalkPlan, rng: np.random.Generator
) -> Ints:
    """Draw evenly and keep with probability weight / largest weight, until every walk has a step (rejection)."""
    before, here = last
    n = graph.shape[0]
    back, away = 1.0 / plan.p, 1.0 / plan.q
    largest = max(back, away, 1.0)
    step = np.empty(len(here), np.int64)
    open_walks = np.arange(len(here))
    while len(open_walks):
        drawn = _neighbour(graph, here[open_walks], rng)
        previous = before[open_walks]
        key = previous * n + drawn
        place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        weight = np.where(drawn == previous, back, np.where(keys[place] == key, 1.0, away))
        taken = rng.random(len(drawn)) * largest < weight
        step[open_walks[taken]] = drawn[taken]
        open_walks = open_walks[~taken]
    return step


def _edge_keys(graph: sp.csr_matrix) -> Ints:
    """Return u * n + v of every entry, ascending."""
    rows = np.repeat(np.arange(graph.shape[0], dtype=np.int64), np.diff(graph.indptr))
    return np.asarray(rows * graph.shape[0] + graph.indices)
