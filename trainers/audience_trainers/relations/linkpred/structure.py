"""What the graph says of a pair: shared neighbours, walk, degrees, spectrum, smoothed features. Symmetric in u and v.

A feature of a training edge must not see that edge (it would be a direct path, a neighbour, a count in the degree):
`folded_features` splits the edges into folds and computes each fold's features on the graph without it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.relations.linkpred.task import Floats, Pairs, Training, Values
from audience_trainers.relations.topn import pair_products, unit_rows
from audience_trainers.relations.walk import walk_affinity, walk_scores

FEATURE_NAMES = (
    "common_neighbours",  # log(1 + |N(u) & N(v)|)
    "adamic_adar",  # log(1 + sum of 1 / log d_w)
    "resource_allocation",  # log of the sum of 1 / d_w
    "jaccard",
    "walk",  # log (A D^-1 A D^-1 A)_uv
    "walk_affinity",  # the same over sqrt(d_u d_v): an entry of the cubed normalised adjacency
    "degree_min",  # log(1 + d)
    "degree_max",
    "degree_product",
    "spectral_product",  # (Q L Q^T)_uv, the best rank-64 fit of D^-1/2 A D^-1/2
    "spectral_cosine",
    "smoothed_cosine",  # features averaged over two hops; 0 without features
    "feature_cosine",
)
RANK = 64
POWER_STEPS = 8
SMOOTHING_HOPS = 2
FLOOR = 1e-9  # below every walk and share that counts: log stays finite
BLOCK_ENTRIES = 4_000_000


def pair_features(graph: sp.csr_matrix, features: Floats | None, pairs: Pairs) -> Floats:
    """Return the features (p, len(FEATURE_NAMES)) float32 of pairs (2, p), in any order, repeated or not.

    `graph` is a symmetric 0/1 adjacency (n, n) that does not hold the pairs themselves; `features` (n, f) or None.
    """
    u, v = pairs
    degree = np.diff(graph.indptr).astype(np.float64)
    weights = np.stack([np.ones_like(degree), 1.0 / np.log(np.maximum(degree, 2.0)), 1.0 / np.maximum(degree, 1.0)])
    common, adamic, allocation = shared_neighbours(graph, pairs, weights)
    union = degree[u] + degree[v] - common
    walk = walk_of(graph, pairs)
    low, high = np.minimum(degree[u], degree[v]), np.maximum(degree[u], degree[v])
    product, cosine = _spectral(graph, pairs)
    smooth, plain = _feature_cosines(graph, features, pairs)
    columns = [
        np.log1p(common),
        np.log1p(adamic),
        np.log(allocation + FLOOR),
        np.divide(common, union, out=np.zeros(len(u)), where=union > 0),
        np.log(walk + FLOOR),
        np.maximum(walk_affinity(graph, u, v, walk), np.log(FLOOR)),
        np.log1p(low),
        np.log1p(high),
        np.log1p(low) + np.log1p(high),
        product,
        cosine,
        smooth,
        plain,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def folded_features(training: Training, folds: int, seed: int) -> Floats:
    """Return the features (m, len(FEATURE_NAMES)) of every training edge, on the graph without the edge's fold."""
    found = np.zeros((training.edges.shape[1], len(FEATURE_NAMES)), np.float32)
    for fold, graph in graphs_without_folds(training, folds, seed):
        found[fold] = pair_features(graph, training.features, training.edges[:, fold])
    return found


def graphs_without_folds(
    training: Training, folds: int, seed: int
) -> Iterator[tuple[npt.NDArray[np.bool_], sp.csr_matrix]]:
    """Yield (mask (m,) of a fold of the training edges, adjacency without them); every edge is in one fold."""
    fold = fold_of_edges(training.edges.shape[1], folds, seed)
    for k in range(folds):
        yield fold == k, training.adjacency(hidden=fold == k)


def fold_of_edges(edges: int, folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of each edge (m,): folds of equal size, drawn by `seed`."""
    return np.asarray(np.random.default_rng(seed).permutation(edges) % folds)


def shared_neighbours(graph: sp.csr_matrix, pairs: Pairs, weights: Values) -> Values:
    """Return sum of weights[k, w] over the shared neighbours w of each pair: (k, p) of weights (k, n), pairs (2, p)."""
    found = np.zeros((len(weights), pairs.shape[1]))
    length = np.diff(graph.indptr)[pairs].sum(axis=0)
    for first, last in _parts(length, BLOCK_ENTRIES):
        both = graph[pairs[0, first:last]].multiply(graph[pairs[1, first:last]])
        found[:, first:last] = (sp.csr_matrix(both) @ weights.T).T
    return found


def walk_of(graph: sp.csr_matrix, pairs: Pairs) -> Values:
    """Return (A D^-1 A D^-1 A)_uv of pairs (2, p) in any order, shape (p,)."""
    order = np.argsort(pairs[0], kind="stable")
    found = np.empty(pairs.shape[1])
    found[order] = walk_scores(graph, pairs[0][order], pairs[1][order])
    return found


def spectral_vectors(graph: sp.csr_matrix, *, rank: int = RANK, seed: int = 0) -> tuple[Values, Values]:
    """Return (values (r,), vectors (n, r)): the `rank` eigenpairs of D^-1/2 A D^-1/2 of largest |value|, nearly.

    Subspace iteration from a seeded start: same graph, same result, at a few sparse products.
    """
    n = graph.shape[0]
    degree = np.diff(graph.indptr).astype(np.float64)
    scale = sp.diags(np.divide(1.0, np.sqrt(degree), out=np.zeros(n), where=degree > 0))
    normal = (scale @ graph @ scale).tocsr()
    width = min(n, rank + 16)
    basis = np.random.default_rng(seed).standard_normal((n, width))
    for _ in range(POWER_STEPS):
        basis, _ = np.linalg.qr(normal @ (normal @ basis))
    value, turn = np.linalg.eigh(basis.T @ (normal @ basis))
    largest = np.argsort(-np.abs(value), kind="stable")[: min(rank, n)]
    return value[largest], basis @ turn[:, largest]


def smoothed(graph: sp.csr_matrix, features: Floats, hops: int = SMOOTHING_HOPS) -> Floats:
    """Return (D^-1 (A + I))^hops X (n, f): each entity's features averaged with its neighbours', hop by hop."""
    n = graph.shape[0]
    around = (graph + sp.identity(n, format="csr")).tocsr()
    mean = (sp.diags(1.0 / np.asarray(around.sum(axis=1)).ravel()) @ around).astype(np.float32).tocsr()
    for _ in range(hops):
        features = mean @ features
    return features


def _spectral(graph: sp.csr_matrix, pairs: Pairs) -> tuple[Values, Values]:
    value, vectors = spectral_vectors(graph)
    strong = (vectors * np.sqrt(np.abs(value))).astype(np.float32)
    signed = (strong * np.sign(value)).astype(np.float32)
    product = np.zeros(pairs.shape[1])
    for first in range(0, pairs.shape[1], 262_144):
        part = slice(first, first + 262_144)
        product[part] = np.einsum("pd,pd->p", signed[pairs[0, part]], strong[pairs[1, part]])
    return product, pair_products(unit_rows(strong), pairs[0], pairs[1]).astype(np.float64)


def _feature_cosines(graph: sp.csr_matrix, features: Floats | None, pairs: Pairs) -> tuple[Values, Values]:
    if features is None:
        return np.zeros(pairs.shape[1]), np.zeros(pairs.shape[1])
    tables = (unit_rows(smoothed(graph, features)), unit_rows(features))
    block = max(1, BLOCK_ENTRIES // features.shape[1])
    smooth, plain = (pair_products(table, pairs[0], pairs[1], block=block).astype(np.float64) for table in tables)
    return smooth, plain


def _parts(length: npt.NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of consecutive pairs with about `most` entries together."""
    total = np.cumsum(length)
    cuts = np.searchsorted(total, np.arange(most, int(total[-1]) if len(total) else 0, most)) + 1
    edges = np.unique(np.concatenate(([0], cuts, [len(length)])))
    yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
