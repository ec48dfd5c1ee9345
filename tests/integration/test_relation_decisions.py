"""Decisions about relations on real servers: at once in every door, audited first, the same again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from sent_campaigns import clear, send
from small_world import EVIL, RELATION_TYPE, VERSION, World, build, cypher

from audience_graph.audience.learn.decide import DEFAULT_SCORE, Said, decide, decisions
from audience_graph.audit import read_log
from audience_graph.cli.relation import relation
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import AmbiguousError, ConfigError, NotFoundError, StoreError, StoreUnavailable
from audience_graph.graph.expand import DOORS, Expander
from audience_graph.graph.expansion import ExpandOptions, VersionRef
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store


@pytest.fixture(scope="module")
def world(runner: Neo4jRunner, store: Store) -> World:
    return build(runner, store)


@pytest.fixture
def ag(
    connections: Connections,
    world: World,  # noqa: ARG001 - built first
    store: Store,
    runner: Neo4jRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[AudienceGraph]:
    monkeypatch.setenv("AUDIENCE_GRAPH_ACTOR", "mia")
    with store.transaction() as tx:
        clear(tx)
    with AudienceGraph.connect(connections=connections) as client:
        yield client
    runner.write(cypher("MATCH ()-[r:CONFIRMED|REJECTED|PICKED|PERFORMED]->() DELETE r"))


def reached(runner: Neo4jRunner, door: str) -> dict[str, float]:
    version = VersionRef(VERSION, "2026-W30", RELATION_TYPE)
    found = Expander(runner).expand(version, ["e5"], ExpandOptions(hops=1), door=door)  # type: ignore[arg-type]
    return {row.id: row.relevance for row in found}


def held(runner: Neo4jRunner) -> list[dict[str, Any]]:
    return runner.read(
        cypher("MATCH (u)-[r:CONFIRMED|REJECTED]->(v) RETURN type(r) AS kind, u.id AS u, v.id AS v, properties(r) AS p")
    )


@pytest.mark.parametrize("door", [d for d in DOORS if d != "auto"])
def test_a_decision_takes_effect_at_once_in_every_door(ag: AudienceGraph, runner: Neo4jRunner, door: str) -> None:
    before = reached(runner, door)
    assert set(before) == {"e6", "e7"}
    ag.decisions.confirm("women football", "massage", note="sore legs")
    assert reached(runner, door) == {**before, "e8": DEFAULT_SCORE}
    ag.decisions.reject("women football", "Alex Morgan")
    assert reached(runner, door) == {"e7": before["e7"], "e8": DEFAULT_SCORE}
    assert [e.id for e in ag.expand("women football", 1).entities] == ["e8", "e7"]
    ag.decisions.withdraw("women football", "massage")
    ag.decisions.withdraw("e5", "e6")
    assert reached(runner, door) == before


def test_a_confirmed_relation_has_the_score_of_the_current_version(ag: AudienceGraph) -> None:
    found = ag.decisions.confirm("e1", "e2").decisions
    assert [(d.decision, d.score, d.sources, d.by) for d in found] == [("confirmed", 0.9, ("marketer",), "mia")]


def test_each_decision_takes_back_the_other(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    ag.decisions.confirm("e1", "e2")
    ag.decisions.reject("e1", "e2", note="no")
    assert [(row["kind"], row["p"]["note"]) for row in held(runner)] == [("REJECTED", "no")]
    ag.decisions.confirm("e1", "e2")
    ag.decisions.confirm("e2", "e1")  # the other direction is another relation
    assert sorted((row["kind"], row["u"]) for row in held(runner)) == [("CONFIRMED", "e1"), ("CONFIRMED", "e2")]


def test_the_same_decision_again_changes_nothing(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    for by_source in ("marketer", "result", "marketer"):
        ag.decisions.confirm("e1", "e2", by_source=by_source)  # type: ignore[arg-type]
        ag.decisions.reject("e1", "e3", by_source=by_source)  # type: ignore[arg-type]
    before = held(runner)
    ag.decisions.confirm("e1", "e2", by_source="result")
    ag.decisions.confirm("e1", "e2")
    ag.decisions.reject("e1", "e3", by_source="result")
    assert sorted(held(runner), key=str) == sorted(before, key=str)


def test_results_add_their_source_and_never_overturn_a_marketer(ag: AudienceGraph) -> None:
    ag.decisions.confirm("e1", "e2", note="sure", by_source="result")
    ag.decisions.confirm("e1", "e2", note="I know")
    found = ag.decisions.confirm("e1", "e2", note="again", by_source="result").decisions[0]
    assert (found.sources, found.note) == (("result", "marketer"), "I know")
    assert found.result_at is not None
    left = ag.decisions.reject("e1", "e2", by_source="result")
    assert (left.left, left.decisions[0].decision) == ((("e1", "e2"),), "confirmed")
    ag.decisions.reject("e1", "e3")
    assert ag.decisions.confirm("e1", "e3", by_source="result").left == (("e1", "e3"),)
    ag.decisions.reject("e3", "e8", by_source="result")
    assert ag.decisions.confirm("e3", "e8", by_source="result").decisions[0].decision == "confirmed"


def test_what_is_not_there_or_unclear_is_refused_and_nothing_logged(ag: AudienceGraph, store: Store) -> None:
    with pytest.raises(NotFoundError):
        ag.decisions.confirm("e1", "nowhere at all 🦄")
    with pytest.raises(AmbiguousError):
        ag.decisions.confirm("e1", "spa")
    with pytest.raises(ConfigError, match="itself"):
        ag.decisions.reject("e1", "skin care")
    with pytest.raises(ConfigError, match="marketer or result"):
        ag.decisions.reject("e1", "e2", by_source="chance")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="note"):
        ag.decisions.reject("e1", "e2", note="x" * 5000)
    with pytest.raises(NotFoundError, match="no entity has the id 'gone'"):
        ag.decisions.confirm_paths([["e1", "e2", "gone"]])
    with store.transaction(read_only=True) as tx:
        assert read_log(tx) == []
    assert ag.decisions.list().decisions == ()


def test_hostile_names_and_notes_are_only_text(ag: AudienceGraph) -> None:
    note = EVIL + "💄\n"
    found = ag.decisions.confirm(EVIL, "💄 lipstick", note=note).decisions[0]
    assert (found.source_id, found.source_name, found.target_id, found.note) == ("e10", EVIL, "e11", note)


class Cut:
    """A runner whose writes fail: the process is killed there, or the server is gone."""

    def __init__(self, runner: Neo4jRunner, failure: BaseException) -> None:
        self.runner = runner
        self.failure = failure

    def read(self, query: Any, parameters: Any = None) -> Any:
        return self.runner.read(query, parameters)

    def write(self, query: Any, parameters: Any = None) -> Any:  # noqa: ARG002
        raise self.failure

    auto_commit = write


def test_killed_between_the_stores_the_log_has_it_and_the_same_again_does_it(
    ag: AudienceGraph, runner: Neo4jRunner, store: Store
) -> None:
    with pytest.raises(KeyboardInterrupt):
        decide(Cut(runner, KeyboardInterrupt()), store, "confirm", [("e1", "e8")], Said("mia"))
    with store.transaction(read_only=True) as tx:
        assert [(e.action, e.object, e.what["pairs"]) for e in read_log(tx)] == [
            ("relation.confirm", "relation e1 -> e8", [["e1", "e8"]])
        ]
    assert decisions(runner) == ()
    assert ag.decisions.confirm("e1", "e8").decisions[0].decision == "confirmed"


def test_a_server_that_refuses_is_in_the_log(runner: Neo4jRunner, store: Store, ag: AudienceGraph) -> None:  # noqa: ARG001
    with pytest.raises(StoreError):
        decide(Cut(runner, StoreUnavailable("gone")), store, "reject", [("e1", "e8")], Said("mia"))
    with store.transaction(read_only=True) as tx:
        assert [e.action for e in read_log(tx)] == ["relation.reject.failed", "relation.reject"]


def test_a_saved_pick_confirms_the_relations_on_its_paths(ag: AudienceGraph, runner: Neo4jRunner, store: Store) -> None:
    send(store, {"a": ["u1", "u2"]})
    ag.decisions.reject("e2", "e11")
    found = ag.decisions.confirm_picks("spring")
    assert found.left == (("e2", "e11"),)
    assert {(d.source_id, d.target_id) for d in found.decisions if d.decision == "confirmed"} == {
        ("e1", "e2"),
        ("e1", "e3"),
    }
    picked = cypher("MATCH (a:Audience)-[p:PICKED]->(e) RETURN a.name AS a, e.id AS e, p.hop AS hop, p.by AS by")
    rows = runner.read(picked)
    assert {(r["a"], r["e"], r["hop"]) for r in rows} == {
        ("spring", "e1", 0), ("spring", "e2", 1), ("spring", "e11", 2), ("spring", "e3", 1)
    }  # fmt: skip
    ag.decisions.confirm_picks("spring")
    assert runner.read(picked) == rows
    with store.transaction(read_only=True) as tx:
        log = read_log(tx, about="audience spring")
    assert [e.action for e in log] == ["relation.confirm"] * 2
    with pytest.raises(NotFoundError, match="no snapshot"):
        ag.decisions.confirm_picks("winter")


def test_the_command_line_says_the_same(
    ag: AudienceGraph, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("uri", "username", "password", "database"):
        monkeypatch.setenv(f"NEO4J_{name.upper()}", getattr(connections, f"neo4j_{name}"))
    monkeypatch.setenv("DATABASE_URL", connections.database_url)

    def run(*words: str) -> Any:
        done = CliRunner().invoke(relation, [*words, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)["rows"]

    assert run("confirm", "e1", "e8", "--note", "calm")[0]["decision"] == "confirmed"
    assert run("list") == json.loads(json.dumps(list(ag.decisions.list().rows())))
    assert run("reject", "e1", "e8")[0]["decision"] == "rejected"
    assert run("withdraw", "e1", "e8") == run("list") == []
