"""Pair features and heuristics against dense sums; folds never see themselves."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from audience_trainers.relations.linkpred import structure
from audience_trainers.relations.linkpred.models import choose_models
from audience_trainers.relations.linkpred.structure import (
    FEATURE_NAMES,
    FLOOR,
    fold_of_edges,
    folded_features,
    graphs_without_folds,
    pair_features,
    spectral_vectors,
)
from audience_trainers.relations.linkpred.task import FitOptions, Training

NOTHING = np.zeros((2, 0), np.int64)


def world(n: int = 40, seed: int = 3) -> Training:
    rng = np.random.default_rng(seed)
    u, v = np.triu_indices(n - 1, 1)  # the last node is isolated
    kept = rng.random(len(u)) < 0.15
    features = rng.random((n, 5)).astype(np.float32)
    return Training(n, np.stack([u[kept], v[kept]]), NOTHING, NOTHING, features=features)


def every_pair(n: int) -> np.ndarray:
    return np.stack(np.divmod(np.arange(n * n), n))


def dense(training: Training) -> dict[str, np.ndarray]:
    """Every measure of every pair (n * n,) by loops and dense products."""
    n = training.n
    a = np.zeros((n, n))
    a[training.edges[0], training.edges[1]] = a[training.edges[1], training.edges[0]] = 1.0
    near = [set(np.flatnonzero(row)) for row in a]
    degree = a.sum(axis=1)
    pairs = [(u, v, near[u] & near[v]) for u in range(n) for v in range(n)]
    inverse = np.divide(1.0, degree, out=np.zeros(n), where=degree > 0)
    around = a + np.eye(n)
    mean = around / around.sum(axis=1, keepdims=True)
    smooth = mean @ mean @ training.features
    cosine = lambda x: ((x @ x.T) / np.outer(*[np.linalg.norm(x, axis=1)] * 2)).ravel()  # noqa: E731
    return {
        "common_neighbours": np.array([len(w) for _, _, w in pairs], float),
        "adamic_adar": np.array([sum(1 / np.log(degree[i]) for i in w if degree[i] > 1) for u, v, w in pairs]),
        "resource_allocation": np.array([sum(1 / degree[i] for i in w) for _, _, w in pairs]),
        "jaccard": np.array([len(w) / max(len(near[u] | near[v]), 1) for u, v, w in pairs]),
        "preferential_attachment": np.outer(degree, degree).ravel(),
        "walk": (a @ np.diag(inverse) @ a @ np.diag(inverse) @ a).ravel(),
        "smoothed_cosine": cosine(smooth),
        "feature_cosine": cosine(training.features),
    }


HEURISTICS = [
    "common_neighbours",
    "adamic_adar",
    "resource_allocation",
    "jaccard",
    "preferential_attachment",
    "walk",
]


@pytest.mark.parametrize("name", HEURISTICS)
def test_heuristics_equal_dense_sums(name: str) -> None:
    training = world()
    expected = dense(training)
    pairs = every_pair(training.n)
    other = pairs[0] != pairs[1]
    found = choose_models(name)[name].load()(training, {}, FitOptions(seed=0))(pairs)
    np.testing.assert_allclose(found[other], expected[name][other], atol=1e-12)


def test_pair_features_equal_dense_sums_and_are_symmetric() -> None:
    training = world()
    pairs = every_pair(training.n)
    other = pairs[0] != pairs[1]
    found = pair_features(training.adjacency(), training.features, pairs)
    assert found.shape == (training.n**2, len(FEATURE_NAMES))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    column = dict(zip(FEATURE_NAMES, found.T, strict=True))
    expected = dense(training)
    for name in ("jaccard", "smoothed_cosine", "feature_cosine"):
        np.testing.assert_allclose(column[name][other], expected[name][other], atol=1e-5)
    for name in ("common_neighbours", "adamic_adar"):
        np.testing.assert_allclose(column[name], np.log1p(expected[name]), atol=1e-5)
    for name in ("resource_allocation", "walk"):
        np.testing.assert_allclose(column[name], np.log(expected[name] + FLOOR), atol=1e-5)
    back = pair_features(training.adjacency(), training.features, pairs[::-1])
    np.testing.assert_allclose(found, back, atol=1e-5)
    without = pair_features(training.adjacency(), None, pairs)
    assert not without[:, [FEATURE_NAMES.index("smoothed_cosine"), FEATURE_NAMES.index("feature_cosine")]].any()


def test_blocks_do_not_change_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    training = world()
    pairs = np.random.default_rng(1).integers(0, training.n, (2, 500))
    whole = pair_features(training.adjacency(), training.features, pairs)
    monkeypatch.setattr(structure, "BLOCK_ENTRIES", 37)
    np.testing.assert_allclose(pair_features(training.adjacency(), training.features, pairs), whole, atol=1e-6)


def test_spectral_vectors_are_the_leading_eigenpairs() -> None:
    rng = np.random.default_rng(2)
    group = np.arange(60) % 3
    u, v = np.triu_indices(60, 1)
    kept = rng.random(len(u)) < np.where(group[u] == group[v], 0.7, 0.02)
    graph = Training(60, np.stack([u[kept], v[kept]]), NOTHING, NOTHING).adjacency()
    value, vectors = spectral_vectors(graph, rank=3)
    degree = np.asarray(graph.sum(axis=1)).ravel()
    normal = sp.diags(degree**-0.5) @ graph @ sp.diags(degree**-0.5)
    exact = np.linalg.eigvalsh(normal.toarray())
    np.testing.assert_allclose(value, exact[np.argsort(-np.abs(exact))][:3], atol=1e-6)
    np.testing.assert_allclose(normal @ vectors, vectors * value, atol=1e-5)


def test_every_edge_is_in_one_fold_and_its_graph_is_without_it() -> None:
    training = world()
    seen = np.zeros(training.edges.shape[1], int)
    for fold, graph in graphs_without_folds(training, 4, seed=5):
        seen += fold
        u, v = training.edges[:, fold]
        assert np.asarray(graph[u, v]).sum() == np.asarray(graph[v, u]).sum() == 0
        assert graph.nnz == 2 * int((~fold).sum())
    assert (seen == 1).all()
    assert np.ptp(np.bincount(fold_of_edges(training.edges.shape[1], 4, 5))) <= 1


def test_a_fold_does_not_see_its_own_edges() -> None:
    training = world()
    features = folded_features(training, 4, seed=5)
    for fold, graph in graphs_without_folds(training, 4, seed=5):
        np.testing.assert_array_equal(features[fold], pair_features(graph, training.features, training.edges[:, fold]))
    seeing = pair_features(training.adjacency(), training.features, training.edges)
    assert (features[:, FEATURE_NAMES.index("degree_min")] < seeing[:, FEATURE_NAMES.index("degree_min")]).all()
    # move the other end of one edge: what its fold's other edges know of the rest of the graph stays as it was
    fold = fold_of_edges(training.edges.shape[1], 4, 5)
    mates = np.flatnonzero(fold == fold[0])
    edges = training.edges.copy()
    edges[1, 0] = training.n - 1
    moved = folded_features(Training(training.n, edges, NOTHING, NOTHING, features=training.features), 4, seed=5)
    np.testing.assert_array_equal(moved[mates[1:]], features[mates[1:]])
