"""Walk, nearest neighbours, calibration and thresholds against short references."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp

from audience_graph.errors import RunError
from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.calibrate import fit_logistic, sigmoid
from audience_trainers.relations.candidates import PROVENANCE, Candidates, Retrieval, find_candidates
from audience_trainers.relations.cooccurrence import count_pairs, information
from audience_trainers.relations.linkpred.ranking import area_under_curve
from audience_trainers.relations.metrics import relation_accuracy
from audience_trainers.relations.select import Cut, select_relations, source_thresholds
from audience_trainers.relations.topn import pair_products, top_n, unit_rows
from audience_trainers.relations.vectors import Effort, leading_eigenvectors, preference_vectors
from audience_trainers.relations.walk import walk_affinity, walk_scores


def random_graph(n: int, seed: int, density: float = 0.1) -> sp.csr_matrix:
    half = sp.random(n, n, density, random_state=np.random.default_rng(seed), format="csr")
    return (half + half.T).tocsr()


def dense_walk(graph: sp.csr_matrix) -> np.ndarray:
    a = graph.toarray()
    degree = a.sum(axis=1)
    inverse = np.diag([1.0 / d if d > 0 else 0.0 for d in degree])
    return a @ inverse @ a @ inverse @ a


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("block_bytes", [1, 8 * 60 * 7, 1 << 20])
def test_walk_equals_the_dense_product(seed: int, block_bytes: int) -> None:
    graph = random_graph(60, seed)
    rng = np.random.default_rng(seed)
    pairs = np.unique(rng.integers(0, 60 * 60, 500))
    source, target = pairs // 60, pairs % 60
    found = walk_scores(graph, source, target, block_bytes=block_bytes)
    np.testing.assert_allclose(found, dense_walk(graph)[source, target], rtol=1e-12, atol=1e-15)


def test_walk_affinity_is_the_log_of_the_cubed_normalised_adjacency() -> None:
    graph = random_graph(40, 3)
    source, target = (part.ravel() for part in np.mgrid[:40, :40])
    affinity = walk_affinity(graph, source, target, walk_scores(graph, source, target))
    degree = graph.toarray().sum(axis=1)
    scale = 1 / np.sqrt(np.where(degree > 0, degree, np.inf))
    cube = np.linalg.matrix_power(scale[:, None] * graph.toarray() * scale, 3)
    np.testing.assert_allclose(np.exp(affinity), cube.ravel(), rtol=1e-9, atol=1e-15)
    assert affinity.max() <= 1e-12


def test_walk_between_nothing_is_zero() -> None:
    empty = sp.csr_matrix((4, 4))
    pairs = np.array([0, 1]), np.array([1, 2])
    assert walk_scores(empty, *pairs).tolist() == [0.0, 0.0]
    assert np.isneginf(walk_affinity(empty, *pairs, np.zeros(2))).all()
    assert walk_scores(empty, np.zeros(0, np.int64), np.zeros(0, np.int64)).shape == (0,)


@pytest.mark.parametrize("block_bytes", [1, 4 * 50 * 7, 1 << 20])
def test_top_n_equals_brute_force(block_bytes: int) -> None:
    vectors = unit_rows(np.random.default_rng(0).standard_normal((50, 6)))
    source, target = top_n(vectors, 5, minimum=0.1, block_bytes=block_bytes)
    similar = (vectors @ vectors.T).astype(np.float64)
    np.fill_diagonal(similar, -np.inf)
    expected = [
        (u, int(v)) for u in range(50) for v in np.argsort(-similar[u], kind="stable")[:5] if similar[u, v] > 0.1
    ]
    assert list(zip(source.tolist(), target.tolist(), strict=True)) == expected


def test_top_n_of_entities_never_seen_is_empty() -> None:
    source, target = top_n(np.zeros((3, 4), np.float32), 2)
    assert len(source) == len(target) == 0
    assert len(top_n(np.ones((1, 4), np.float32), 2)[0]) == 0


def test_pair_products_in_blocks() -> None:
    vectors = np.random.default_rng(1).standard_normal((9, 3)).astype(np.float32)
    source, target = np.arange(9), np.arange(9)[::-1]
    expected = [float(vectors[a] @ vectors[b]) for a, b in zip(source, target, strict=True)]
    np.testing.assert_allclose(pair_products(vectors, source, target, block=2), expected, rtol=1e-5)


def brute_counts(sequences: list[list[int]], n: int, window: int) -> np.ndarray:
    counts = np.zeros((n, n))
    for sequence in sequences:
        pairs = {
            (sequence[i], sequence[j])
            for i in range(len(sequence))
            for j in range(len(sequence))
            if 0 < abs(i - j) <= window and sequence[i] != sequence[j]
        }
        for u, v in pairs:
            counts[u, v] += 1
    return counts


def behaviour_of(sequences: list[list[int]], n: int) -> Behaviour:
    start = np.concatenate(([0], np.cumsum([len(s) for s in sequences])))
    return Behaviour(np.array([e for s in sequences for e in s], np.int64), start, n)


@pytest.mark.parametrize("mentions_per_block", [1, 17, 10_000])
def test_pair_counts_equal_brute_force(mentions_per_block: int) -> None:
    rng = np.random.default_rng(4)
    sequences = [rng.integers(0, 12, rng.integers(1, 20)).tolist() for _ in range(30)]
    found = count_pairs(behaviour_of(sequences, 12), window=3, mentions_per_block=mentions_per_block)
    np.testing.assert_array_equal(found.toarray(), brute_counts(sequences, 12, 3))


def test_reach_counts_users_and_halves_share_none() -> None:
    behaviour = behaviour_of([[0, 0, 1], [1], [2, 0]], 4)
    assert behaviour.reach().tolist() == [2, 2, 1, 0]
    even, odd = behaviour.half(0), behaviour.half(1)
    assert even.entity.tolist() == [0, 0, 1, 2, 0]
    assert odd.entity.tolist() == [1]
    assert even.start.tolist() == [0, 3, 5]


def test_information_is_symmetric_and_forgets_chance() -> None:
    sequences = [[0, 1]] * 20 + [[2, 3]] * 20 + [[0, 2]]
    value = information(count_pairs(behaviour_of(sequences, 4), window=2), shift=0.5).toarray()
    np.testing.assert_allclose(value, value.T)
    assert value[0, 1] > 0.3
    assert value[0, 2] == 0.0
    assert value[0, 3] == 0.0


def test_logistic_finds_the_curve_that_made_the_labels() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(0, 2, 20_000)
    y = (rng.random(20_000) < sigmoid(1.5 * x - 0.7)).astype(float)
    curve = fit_logistic(x, y)
    assert abs(curve.slope - 1.5) < 0.1
    assert abs(curve.intercept + 0.7) < 0.1
    assert fit_logistic(x, 1 - y).slope == 0.0
    assert np.isfinite(fit_logistic(x, np.zeros(20_000)).logit(x)).all()


def test_auc_counts_ties_half() -> None:
    assert area_under_curve(np.array([1.0, 2, 3, 4]), np.array([0.0, 0, 1, 1])) == 1.0
    assert area_under_curve(np.array([1.0, 1, 1, 1]), np.array([0.0, 0, 1, 1])) == 0.5
    assert np.isnan(area_under_curve(np.array([1.0]), np.array([1.0])))


CUT = Cut(score=0.5, source_weight=0.5, floor=0.1, best=2)


def test_threshold_moves_half_way_with_the_source() -> None:
    source = np.array([0, 0, 0, 1, 1, 2, 2])
    logit = np.array([3.0, 1.0, -9.0, 0.0, 0.0, -1.0, -3.0])
    eps = source_thresholds(source, logit, 4, CUT)
    # means of the best two: 2, 0, -2; their median is 0; the common cut is 0; entity 3 has no candidates
    np.testing.assert_allclose(eps, [1.0, 0.0, -1.0, 0.0])
    low = source_thresholds(source, logit, 4, Cut(0.5, 4.0, 0.1, best=2))
    assert low[2] == pytest.approx(np.log(0.1 / 0.9))
    assert source_thresholds(source[:0], logit[:0], 2, CUT).tolist() == [0.0, 0.0]


def candidates_of(pairs: list[tuple[int, int]]) -> Candidates:
    source, target = (np.array(side) for side in zip(*pairs, strict=True))
    zero = np.zeros(len(pairs), np.float32)
    return Candidates(source, target, zero, zero, np.zeros(len(pairs), np.int8))


def test_relations_have_positive_margin_rank_and_rounded_score() -> None:
    candidates = candidates_of([(0, 1), (0, 2), (0, 3), (1, 0), (1, 2)])
    logit = np.array([0.5, 2.0, 2.0, -1.0, 0.1])
    relations = select_relations(candidates, logit, np.array([0.5, 0.0, 0.0, 0.0]))
    rows = list(zip(relations.source.tolist(), relations.target.tolist(), relations.rank.tolist(), strict=True))
    assert rows == [(0, 2, 1), (0, 3, 2), (1, 2, 1)]
    assert (relations.margin > 0).all()
    np.testing.assert_allclose(relations.score, np.round(sigmoid(np.array([2.0, 2.0, 0.1])), 6))


def test_confirmed_pairs_are_kept_and_rejected_ones_never_come_back() -> None:
    co = unit_rows(np.array([[1.0, 0], [1, 0.1], [1, 0.2], [-1, 0]]))
    text = np.zeros((4, 2), np.float32)
    retrieval = Retrieval(top_co=2, top_se=2, min_co=0.5, min_se=0.5)
    found = find_candidates(co, text, retrieval, confirmed={(0, 3)}, rejected={(0, 1)})
    pairs = set(zip(found.source.tolist(), found.target.tolist(), strict=True))
    assert (0, 3) in pairs
    assert (0, 1) not in pairs
    assert (1, 0) in pairs
    relations = select_relations(found, np.full(len(found), -5.0), np.zeros(4), confirmed={(0, 3)})
    assert list(zip(relations.source.tolist(), relations.target.tolist(), strict=True)) == [(0, 3)]
    assert relations.margin[0] > 0


def test_candidates_say_which_side_proposed_them() -> None:
    co = unit_rows(np.array([[1.0, 0, 0], [1, 0.1, 0], [0, 0, 1], [0, 1, 0]]))
    text = unit_rows(np.array([[1.0, 0, 0], [1, 0.1, 0], [1, 0, 0.2], [0, 1, 0]]))
    found = find_candidates(co, text, Retrieval(1, 2, 0.5, 0.5))
    kinds = {
        (u, v): PROVENANCE[p]
        for u, v, p in zip(found.source.tolist(), found.target.tolist(), found.provenance.tolist(), strict=True)
    }
    assert kinds[0, 1] == "both"
    assert kinds[0, 2] == "semantic"
    assert not any(3 in pair for pair in kinds)
    only_co = find_candidates(co, np.zeros_like(text), Retrieval(1, 2, 0.5, 0.5))
    assert set(only_co.provenance.tolist()) == {0}


def test_preference_vectors_join_what_belongs_together() -> None:
    blocks = sp.block_diag([np.ones((6, 6)) - np.eye(6)] * 4).tolil()
    for u, v in ((0, 6), (6, 12), (12, 18), (18, 0)):
        blocks[u, v] = blocks[v, u] = 0.2
    graph = sp.csr_matrix(sp.block_diag([blocks, np.zeros((1, 1))]))
    vectors = preference_vectors(graph, dims=8, power=1.0, seed=0)
    products = vectors @ vectors.T
    assert vectors.shape == (25, 8)
    assert np.isfinite(vectors).all()
    assert products[1, 2] > 0.9
    assert products[1, 8] < 0.1
    assert not vectors[24].any()
    np.testing.assert_array_equal(vectors, preference_vectors(graph, dims=8, power=1.0, seed=0))


def long_chain() -> tuple[sp.csr_matrix, npt.NDArray[np.float64]]:
    """Return a matrix whose largest eigenvalues lie close together, and a start vector."""
    graph = sp.diags([np.full(299, 0.5), np.full(299, 0.5)], [-1, 1]).tocsr()
    return graph, np.random.default_rng(0).standard_normal(300)


def test_eigenvectors_that_do_not_converge_are_tried_harder() -> None:
    graph, start = long_chain()
    hard, harder = Effort(restarts=1), Effort(lanczos=35.0)
    value, basis = leading_eigenvectors(graph, 8, start, efforts=(hard, harder))
    np.testing.assert_allclose(value, np.cos(np.pi * np.arange(8, 0, -1) / 301))
    np.testing.assert_allclose(graph @ basis, basis * value, atol=1e-8)


def test_eigenvectors_that_never_converge_are_an_error_with_a_way_out() -> None:
    graph, start = long_chain()
    with pytest.raises(RunError, match="8 eigenvectors of 300 entities") as refused:
        leading_eigenvectors(graph, 8, start, efforts=(Effort(restarts=1),))
    assert refused.value.hint is not None
    assert "--set dims=4" in refused.value.hint


def test_relation_accuracy_divides_by_what_there_is() -> None:
    found = relation_accuracy({(0, 1), (0, 2)}, {(0, 1), (1, 0), (3, 1), (4, 1)})
    assert (found.precision, found.recall, found.found, found.true) == (0.5, 0.25, 2, 4)
    assert relation_accuracy(set(), {(0, 1)}).precision == 0.0
