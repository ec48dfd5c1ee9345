"""Walks step along edges with the probabilities of their papers; decoders and boosting learn what is planted."""

from __future__ import annotations

import numpy as np
import pytest

from audience_trainers.relations.baselines.boosting import fit_boosting
from audience_trainers.relations.baselines.decoder import best_decoder, cosine_decoder, regression_decoder
from audience_trainers.relations.baselines.deepwalk import fit_deepwalk
from audience_trainers.relations.baselines.node2vec import fit_node2vec
from audience_trainers.relations.baselines.walks import WalkPlan, random_walks
from audience_trainers.relations.linkpred.evaluate import validation_auc
from audience_trainers.relations.linkpred.strangers import random_strangers
from audience_trainers.relations.linkpred.task import FitOptions, Training, pair_key

NOTHING = np.zeros((2, 0), np.int64)
# a triangle 0 1 2 with a tail 2 - 3 - 4, a bridge 3 - 1, and 5 on its own
EDGES = np.array([[0, 1, 0, 2, 3, 1], [1, 2, 2, 3, 4, 3]])


@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), (0.25, 2.0), (4.0, 0.5)])
def test_steps_have_the_exact_probabilities(p: float, q: float) -> None:
    graph = Training(6, EDGES, NOTHING, NOTHING).adjacency()
    near = graph.toarray() > 0
    walks = random_walks(graph, WalkPlan(walks=20_000, length=4, p=p, q=q), seed=3)
    assert near[walks[:, :-1], walks[:, 1:]].all()
    assert set(walks[:, 0]) == {0, 1, 2, 3, 4}
    first = np.zeros((6, 6))
    np.add.at(first, (walks[:, 0], walks[:, 1]), 1.0)
    expected = near / np.maximum(near.sum(axis=1, keepdims=True), 1)
    np.testing.assert_allclose((first / np.maximum(first.sum(axis=1, keepdims=True), 1))[:5], expected[:5], atol=0.015)
    counts = np.zeros((6, 6, 6))
    for step in (2, 3):
        np.add.at(counts, (walks[:, step - 2], walks[:, step - 1], walks[:, step]), 1.0)
    for before, here in zip(*np.nonzero(counts.sum(axis=2)), strict=True):
        weight = np.where(near[before], 1.0, 1.0 / q)
        weight[before] = 1.0 / p
        weight *= near[here]
        got = counts[before, here] / counts[before, here].sum()
        np.testing.assert_allclose(got, weight / weight.sum(), atol=0.02, err_msg=f"{before} -> {here}")


def test_walks_repeat_with_their_seed() -> None:
    graph = Training(6, EDGES, NOTHING, NOTHING).adjacency()
    plan = WalkPlan(walks=3, length=5, q=0.5)
    walks = random_walks(graph, plan, seed=1)
    np.testing.assert_array_equal(walks, random_walks(graph, plan, seed=1))
    assert (walks != random_walks(graph, plan, seed=2)).any()
    assert walks.shape == (15, 5)


def groups(n: int = 90, seed: int = 2) -> Training:
    """Three groups, dense inside, with validation pairs."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 3
    u, v = np.triu_indices(n, 1)
    edge = rng.random(len(u)) < np.where(group[u] == group[v], 0.4, 0.02)
    edges = rng.permutation(np.stack([u[edge], v[edge]]), axis=1)
    strangers = rng.permutation(np.stack([u[~edge], v[~edge]]), axis=1)
    return Training(n, edges[:, 60:], edges[:, :60], strangers[:, :60])


def test_strangers_are_new_pairs_each_once() -> None:
    training = groups()
    key = pair_key(random_strangers(training, 2000, seed=1), training.n)
    assert len(np.unique(key)) == 2000
    assert not np.isin(key, pair_key(training.edges, training.n)).any()
    assert not np.isin(key, pair_key(training.valid_positive, training.n)).any()


@pytest.mark.parametrize("fit", [fit_deepwalk, fit_node2vec, fit_boosting])
def test_baselines_find_planted_groups_and_repeat(fit) -> None:  # type: ignore[no-untyped-def]
    training = groups()
    setting = {"q": 0.5, "iterations": 40}
    first, second = (fit(training, setting, FitOptions(seed=4)) for _ in range(2))
    assert validation_auc(first, training) > 0.8
    np.testing.assert_array_equal(first(training.valid_positive), second(training.valid_positive))


def test_the_decoder_is_chosen_on_validation() -> None:
    training = groups()
    group = np.eye(3, dtype=np.float32)[np.arange(training.n) % 3]
    noise = np.random.default_rng(1).normal(size=(training.n, 20)).astype(np.float32)
    vectors = np.concatenate([group, 3.0 * noise], axis=1)
    scores = {
        d: validation_auc(d, training) for d in (cosine_decoder(vectors), regression_decoder(vectors, training, seed=0))
    }
    assert max(scores.values()) - min(scores.values()) > 0.1  # the regression learns which columns matter
    assert validation_auc(best_decoder(vectors, training, seed=0), training) == max(scores.values())
