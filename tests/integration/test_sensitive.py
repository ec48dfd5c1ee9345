"""Sensitive entities on real servers: never by expansion, by phrase and reason only, each reason in the audit log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_world import EVIL, World, build, cypher

from audience_graph import schema
from audience_graph.audience.audience import Audience, event
from audience_graph.audience.safety.marks import (
    flagged_entities,
    mark,
    mark_listed,
    unflagged_entities,
    unmark,
)
from audience_graph.audience.safety.withhold import WITHHELD
from audience_graph.audit import Entry, read_log
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.entities import read_dictionary
from audience_graph.errors import ConfigError, NotFoundError, SensitiveError, StoreError
from audience_graph.graph.expansion import ExpandOptions
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import load_entities
from audience_graph.vectors.store import Store

WHY = "a test with 'quotes' and 为什么 🙂"


@pytest.fixture
def world(runner: Neo4jRunner, store: Store, clean_stores: None) -> World:  # noqa: ARG001 - emptied first
    """The small world: e1 -> e2 -> e11 and e1 -> e3 -> e8; here e2 and e6 are sensitive."""
    made = build(runner, store)
    flag(runner, "e2", "e6")
    return made


@pytest.fixture
def ag(connections: Connections, world: World) -> Iterator[AudienceGraph]:  # noqa: ARG001 - built first
    with AudienceGraph.connect(connections=connections) as client:
        client._encoder = lambda texts: [[1.0] + [0.0] * 383 for _ in texts]
        yield client


def flag(runner: Neo4jRunner, *ids: str) -> None:
    runner.write(cypher("MATCH (e:Entity) SET e.sensitive = e.id IN $ids"), {"ids": list(ids)})


def log(store: Store) -> list[Entry]:
    with store.transaction(read_only=True) as tx:
        return read_log(tx)


def test_what_is_sensitive_is_neither_reached_nor_walked_through(ag: AudienceGraph, store: Store) -> None:
    near = ag.expand("skin care")
    assert [e.id for e in near.entities] == ["e3", "e8"]
    assert [p.id for p in ag.target("skin care").picked] == ["e1", "e3", "e8"]
    assert log(store) == []
    let_in = ag.expand("skin care", sensitive_because=WHY)
    assert [e.id for e in let_in.entities] == ["e2", "e11", "e3", "e8"]
    (line,) = log(store)
    assert (line.action, line.object, line.release_id) == ("sensitive", "phrase skin care", near.release)
    assert line.what == {"because": WHY, "phrases": ["skin care"], "entities": ["e2"]}


def test_a_sensitive_phrase_is_resolved_and_refused_by_all_that_answers(ag: AudienceGraph, store: Store) -> None:
    rows = list(ag.resolve("face mask").rows())
    assert [(row["id"], row["sensitive"]) for row in rows] == [("e2", True)]
    asks: list[Any] = [
        lambda **why: ag.expand("face mask", **why),
        lambda **why: ag.expand(["skin care", "e2"], **why),
        lambda **why: ag.target("face mask", **why),
        lambda **why: ag.explain("u1", "face mask", **why),
    ]
    for ask in asks:
        with pytest.raises(SensitiveError, match=r"means face mask \(product, id e2\): sensitive") as error:
            ask()
        assert error.value.ids == ("e2",)
    assert log(store) == []
    for ask in asks:
        ask(sensitive_because=WHY)
    assert ["e2" in line.what["entities"] for line in log(store)] == [True] * 4
    assert [line.what.get("user_id") for line in log(store)] == ["u1", None, None, None]
    for query in ("similar_services", "new_this_week"):
        with pytest.raises(SensitiveError, match="face mask"):
            ag.query(query, phrase="face mask")


def test_an_option_without_a_reason_and_an_empty_reason_are_refused(ag: AudienceGraph, store: Store) -> None:
    with pytest.raises(ConfigError, match="go together"):
        ag.expand("skin care", options=ExpandOptions(sensitive=True))
    for reason in ("", "  "):
        with pytest.raises(ConfigError, match="a reason is a text"):
            ag.target("skin care", sensitive_because=reason)
    with pytest.raises(NotFoundError):
        ag.expand("no such thing at all", sensitive_because=WHY)
    assert log(store) == []


def test_without_a_line_in_the_log_there_is_no_answer(ag: AudienceGraph, store: Store) -> None:
    with store.transaction() as tx:
        tx.execute("ALTER TABLE audit_log RENAME TO audit_log_gone")
    try:
        assert len(ag.expand("skin care").entities) == 2
        for ask in (ag.expand, ag.target):
            with pytest.raises(StoreError):
                ask("skin care", sensitive_because=WHY)
        target = ag.target("skin care")
        with pytest.raises(StoreError):
            ag.explain(target.user_ids[0], target, sensitive_because=WHY)
    finally:
        with store.transaction() as tx:
            tx.execute("ALTER TABLE audit_log_gone RENAME TO audit_log")


def test_saved_queries_leave_sensitive_entities_out(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    assert ag.query("similar_services", phrase="skin care").columns["id"] == ("e3",)
    assert ag.query("new_this_week", phrase="skin care").columns["id"] == ()
    assert len(ag.query("path_between", phrase="skin care", other="e11")) == 0
    assert ag.query("path_between", phrase="e5", other="e7").columns["ids"] == (["e5", "e7"],)
    flag(runner)
    assert ag.query("similar_services", phrase="skin care").columns["id"] == ("e2", "e3")
    assert ag.query("new_this_week", phrase="skin care").columns["id"] == ("e2",)
    assert ag.query("path_between", phrase="skin care", other="e11").columns["ids"] == (["e1", "e2", "e11"],)
    assert ag.query("path_between", phrase="e5", other="e7").columns["ids"] == (["e5", "e6", "e7"],)


def test_an_explanation_withholds_the_users_own_sensitive_events(ag: AudienceGraph, world: World, store: Store) -> None:
    user = next(u for u, ids in world.mentions.items() if "e2" in ids and "e3" in ids)
    target = ag.target("e3")
    for about in ("e3", target):
        told = ag.explain(user, about)
        hidden = [r for r in told.reasons if r.name == WITHHELD]
        assert len(hidden) == 1
        assert "e2" not in {r.id for r in told.reasons}
        assert not any(text is not None and "e2" in text for r in told.reasons for _, _, text in r.events)
        assert sum(r.part for r in told.reasons) + told.rounding == pytest.approx(told.score)
        whole = ag.explain(user, about, sensitive_because=WHY)
        assert next(r for r in whole.reasons if r.id == "e2").name == "face mask"
        assert log(store)[0].what["user_id"] == user
        assert "e2" in log(store)[0].what["entities"]


def test_an_explanation_within_an_audience_withholds_too(ag: AudienceGraph, world: World, store: Store) -> None:
    user = next(u for u, ids in world.mentions.items() if "e2" in ids and "e3" in ids)
    told = ag.explain(user, ag.audience("e3", size=300))
    rows = list(told.rows())
    assert WITHHELD in {row["entity"] for row in rows}
    assert "face mask" not in repr(rows) + repr(told)
    assert "face mask" in repr(list(ag.explain(user, ag.audience("e3", size=300), sensitive_because=WHY).rows()))
    assert {line.action: line.what["user_id"] for line in log(store)} == {"explain": user, "sensitive": user}


def test_an_answer_that_was_allowed_is_explained_with_a_reason_again(ag: AudienceGraph) -> None:
    target = ag.target("face mask", sensitive_because=WHY)
    user = target.user_ids[0]
    with pytest.raises(SensitiveError, match="face mask"):
        ag.explain(user, target)
    assert ag.explain(user, target, sensitive_because=WHY).chosen


def test_an_audience_is_evaluated_with_a_reason_only(ag: AudienceGraph, store: Store) -> None:
    asks = [ag.audience("face mask"), event("e2"), ag.audiences.everyone() - event("e2"), ag.lookalike(event("e2"))]
    for asked in asks:
        for call in (Audience.size, Audience.preview):
            with pytest.raises(SensitiveError, match="face mask"):
                call(ag.audiences.of(asked))
    ag.audience("face mask", size=150).save("masks")  # saving asks nothing
    with pytest.raises(SensitiveError):
        ag.audiences.take("masks")
    assert [line.action for line in log(store)] == ["save"]
    everyone = ag.audiences.everyone()
    assert "e2" not in everyone.composition().columns["of"]
    assert log(store)[0].action == "save"
    let_in = ag.because(WHY)
    for asked in asks:
        assert let_in.audiences.of(asked).size().users is not None
        assert (log(store)[0].action, log(store)[0].what["because"]) == ("sensitive", WHY)
        assert "e2" in log(store)[0].what["entities"]
    assert let_in.audiences.take("masks").users is not None
    assert [line.action for line in log(store)[:2]] == ["snapshot", "sensitive"]
    assert "e2" in let_in.audiences.of(everyone).composition().columns["of"]
    taken = ag.audiences.snapshot(1)
    with pytest.raises(SensitiveError, match="face mask"):
        ag.explain("u1", taken)  # what was allowed once is explained with a reason again
    assert ag.explain("u1", taken, sensitive_because=WHY).status in ("in", "out")
    line = next(line for line in log(store) if line.action == "sensitive")
    assert (line.what["user_id"], "e2" in line.what["entities"]) == ("u1", True)
    lines = len(log(store))
    let_in.audiences.everyone().size()  # nothing that could be sensitive was asked
    assert len(log(store)) == lines


def test_a_sentence_about_something_sensitive_is_planned_and_marked(ag: AudienceGraph) -> None:
    plan = ag.plan("people who will buy a face mask or diabetes tests")
    assert [thing.said for thing in plan.sensitive] == ["face mask", "diabetes"]
    assert "sensitive: 'diabetes' (health): needs a reason" in plan.lines()
    assert [row["sensitive"] for row in plan.rows()] == [True]
    assert ag.plan("people who will buy football shoes").sensitive == ()


@pytest.mark.usefixtures("clean_stores")
def test_a_load_flags_by_the_list_and_respects_what_was_decided(
    runner: Neo4jRunner, store: Store, connections: Connections, tmp_path: Path
) -> None:
    schema.migrate(connections)

    def load(text: str) -> tuple[str, ...]:
        (tmp_path / "entities.csv").write_text(text, encoding="utf-8")
        return load_entities(tmp_path / "entities.csv", runner=runner).notes

    def flags() -> dict[str, tuple[bool, str | None, str | None]]:
        return {e.id: (e.sensitive, e.category, e.decided_by) for e in read_dictionary(runner).entities}

    bare = "id,name,type\nd,debt help,service\nw,Wine bar,shop\ns,spa,service\n"
    (note,) = load(bare)
    assert note.startswith("2 entities (debt help, Wine bar) on the list")
    assert flags() == {
        "d": (True, "financial_hardship", "list"),
        "w": (True, "addiction", "list"),
        "s": (False, None, None),
    }
    assert load(bare) == ()
    assert [e.id for e in unmark(runner, store, ["w"], because="a brand of soap")] == ["w"]
    assert load(bare) == ()
    assert flags()["w"] == (False, None, "person")
    notes = load("id,name,type,sensitive\nd,debt help,service,false\nw,Wine bar,shop,\ns,spa,service,true\n")
    assert [note.partition(")")[0] for note in notes] == ["1 entity (debt help", "1 entity (debt help"]
    assert flags() == {"d": (False, None, "file"), "w": (False, None, "person"), "s": (True, None, "file")}
    assert load(bare) == ("1 entity (debt help) on the list of what is sensitive, and the file says that they are not; "
                          "`audience-graph entities sensitive check` lists them",)  # fmt: skip


def test_marks_are_audited_and_change_expansion_at_once(ag: AudienceGraph, runner: Neo4jRunner, store: Store) -> None:
    (was,) = mark(runner, store, ["e3"], category="health", because="asked by legal")
    assert was.id == "e3"
    assert ag.expand("skin care").entities == ()
    line = log(store)[0]
    assert (line.action, line.object) == ("mark sensitive", "entity e3")
    assert line.what == {
        "entities": ["e3"], "because": "asked by legal", "by": "person", "categories": {"e3": "health"}
    }  # fmt: skip
    assert {e.id: e.category for e in flagged_entities(runner)} == {"e2": None, "e3": "health", "e6": None}
    assert mark(runner, store, ["e3"]) == ()
    unmark(runner, store, ["e3", "e2", "e3"], because="it is not")
    assert (log(store)[0].action, log(store)[0].what["entities"]) == ("unmark sensitive", ["e3", "e2"])
    assert [e.id for e in ag.expand("skin care").entities] == ["e2", "e11", "e3", "e8"]
    before = len(log(store))
    for wrong in (
        lambda: mark(runner, store, ["e3", "nope", EVIL]),
        lambda: mark(runner, store, []),
        lambda: mark(runner, store, ["e3"], category="dull"),
        lambda: unmark(runner, store, ["e2"], because=" "),
    ):
        with pytest.raises((NotFoundError, ConfigError)):
            wrong()
    assert len(log(store)) == before
    assert [e.id for e in ag.expand("skin care").entities] == ["e2", "e11", "e3", "e8"]


def test_marking_by_the_list_leaves_alone_what_was_cleared(runner: Neo4jRunner, store: Store, world: World) -> None:  # noqa: ARG001
    runner.write(
        cypher(
            "UNWIND $rows AS r CREATE (:Entity {id: r[0], name: r[1], type: 'shop', aliases: [], description: r[2]})"
        ),
        {"rows": [["x1", "Wine bar", ""], ["x2", "Beer garden", ""], ["x3", "Corner shop", "food and wine"]]},
    )
    unmark(runner, store, ["x2"], because="a garden")
    assert [(u.entity.id, u.cleared) for u in unflagged_entities(runner)] == [("x1", False), ("x2", True)]
    assert "x3" in {u.entity.id for u in unflagged_entities(runner, descriptions=True)}
    assert [e.id for e in mark_listed(runner, store)] == ["x1"]
    assert log(store)[0].what["by"] == "list"
    lines = len(log(store))
    assert mark_listed(runner, store) == ()
    assert len(log(store)) == lines


def run(env: dict[str, str], *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "audience_graph.cli", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_the_command_line_asks_with_a_reason_and_marks(
    connections: Connections,
    store: Store,
    world: World,  # noqa: ARG001
) -> None:
    env = os.environ | {
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
        "AUDIENCE_GRAPH_ACTOR": "ann",
    }
    refused = run(env, "expand", "face mask", code=1).stderr
    assert "face mask (product, id e2): sensitive" in refused
    assert "--sensitive-because" in refused
    found = json.loads(run(env, "expand", "face mask", "--sensitive-because", WHY, "--json").stdout)
    assert [row["id"] for row in found["rows"]] == ["e11"]
    assert (log(store)[0].who, log(store)[0].what["because"]) == ("ann", WHY)
    run(env, "target", "face mask", "--sensitive-because", WHY, "--json")
    run(env, "explain", "u1", "face mask", "--sensitive-because", WHY, "--json")
    assert len(log(store)) == 3
    told = json.loads(run(env, "plan", "people who will buy a face mask", "--json").stdout)
    assert told["sensitive"] == ["'face mask' means face mask (product, id e2)"]
    sensitive = ("entities", "sensitive")
    assert [row["id"] for row in json.loads(run(env, *sensitive, "list", "--json").stdout)] == ["e2", "e6"]
    run(env, *sensitive, "mark", "e3", "--from-list", code=1)
    run(env, *sensitive, "mark", code=1)
    run(env, *sensitive, "unmark", "e3", code=2)
    assert "1 newly flagged" in run(env, *sensitive, "mark", "e3", "--category", "health").stderr
    assert "1 lost their flag" in run(env, *sensitive, "unmark", "e3", "--because", "no").stderr
    run(env, *sensitive, "check")
    assert "financial_hardship,word,debt" in run(env, *sensitive, "list", "--words", "--csv").stdout.replace("\r", "")
