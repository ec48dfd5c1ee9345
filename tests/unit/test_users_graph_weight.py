"""The weight of the graph in both ways: pasts without what came later, who is asked about, which weight is chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from audience_graph.audience.fusion import GRAPH_WEIGHT
from audience_graph.audience.weighing import Weighing, weighing
from audience_graph.errors import ConfigError
from audience_graph.user_text.graph_weight import GraphWeight
from audience_trainers.users.entity_text import EntityText, EntityTextConfig
from audience_trainers.users.fit import TrainedUsers
from audience_trainers.users.graph_weight.demands import LEAST_POSITIVES, demands_at
from audience_trainers.users.graph_weight.fit import Graph, Held, fit_weight, windows_of
from audience_trainers.users.graph_weight.judge import GRID, Judged, choose, judge
from audience_trainers.users.graph_weight.pasts import preferences_at, read_mentions
from audience_trainers.users.graph_weight.unseen import turn_onto, unseen, without
from audience_trainers.users.histories import read_histories
from audience_trainers.users.inputs import Known
from audience_trainers.users.pairs.windows import DAY, WindowConfig
from audience_trainers.users.source import open_folder
from users.folders import event, seconds, write_folder

ENTITIES = {"e1": "green tea", "e2": "spa", "e3": "tents"}
IDS = ("ann", "bob")
EVENTS = [
    event("ann", 1, "search", text="green tea"),
    event("ann", 5, "visit", text="a spa", entity_ids=["e2", "e1"]),
    event("ann", 8, "visit", items=["tents"]),
    event("bob", 9, "visit", text="nothing known"),
    event("cat", 1, "visit", text="green tea"),
]
VECTORS = np.array([[1.0, 0.0], [0.0, 1.0], [3.0, 3.0]], np.float32)
HAS = np.array([True, True, False])


def mentions(folder, events=EVENTS, users=IDS):
    with open_folder(write_folder(folder, events, entities=ENTITIES)) as source:
        return read_mentions(source, users)


def test_mentions_are_those_of_the_users_asked_for(tmp_path):
    found = mentions(tmp_path)
    assert found.user.tolist() == [0, 0, 0, 0]
    assert found.entity.tolist() == [0, 0, 1, 2]
    assert found.time.tolist() == [seconds(t) for t in (1, 5, 5, 8)]
    assert [found.channels[c] for c in found.channel] == ["search", "visit", "visit", "visit"]


def test_preferences_are_means_over_the_window_before_the_moment(tmp_path):
    found = mentions(tmp_path / "a")
    who, rows = preferences_at(found, VECTORS, HAS, at=seconds(9), days=30)
    assert who.tolist() == [0]  # bob names nothing
    assert rows.tolist() == np.array([[2 / 3, 1 / 3]], np.float16).astype(float).tolist()  # e3 has no vector
    _, later = preferences_at(found, VECTORS, HAS, at=seconds(9), days=5)
    assert later.tolist() == [[0.5, 0.5]]  # the search is too old
    assert len(preferences_at(found, VECTORS, HAS, at=seconds(1), days=30)[0]) == 0  # an event of t1 itself is future
    more = mentions(tmp_path / "b", [*EVENTS, event("ann", 9, entity_ids=["e2"]), event("bob", 9.5, text="spa")])
    assert preferences_at(more, VECTORS, HAS, at=seconds(9), days=30)[1].tolist() == rows.tolist()


def test_a_demand_asks_about_newcomers_only(tmp_path):
    new = [f"n{i}" for i in range(LEAST_POSITIVES)]
    users = tuple(sorted([*new, "old", "other", "ghost"]))
    events = [event(u, 1, text="spa") for u in [*new, "other"]]
    events += [event("old", 1, text="green tea"), event("old", 12, text="green tea")]
    events += [event(u, 12, "app_search", text="green tea") for u in [*new, "ghost"]]
    events += [event(new[0], 12, "order", text="tents"), event(new[0], 25, text="spa")]
    found = mentions(tmp_path, events, users)
    there = np.array([u != "ghost" for u in users])  # nobody knew of the ghost at t1
    names = tuple(ENTITIES.values())
    (one,) = demands_at(found, names, there, at=seconds(10), end=seconds(20), most=9, seed=1)
    assert [u for u, yes in zip(users, one.positive, strict=True) if yes] == new
    assert [u for u, yes in zip(users, one.eligible, strict=True) if yes] == [*new, "other"]
    assert "green tea" in one.sentence
    assert "search" in one.sentence or "look" in one.sentence or "ask" in one.sentence
    assert demands_at(found, names, there, at=seconds(10), end=seconds(20), most=0, seed=1) == []


def sides(signal: str, seed: int, users: int = 200):
    """A side that knows who will, and one that does not."""
    rng = np.random.default_rng(seed)
    positive = rng.random(users) < 0.05
    knows = positive + rng.normal(0, 0.4, users)
    blind = rng.normal(size=users)
    keys = np.arange(users)
    graph, sentence = (knows, blind) if signal == "graph" else (blind, knows)
    return (keys, graph), (keys, sentence), positive, np.ones(users, bool)


def judged(signal: str, sentences: int = 60) -> list[Judged]:
    asked = [(e, *sides(signal, e)) for e in range(sentences)]
    return [Judged(e, int(y.sum()), *judge(graph, said, y, everyone)) for e, graph, said, y, everyone in asked]


def test_the_side_that_knows_gets_the_weight():
    for signal, wanted in (("graph", 1.0), ("sentence", 0.0)):
        found = judged(signal)
        graph, sentence = np.mean([one.graph_auc for one in found]), np.mean([one.sentence_auc for one in found])
        assert (graph > 0.9 > 0.6 > sentence) if signal == "graph" else (sentence > 0.9 > 0.6 > graph)
        choice = choose(found)
        assert abs(choice.weight - wanted) <= 0.2
        assert [point.weight for point in choice.grid] == list(GRID)
        assert all(point.low <= point.lift <= point.high for point in choice.grid)
        mean = np.mean([one.lift for one in found], axis=0)
        assert [point.lift for point in choice.grid] == pytest.approx(mean.round(4))
        assert choose(found) == choice


def test_what_cannot_be_told_apart_stays_at_the_default():
    same = [Judged(e, 5, np.full(len(GRID), 4.0), 0.7, 0.7) for e in range(40)]
    assert choose(same).weight == GRAPH_WEIGHT
    noisy = [replace(one, lift=np.random.default_rng(one.entity).normal(4, 2, len(GRID))) for one in same]
    assert choose(noisy).weight == GRAPH_WEIGHT
    clear = [replace(one, lift=np.array([w == 0.2 for w in GRID], float) + 4) for one in same]
    assert choose(clear).weight == 0.2


def test_a_user_without_a_vector_on_a_side_ranks_last_there():
    keys = np.arange(3)
    lifts, graph, sentence = judge(
        (keys[:2], np.array([0.1, 0.2])), (keys, np.array([0.3, 0.2, 0.1])), keys == 2, np.ones(3, bool)
    )
    assert (graph, sentence) == (0.0, 0.0)
    assert lifts.tolist() == [0.0] * len(GRID)


def test_vectors_learned_anew_are_turned_onto_the_stored_ones():
    rng = np.random.default_rng(2)
    stored = {f"e{i}": v / np.linalg.norm(v) for i, v in enumerate(rng.normal(size=(30, 4)).astype(np.float32))}
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0].astype(np.float32)
    found = turn_onto({i: v @ turn for i, v in stored.items()} | {"new": np.ones(4, np.float32)}, stored)
    assert all(np.allclose(found[i], stored[i], atol=1e-5) for i in stored)
    assert np.linalg.norm(found["new"]) == pytest.approx(2.0, abs=1e-5)
    assert turn_onto({"x": np.ones(4, np.float32)}, {}) == {}


def test_without_leaves_all_events_of_the_others(tmp_path):
    with open_folder(write_folder(tmp_path, EVENTS, entities=ENTITIES)) as source:
        histories = read_histories(source)
    left = without(histories, np.array([0]))
    assert left.user_ids == histories.user_ids
    assert np.diff(left.start).tolist() == [0, 1, 1]
    assert [left.texts[i] for i in left.text] == ["nothing known", "green tea"]


def test_texts_do_not_know_the_users_held_out(tmp_path):
    names = {f"e{i:02d}": f"thing number{i}" for i in range(30)}
    rows = np.random.default_rng(5).normal(size=(30, 4)).astype(np.float32)
    stored = dict(zip(names, rows / np.linalg.norm(rows, axis=1, keepdims=True), strict=True))

    def learned(folder, held, others):
        events = []
        for user, seed in (("held", held), *((f"u{i}", others + i) for i in range(40))):
            met = np.random.default_rng(seed).choice(list(names.values()), 30)
            events += [event(user, 1 + n / 100, text=text) for n, text in enumerate(met)]
        with open_folder(write_folder(folder, events, entities=names)) as source:
            histories = read_histories(source)
            texts = EntityText(lambda t: np.zeros((len(t), 1), np.float32), source.dictionary, stored, 4, 1.0)
        read = np.full((len(histories.texts), 6), 2.0, np.float32)  # words by a reader of their own, entities behind
        known = Known(histories, texts.events(histories.texts), 8, 5, (), events=read)
        found = unseen(TrainedUsers(None, known, texts), np.array([0]), EntityTextConfig(dims=4, epochs=2), seed=1)
        assert found.known.histories is histories
        assert found.known.vectors.tolist() == found.texts.events(histories.texts).tolist()
        assert found.known.events[:, 2:].tolist() == found.known.vectors[:, 1:].tolist()
        assert (found.known.events[:, :2] == 2.0).all()
        return {i: v.tolist() for i, v in found.texts.vectors.items()}

    one = learned(tmp_path / "a", 1, 100)
    assert one == learned(tmp_path / "b", 2, 100)
    assert one != learned(tmp_path / "c", 1, 200)


HELD = Held(WindowConfig(horizon_days=7, step_days=7, validation_share=0.5, test_cuts=0), EntityTextConfig(dims=0), 7)


@dataclass
class Planted:
    """A model that knows nothing: every user and every sentence lie where a hash puts them."""

    known: SimpleNamespace
    texts: SimpleNamespace

    def embed(self, moments):
        return np.stack([np.random.default_rng([int(u), 1]).normal(size=4) for u in moments.user]).astype(np.float32)

    def embed_sentences(self, sentences):
        return np.random.default_rng(3).normal(size=(len(sentences), 4)).astype(np.float32)


def planted(folder, users=160, entities=24):
    """Users like one half of the entities; they met some of it before every cut and meet the rest later."""
    rng = np.random.default_rng(4)
    names = {f"e{i:02d}": f"thing {i}" for i in range(entities)}
    events = []
    for u in range(users):
        liked = [i for i in range(entities) if i % 2 == u % 2]
        for n, i in enumerate(rng.permutation(liked).tolist()):
            events += [event(f"u{u:03d}", 1 + 3.2 * n + float(rng.random()), text="x", entity_ids=[f"e{i:02d}"])]
    return write_folder(folder, events, entities=names)


def graph_that_knows(source, query=True):
    vectors = np.array([[1.0, 0.0] if i % 2 == 0 else [0.0, 1.0] for i in range(len(source.dictionary))], np.float32)

    def asked(sentence):
        return vectors[int(sentence.split("thing ")[1].split()[0].strip("., "))] if query else None

    return Graph("2026-W07-1a2b3c4d", vectors, np.ones(len(vectors), bool), 30, asked)


def test_a_weight_is_fitted_where_sentences_can_be_judged(tmp_path):
    with open_folder(planted(tmp_path)) as source:
        histories = read_histories(source)
        model = Planted(SimpleNamespace(histories=histories), SimpleNamespace(dims=0))
        assert unseen(model, np.array([0]), HELD.entities, seed=7) is model
        cuts = windows_of(model, replace(HELD.windows, step_days=3))
        assert len(cuts) >= 3
        assert all(a - b >= 7 * DAY for a, b in pairwise(cuts))
        found = fit_weight(source, model, HELD, graph_that_knows(source))
        assert found.weight is not None
        assert found.weight > 0.6
        assert found.measured["auc"]["graph"] > 0.7
        assert found.measured["auc"]["sentence"] == pytest.approx(0.5, abs=0.1)
        assert found.sentences == sum(window["sentences"] for window in found.measured["windows"])
        assert found.told == f"fitted on {found.sentences} sentences of {found.windows} windows"
        assert 50 < found.measured["users"] < 110  # the half that was held out
        assert fit_weight(source, model, HELD, graph_that_knows(source)) == found

        none = fit_weight(source, model, HELD, graph_that_knows(source, query=False))
        assert (none.weight, none.sentences, none.told) == (None, 0, "default: nothing to fit on")
        nobody = replace(HELD, windows=replace(HELD.windows, validation_share=0.0))
        assert fit_weight(source, model, nobody, graph_that_knows(source)).weight is None
        late = replace(HELD, windows=replace(HELD.windows, horizon_days=300))
        assert fit_weight(source, model, late, graph_that_knows(source)).told == "default: nothing to fit on"


def test_where_a_weight_comes_from_is_said():
    class Rows:
        def __init__(self, *rows):
            self.found = list(rows)

        def rows(self, query, parameters=None):  # noqa: ARG002
            return self.found

    row = {"space": "s", "version": "v", "weight": 0.3, "sentences": 120, "windows": 2, "measured": {}}
    assert weighing(Rows(row), "s", None) == Weighing(0.3, "fitted on 120 sentences of 2 windows")
    assert weighing(Rows(row), "s", 0.0) == Weighing(0.0, "given")
    few = row | {"weight": None, "sentences": 1, "windows": 1}
    told = "default: 1 sentence of 1 window could be judged, too few to fit on"
    assert weighing(Rows(few), "s", None) == Weighing(GRAPH_WEIGHT, told)
    assert weighing(Rows(), "s", None).told == "default: never fitted for this space"
    assert Weighing(0.6, "given").line() == "weight of the graph 0.6 (given)"
    assert GraphWeight("v", 0.0, 40, 1).told == "fitted on 40 sentences of 1 window"
    with pytest.raises(ConfigError, match="from 0 to 1"):
        weighing(Rows(row), "s", 1.5)
