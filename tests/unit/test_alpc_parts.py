"""The parts of ALPC: losses by hand, scoring symmetric, negatives and neighbours drawn as promised."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from audience_graph.errors import ConfigError, RunError
from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.inputs import text_inputs, walk_vectors
from audience_trainers.relations.alpc.losses.contrast import info_nce
from audience_trainers.relations.alpc.losses.prediction import prediction_loss
from audience_trainers.relations.alpc.losses.threshold import threshold_loss
from audience_trainers.relations.alpc.negatives import contains, negative_sampler
from audience_trainers.relations.alpc.sampler import message_graph, sample_blocks
from audience_trainers.relations.alpc.scoring import MLP, Bilinear, InnerProduct
from audience_trainers.relations.linkpred.task import Training, pair_key


def test_prediction_loss_is_the_weighted_cross_entropy() -> None:
    s, y = torch.tensor([0.0, 2.0, -1.0]), torch.tensor([1.0, 0.0, 0.0])
    each = [math.log(2), math.log(1 + math.exp(2)), math.log(1 + math.exp(-1))]
    assert prediction_loss(s, y).item() == pytest.approx(sum(each) / 3)
    weight = torch.tensor([5.0, 1.0, 0.0])
    assert prediction_loss(s, y, weight).item() == pytest.approx((5 * each[0] + each[1]) / 6)


def test_the_threshold_moves_between_a_sources_pairs() -> None:
    s, y = torch.tensor([3.0, 1.0]), torch.tensor([1.0, 0.0])
    eps = torch.zeros(2, requires_grad=True)
    for _ in range(200):
        loss = threshold_loss(s, eps[:1].expand(2), y)
        (gradient,) = torch.autograd.grad(loss, eps)
        eps = (eps - gradient).detach().requires_grad_()
    assert eps[0].item() == pytest.approx(2.0, abs=0.01)  # half way: both margins have the sign of their label
    assert threshold_loss(s, eps[:1].expand(2), y) < threshold_loss(s, torch.zeros(2), y)


def test_info_nce_has_the_positive_in_its_denominator() -> None:
    z, plus = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 1.0], [0.0, 3.0]])
    logits = (z @ plus.T / 0.5).numpy()
    by_hand = [-math.log(math.exp(logits[i, i]) / np.exp(logits[i]).sum()) for i in range(2)]
    assert info_nce(z, plus, temperature=0.5).item() == pytest.approx(sum(by_hand) / 2, rel=1e-4)
    assert info_nce(z, plus, temperature=0.5).item() >= 0
    assert info_nce(plus, plus, temperature=0.5) < info_nce(plus, plus.flip(0), temperature=0.5)  # closer is better


def test_info_nce_leaves_known_relations_out_and_takes_slices() -> None:
    torch.manual_seed(1)
    z, plus = torch.randn(4, 3), torch.randn(4, 3)
    known = torch.zeros(4, 4, dtype=torch.bool)
    known[0, 2] = known[1, 1] = True  # a pair's own positive stays even when it is marked
    logits = z @ plus.T
    row = torch.logsumexp(logits[0, [0, 1, 3]], dim=0) - logits[0, 0]
    rest = [torch.logsumexp(logits[i], dim=0) - logits[i, i] for i in (1, 2, 3)]
    whole = info_nce(z, plus, temperature=1.0, known=known)
    torch.testing.assert_close(whole, torch.stack([row, *rest]).mean())
    halves = [
        info_nce(z[part], plus, temperature=1.0, place=torch.tensor(part), known=known[part]) / 2
        for part in ([0, 2], [1, 3])
    ]
    torch.testing.assert_close(sum(halves), whole)


@pytest.mark.parametrize("scoring", [InnerProduct(4), Bilinear(4), MLP(4, hidden=6)])
def test_scores_are_symmetric(scoring: torch.nn.Module) -> None:
    torch.manual_seed(1)
    for parameter in scoring.parameters():
        torch.nn.init.normal_(parameter)
    u, v = torch.randn(5, 4), torch.randn(5, 4)
    assert scoring(u, v).shape == (5,)
    torch.testing.assert_close(scoring(u, v), scoring(v, u))


def test_negatives_are_never_edges_and_hard_ones_come_from_the_candidates() -> None:
    rng = np.random.default_rng(1)
    u, v = np.triu_indices(12, 1)
    edge = rng.random(len(u)) < 0.5
    edges, rest = np.stack([u[edge], v[edge]]), np.stack([u[~edge], v[~edge]])
    candidates = np.concatenate([edges[::-1, :10], rest[:, :5], np.array([[3], [3]])], axis=1)
    sampler = negative_sampler(12, edges, candidates, hard_share=0.4)
    drawn, known = sampler.draw(100, rng), set(pair_key(edges, 12).tolist())
    assert drawn.shape == (2, 100)
    assert known.isdisjoint(pair_key(drawn, 12).tolist())
    assert np.all(drawn[0] != drawn[1])
    assert set(map(tuple, drawn[:, :40].T.tolist())) <= set(map(tuple, rest[:, :5].T.tolist()))
    assert len(set(map(tuple, drawn[:, 40:].T.tolist()))) > 20


def test_a_complete_graph_has_no_negatives() -> None:
    edges = np.stack(np.triu_indices(6, 1))
    with pytest.raises(RunError, match="no negatives"):
        negative_sampler(6, edges, edges, hard_share=0.5).draw(3, np.random.default_rng(1))


def test_contains_is_membership() -> None:
    keys = np.array([2, 5, 9])
    assert contains(keys, np.array([1, 2, 9, 10])).tolist() == [False, True, True, False]
    assert contains(keys[:0], np.array([1])).tolist() == [False]


def test_drawn_neighbours_are_neighbours_evenly_drawn_and_never_hidden() -> None:
    edges = np.array([[0] * 9 + [1], [*range(1, 10), 2]])
    graph = message_graph(11, edges)
    hidden = np.zeros(10, np.bool_)
    hidden[3] = True  # 0 - 4
    rng = np.random.default_rng(1)
    seen = np.zeros(11)
    for _ in range(400):
        near, node = graph.sample(np.array([0, 1, 10]), 3, rng, hidden)
        assert set(near[node == 1]) == {0, 2}  # as many as the fan-out or fewer: all of them
        assert 10 not in node
        assert len(set(near[node == 0])) == (node == 0).sum() <= 3
        np.add.at(seen, near[node == 0], 1)
    assert seen[4] == 0
    others = seen[[1, 2, 3, 5, 6, 7, 8, 9]]
    assert others.min() > 0.8 * others.mean()
    assert others.max() < 1.2 * others.mean()


def test_blocks_lead_to_the_seeds() -> None:
    edges = np.array([[0, 1, 2, 3, 0], [1, 2, 3, 4, 5]])
    graph = message_graph(7, edges)
    blocks = sample_blocks(graph, np.array([4, 6, 4]), (10, 10), np.random.default_rng(1))
    assert blocks.nodes[:2].tolist() == [4, 6]  # the seeds first, each once
    named = [{(int(blocks.nodes[j]), int(blocks.nodes[i])) for j, i in hop.T} for hop in blocks.hops]
    assert named[1] == {(3, 4)}
    assert named[0] == {(3, 4), (2, 3), (4, 3)}
    assert set(blocks.nodes.tolist()) == {4, 6, 3, 2}


def test_walk_vectors_estimate_co_occurrence_and_compare_across_graphs() -> None:
    rng = np.random.default_rng(1)
    u, v = np.triu_indices(40, 1)
    edge = rng.random(len(u)) < np.where(u % 2 == v % 2, 0.4, 0.05)
    edges = np.stack([u[edge], v[edge]])
    training = Training(41, edges, edges[:, :1], edges[:, :1])
    whole = walk_vectors(training.adjacency(), dims=512, hops=2, seed=3)
    again = walk_vectors(training.adjacency(), dims=512, hops=2, seed=3)
    hidden = np.zeros(edges.shape[1], np.bool_)
    hidden[0] = True
    partly = walk_vectors(training.adjacency(hidden), dims=512, hops=2, seed=3)
    assert np.array_equal(whole, again)
    assert not whole[40].any()
    two = whole[:40, 512:] / np.linalg.norm(whole[:40, 512:], axis=1, keepdims=True)
    cosine = two @ two.T
    same = (np.arange(40)[:, None] % 2) == (np.arange(40)[None, :] % 2)
    np.fill_diagonal(same, False)
    assert cosine[same].mean() > cosine[~same].mean() + 0.2
    away = (partly * whole).sum(axis=1)[:40] / np.linalg.norm(partly[:40], axis=1) / np.linalg.norm(whole[:40], axis=1)
    assert away.min() > 0.7  # one hidden edge changes little: the spaces are comparable


def test_text_inputs_read_a_bag_of_words_by_rarity() -> None:
    rng = np.random.default_rng(1)
    bag = (rng.random((30, 50)) < 0.1).astype(np.float32)
    bag[:, 0] = 1.0
    found = text_inputs(bag, 30, 8)
    assert found.shape == (30, 8)
    assert float(found.std()) == pytest.approx(1.0, rel=1e-4)
    assert text_inputs(None, 30, 8).shape == (30, 0)
    assert text_inputs(rng.normal(size=(30, 4)).astype(np.float32), 30, 8).shape == (30, 4)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"dims": 0}, "dims"),
        ({"scoring": "cosine"}, "inner or bilinear or mlp"),
        ({"hard_share": 1.5}, "hard_share"),
        ({"use_z": False}, "use_z"),
        ({"structure": True, "scoring": "bilinear"}, "structure joins mlp or inner"),
        ({"temperature": 0.0}, "temperature"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        AlpcConfig(**setting)  # type: ignore[arg-type]
