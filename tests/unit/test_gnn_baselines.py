"""Graph networks of Table II: they learn planted groups, repeat themselves, and agree with dense references."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from torch import Tensor

from audience_trainers.relations.baselines.compgcn import CompGCNLayer, compose
from audience_trainers.relations.baselines.enclosing import Reach, drnl_labels, enclosing_subgraphs, neighbourhoods
from audience_trainers.relations.baselines.gnn_graph import NodeInput, TrainingEdges
from audience_trainers.relations.baselines.gnn_pairs import PairModel
from audience_trainers.relations.baselines.gnn_training import RandomNegatives, link_loss
from audience_trainers.relations.baselines.pagnn import PaGNN
from audience_trainers.relations.baselines.seal import DGCNN, SortPooling
from audience_trainers.relations.linkpred.models import MODELS
from audience_trainers.relations.linkpred.ranking import area_under_curve
from audience_trainers.relations.linkpred.task import FitOptions, Judged, Pairs, Training, pair_key

EPOCHS = {"gae": 15, "vgae": 20, "compgcn": 12, "geniepath": 12, "seal": 6, "pagnn": 8}
NAMES = tuple(EPOCHS)


def planted_groups(*, n: int = 90, groups: int = 3, seed: int = 1, features: bool = True) -> tuple[Training, Judged]:
    """Return a graph of groups and held-out pairs; the features tell the group of every second node only."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % groups
    u, v = np.triu_indices(n, 1)
    edge = rng.random(len(u)) < np.where(group[u] == group[v], 0.4, 0.01)
    edges = rng.permutation(np.flatnonzero(edge))
    strangers = rng.permutation(np.flatnonzero(~edge))
    pairs = np.stack([u, v])
    held = len(edges) // 6
    known = np.eye(groups, dtype=np.float32)[group] * (np.arange(n) % 2)[:, None].astype(np.float32)
    known += rng.normal(0, 0.1, known.shape).astype(np.float32)
    training = Training(
        n=n,
        edges=pairs[:, edges[2 * held :]],
        valid_positive=pairs[:, edges[:held]],
        valid_negative=pairs[:, strangers[:held]],
        features=known if features else None,
    )
    return training, Judged(pairs[:, edges[held : 2 * held]], pairs[:, strangers[held : 2 * held]])


def fit(name: str, training: Training, *, seed: int = 1, **setting: Any) -> Any:
    return MODELS[name].load()(training, {**MODELS[name].grid[0], **setting}, FitOptions(seed=seed))


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_planted_groups(name: str) -> None:
    training, judged = planted_groups()
    before = torch.get_rng_state()
    score = fit(name, training, epochs=EPOCHS[name])
    found = score(judged.pairs())
    assert torch.equal(torch.get_rng_state(), before)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert area_under_curve(found, judged.labels()) > 0.8
    np.testing.assert_allclose(score(judged.pairs()[:, :7]), found[:7], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_scores(name: str) -> None:
    training, judged = planted_groups(n=45)
    first, again, other = (fit(name, training, seed=seed, epochs=2)(judged.pairs()) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", NAMES)
def test_it_works_without_features(name: str) -> None:
    training, judged = planted_groups(features=False)
    score = fit(name, training, epochs=EPOCHS[name])(judged.pairs())
    assert area_under_curve(score, judged.labels()) > 0.75


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_has_one_score_in_both_orders(name: str) -> None:
    training, judged = planted_groups()
    score = fit(name, training, epochs=1)
    pairs = judged.pairs()
    forth, back = score(pairs), score(pairs[::-1].copy())
    if name == "seal":  # which nodes of equal rank SortPooling takes first may depend on their order
        assert np.corrcoef(forth, back)[0, 1] > 0.9
    else:
        np.testing.assert_allclose(forth, back, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_of_the_grid_fits(name: str) -> None:
    training, judged = planted_groups(n=30)
    for setting in MODELS[name].grid[1:]:
        assert np.isfinite(fit(name, training, epochs=1, **setting)(judged.pairs())).all()


def random_graph(n: int, chance: float, seed: int) -> tuple[Training, nx.Graph]:
    graph = nx.gnp_random_graph(n, chance, seed=seed)
    edges = np.array(graph.edges, np.int64).T
    none = np.zeros((2, 0), np.int64)
    return Training(n=n, edges=edges, valid_positive=none, valid_negative=none), graph


@pytest.mark.parametrize("hops", [1, 2])
def test_subgraphs_and_labels_equal_a_brute_force_reference(hops: int) -> None:
    training, graph = random_graph(40, 0.08, seed=3)
    u, v = np.triu_indices(40, 1)
    pairs = np.stack([u, v])[:, ::7].astype(np.int64)
    batch = enclosing_subgraphs(neighbourhoods(training.adjacency()), pairs, Reach(hops=hops, per_hop=40))
    labels = drnl_labels(batch)
    for i, (a, b) in enumerate(pairs.T.tolist()):
        local = np.flatnonzero(batch.pair == i)
        inside = batch.edges[:, batch.pair[batch.edges[0]] == i]
        without = graph.copy()
        without.remove_edges_from([(a, b)])
        near = {a, b}
        for end in (a, b):
            near |= set(nx.single_source_shortest_path_length(without, end, cutoff=hops))
        reference = without.subgraph(near)
        assert sorted(batch.node[local].tolist()) == sorted(near)
        found = {(int(batch.node[s]), int(batch.node[t])) for s, t in inside.T}
        assert found == {pair for s, t in reference.edges for pair in ((s, t), (t, s))}
        assert dict(zip(batch.node[local].tolist(), labels[local].tolist(), strict=True)) == drnl_reference(
            reference, a, b
        )


def drnl_reference(graph: nx.Graph, u: int, v: int) -> dict[int, int]:
    """Label node by node, as the paper's formula reads."""
    from_u = nx.single_source_shortest_path_length(graph.subgraph(set(graph) - {v}), u)
    from_v = nx.single_source_shortest_path_length(graph.subgraph(set(graph) - {u}), v)
    labels = {}
    for node in graph:
        if node in (u, v):
            labels[node] = 1
        elif node not in from_u or node not in from_v:
            labels[node] = 0
        else:
            d = from_u[node] + from_v[node]
            labels[node] = 1 + min(from_u[node], from_v[node]) + (d // 2) * (d // 2 + d % 2 - 1)
    return labels


def test_a_capped_hop_keeps_common_neighbours_first() -> None:
    edges = np.array([(0, i) for i in range(2, 12)] + [(1, i) for i in range(9, 20)]).T
    none = np.zeros((2, 0), np.int64)
    training = Training(n=20, edges=edges, valid_positive=none, valid_negative=none)
    batch = enclosing_subgraphs(neighbourhoods(training.adjacency()), np.array([[0], [1]]), Reach(per_hop=4))
    assert {0, 1, 9, 10, 11} <= set(batch.node.tolist())
    assert len(batch.node) == 2 + 3 + 1 + 1


def test_extraction_in_parts_equals_extraction_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    training, _ = random_graph(30, 0.15, seed=5)
    pairs = RandomNegatives(training, 1).draw(20)
    whole = enclosing_subgraphs(neighbourhoods(training.adjacency()), pairs, Reach(hops=2, per_hop=5))
    monkeypatch.setattr("audience_trainers.relations.baselines.enclosing.TABLE_CELLS", 90)
    parts = enclosing_subgraphs(neighbourhoods(training.adjacency()), pairs, Reach(hops=2, per_hop=5))
    for batch in (whole, parts):
        assert np.array_equal(batch.node[:40], np.concatenate([pairs[0], pairs[1]]))
        assert np.all(np.diff(batch.edges[1]) >= 0)
    assert named(whole.node, whole.pair, whole.edges) == named(parts.node, parts.pair, parts.edges)
    assert sorted(drnl_labels(whole).tolist()) == sorted(drnl_labels(parts).tolist())


def named(node: Pairs, pair: Pairs, edges: Pairs) -> set[tuple[int, int, int]]:
    return {(int(pair[s]), int(node[s]), int(node[t])) for s, t in edges.T}


def pair_model(name: str, training: Training) -> tuple[PairModel, Reach]:
    inputs = NodeInput(training, 8, learned=False)
    if name == "seal":
        return DGCNN(inputs, width=8, k=10, dropout=0.5, device="cpu"), Reach()
    return PaGNN(inputs, width=8, dropout=0.0, device="cpu"), Reach(hops=2, per_hop=4, between=True)


@pytest.mark.parametrize("name", ["seal", "pagnn"])
def test_the_link_that_is_scored_is_not_seen(name: str) -> None:
    training, judged = planted_groups(n=40)
    torch.manual_seed(1)
    model, reach = pair_model(name, training)
    model.eval()
    other_differs = False
    for pair in judged.pairs().T[:10]:
        with_link = np.unique(np.concatenate([training.edges, pair[:, None]], axis=1), axis=1)
        less = with_link[:, pair_key(with_link, 40) != pair_key(pair[:, None], 40)[0]]
        scores = []
        for edges in (with_link, less):
            shown = Training(n=40, edges=edges, valid_positive=judged.positive, valid_negative=judged.negative)
            probe = np.concatenate([pair[:, None], training.edges], axis=1)
            scores.append(model(enclosing_subgraphs(neighbourhoods(shown.adjacency()), probe, reach)).detach())
        assert torch.allclose(scores[0][0], scores[1][0], atol=1e-6)
        other_differs |= not torch.allclose(scores[0], scores[1], atol=1e-6)
    assert other_differs  # for other pairs it is an edge like any


def test_hidden_edges_carry_no_message() -> None:
    training, _ = random_graph(12, 0.4, seed=2)
    edges = TrainingEdges(training, "cpu")
    hidden = np.array([0, 3, 4])
    shown = {tuple(pair) for pair in edges.without(hidden).edge_index.T.tolist()}
    kept = np.delete(training.edges, hidden, axis=1).T.tolist()
    assert shown == {pair for a, b in kept for pair in ((a, b), (b, a))}


def test_gcn_adjacency_equals_the_dense_formula() -> None:
    training, _ = random_graph(9, 0.3, seed=2)
    dense = torch.from_numpy(training.adjacency().toarray()).float() + torch.eye(9)
    root = dense.sum(dim=1).rsqrt()
    found = TrainingEdges(training, "cpu").without([]).gcn_adjacency().to_dense()
    torch.testing.assert_close(found, root[:, None] * dense * root[None, :])


@pytest.mark.parametrize("how", ["sub", "mult", "corr"])
def test_a_compgcn_layer_equals_its_equation(how: str) -> None:
    torch.manual_seed(1)
    training, _ = random_graph(8, 0.5, seed=4)
    kinds = np.arange(training.edges.shape[1]) % 3
    typed = Training(
        n=8,
        edges=training.edges,
        valid_positive=training.valid_positive,
        valid_negative=training.valid_negative,
        provenance=kinds.astype(np.int8),
    )
    layer = CompGCNLayer(6, 5, how)
    h, r = torch.randn(8, 6), torch.randn(7, 6)
    found, relations = layer(h, r, TrainingEdges(typed, "cpu").without([]))
    listed = list(zip(*training.edges.tolist(), kinds.tolist(), strict=True))
    inverse = [(v, u, kind + 3) for u, v, kind in listed]
    expected = []
    for node in range(8):
        total = layer.loop(phi(h[node], r[6], how))
        for edges, transform in ((listed, layer.listed), (inverse, layer.inverse)):
            for u, v, kind in edges:
                if v == node:
                    out, into = sum(e[0] == u for e in edges), sum(e[1] == v for e in edges)
                    total = total + transform(phi(h[u], r[kind], how)) / (out * into) ** 0.5
        expected.append(total / 3 + layer.bias)
    torch.testing.assert_close(found, torch.stack(expected))
    torch.testing.assert_close(relations, layer.relation(r))


def phi(h: Tensor, r: Tensor, how: str) -> Tensor:
    if how == "corr":
        d = len(h)
        return torch.stack([sum(h[i] * r[(k + i) % d] for i in range(d)) for k in range(d)])
    return h - r if how == "sub" else h * r


def test_composition_of_one_row_and_of_many_agree() -> None:
    h, r = torch.randn(3, 5), torch.randn(5)
    torch.testing.assert_close(compose(h, r, "corr")[1], phi(h[1], r, "corr"))


def test_sort_pooling_orders_by_the_last_channel_and_pads_with_zeros() -> None:
    h = torch.tensor([[1.0, 0.3], [2.0, 0.9], [3.0, 0.1], [4.0, 0.5]])
    pooled = SortPooling(2)(h, torch.tensor([0, 0, 0, 1]), 2)
    assert pooled.tolist() == [[h[1].tolist(), h[0].tolist()], [h[3].tolist(), [0.0, 0.0]]]


def test_negatives_are_never_training_edges_and_a_complete_graph_does_not_hang() -> None:
    training, _ = random_graph(30, 0.5, seed=1)
    drawn = RandomNegatives(training, 1).draw(500)
    assert drawn.shape == (2, 500)
    assert not np.isin(pair_key(drawn, 30), pair_key(training.edges, 30)).any()
    complete, _ = random_graph(5, 1.0, seed=1)
    assert RandomNegatives(complete, 1).draw(4).shape[1] == 0


def test_the_loss_is_the_cross_entropy_of_either_side_and_an_empty_side_adds_nothing() -> None:
    positive, negative = torch.tensor([1.0, -2.0]), torch.tensor([0.5])
    expected = -(torch.sigmoid(positive).log().mean() + (1 - torch.sigmoid(negative)).log().mean())
    torch.testing.assert_close(link_loss(positive, negative), expected)
    torch.testing.assert_close(link_loss(positive, negative[:0]), -torch.sigmoid(positive).log().mean())
