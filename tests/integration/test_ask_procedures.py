"""The procedures that analysts call beside `audience.expand`, on the small world, and their committed signatures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_world import EVIL, OLD_VERSION, VERSION, build, cypher

from audience_graph import schema
from audience_graph.config import Connections
from audience_graph.errors import QueryError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.resources import resource
from audience_graph.vectors.store import Store

COMMITTED = Path(__file__).parents[2] / "gds_procs" / "src" / "test" / "resources" / "signatures.txt"


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    schema.migrate(connections)
    build(runner, store)
    runner.write(cypher("MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e3'}) SET a.reach = 300, b.reach = 400"))


@pytest.fixture(autouse=True)
def undone(runner: Neo4jRunner, world: None) -> Iterator[None]:  # noqa: ARG001 - built first
    yield
    runner.write(cypher("MATCH ()-[r:CONFIRMED|REJECTED]->() DELETE r"))
    runner.write(cypher("MATCH (e:Entity) REMOVE e.sensitive"))


def call(runner: Neo4jRunner, text: str, **values: Any) -> list[dict[str, Any]]:
    return runner.read(cypher(f"CALL {text}"), values)


def failure(runner: Neo4jRunner, text: str, **values: Any) -> str:
    with pytest.raises(QueryError) as refused:
        call(runner, text, **values)
    return refused.value.message


def test_live_signatures_are_the_committed_ones(runner: Neo4jRunner) -> None:
    rows = runner.read(
        cypher(
            "SHOW PROCEDURES YIELD name, signature, description, argumentDescription "
            "WHERE name STARTS WITH 'audience.' RETURN * ORDER BY name"
        )
    )
    live = ""
    for row in rows:
        live += f"{row['signature']}\n  {row['description']}\n"
        live += "".join(f"  {one['name']}: {one['description']}\n" for one in row["argumentDescription"])
    assert live == COMMITTED.read_text(encoding="utf-8")
    modes = runner.read(cypher("SHOW PROCEDURES YIELD name, mode WHERE name STARTS WITH 'audience.' RETURN name, mode"))
    assert {row["name"] for row in modes if row["mode"] != "READ"} == {"audience.confirm", "audience.reject"}


def test_decisions_are_written_as_the_client_writes_them() -> None:
    source = resource("gds_procs", "src", "main", "java", "audience", "DecideProcedures.java").read_text("utf-8")
    for name, constant in (("confirm", "CONFIRM"), ("reject", "REJECT")):
        text = source.split(f'static final String {constant} = """\n')[1].split('"""')[0]
        lines = resource("cypher", "relations", f"{name}.cypher").read_text("utf-8").splitlines()
        wanted = [line.strip() for line in lines if not line.startswith("//")]
        assert [line.strip() for line in text.splitlines() if line.strip()] == wanted


def test_resolve(runner: Neo4jRunner) -> None:
    rows = call(runner, "audience.resolve($p)", p=["e1", "Skin  CARE", "护肤", "women football", "football boots"])
    found = [(row["phrase"], row["entity"], row["how"]) for row in rows]
    assert found[:4] == [
        ("e1", "e1", "id"), ("Skin  CARE", "e1", "name"), ("护肤", "e1", "alias"), ("women football", "e5", "alias"),
    ]  # fmt: skip
    assert {row[1] for row in found[4:]} == {"e5", "e7"}
    assert all(row["score"] > 0 for row in rows[4:])
    assert [row["entity"] for row in call(runner, "audience.resolve(['spa'])")] == ["e3", "e4"]
    assert [row["entity"] for row in call(runner, "audience.resolve(['spa'], {types: ['brand']})")] == ["e4"]
    assert len(call(runner, "audience.resolve(['football boots'], {limit: 1})")) == 1
    for phrase in (EVIL, "* OR name:*", '"', "\\", "AND", "🦄", "a/b~2"):
        call(runner, "audience.resolve($p)", p=[phrase])
    assert "phrases must hold" in failure(runner, "audience.resolve([])")
    assert "options.hops is not an option" in failure(runner, "audience.resolve(['spa'], {hops: 2})")


def test_neighbours(runner: Neo4jRunner) -> None:
    rows = call(runner, "audience.neighbours('skin care')")
    assert [(r["entity"], r["score"], r["rank"], r["confirmed"], r["version"]) for r in rows] == [
        ("e2", 0.9, 1, False, VERSION), ("e3", 0.6, 2, False, VERSION),
    ]  # fmt: skip
    assert [r["entity"] for r in call(runner, "audience.neighbours('e1', {week: '2026-W29'})")] == ["e3", "e4"]
    assert [r["entity"] for r in call(runner, "audience.neighbours('e7', {reverse: true})")] == ["e6", "e5"]
    assert [r["entity"] for r in call(runner, "audience.neighbours('e1', {limit: 1})")] == ["e2"]
    assert [r["entity"] for r in call(runner, "audience.neighbours('e1', {types: ['service']})")] == ["e3"]
    runner.write(
        cypher(
            "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e2'}), (c:Entity {id: 'e3'}), (d:Entity {id: 'e6'})"
            " CREATE (a)-[:REJECTED]->(b), (a)-[:CONFIRMED {score: .8}]->(c), (a)-[:CONFIRMED {score: .5}]->(d)"
        )
    )
    rows = call(runner, "audience.neighbours('e1')")
    assert [(r["entity"], r["score"], r["confirmed"], r["rank"]) for r in rows] == [
        ("e3", 0.8, True, 2), ("e6", 0.5, True, None)
    ]  # fmt: skip
    runner.write(cypher("MATCH (e:Entity {id: 'e3'}) SET e.sensitive = true"))
    assert [r["entity"] for r in call(runner, "audience.neighbours('e1')")] == ["e6"]
    assert "entity: 'e3' is sensitive" in failure(runner, "audience.neighbours('e3')")
    asked = "audience.neighbours('e1', {sensitive: true, because: 'a test'})"
    assert [r["entity"] for r in call(runner, asked)] == ["e3", "e6"]
    assert "go together" in failure(runner, "audience.neighbours('e1', {sensitive: true})")
    assert "entity must be" in failure(runner, "audience.neighbours('')")
    assert "entity: no entity has" in failure(runner, "audience.neighbours('nobody')")
    assert "entity: 'Spa'" in failure(runner, "audience.neighbours('Spa')")  # two entities
    assert "options.week" in failure(runner, "audience.neighbours('e1', {week: '2020-W01'})")


def test_path(runner: Neo4jRunner) -> None:
    [row] = call(runner, "audience.path('e5', 'football shoes')")
    assert (row["ids"], row["names"], row["hops"]) == (
        ["e5", "e6", "e7"], ["women's football", "Alex Morgan", "football shoes"], 2
    )  # fmt: skip
    assert row["relevance"] == pytest.approx(0.95 * 0.9)
    assert call(runner, "audience.path('e5', 'e7', {hops: 1})")[0]["ids"] == ["e5", "e7"]
    assert call(runner, "audience.path('e7', 'e5')") == []
    assert "is where the path starts" in failure(runner, "audience.path('e5', \"women's football\")")
    assert "options.hops must be" in failure(runner, "audience.path('e5', 'e7', {hops: 9})")
    assert "to: no entity" in failure(runner, "audience.path('e5', 'nobody')")


def test_picture(runner: Neo4jRunner) -> None:
    def drawn(call_text: str) -> tuple[list[str], set[tuple[str, str, str, float]]]:
        [row] = call(runner, f"audience.picture({call_text})")
        arrows = {(r.start_node["id"], r.end_node["id"], r.type, r["score"]) for r in row["relationships"]}
        assert row["version"] in {VERSION, OLD_VERSION}
        assert len({r.element_id for r in row["relationships"]}) == len(row["relationships"])
        return [node["id"] for node in row["nodes"]], arrows

    nodes, arrows = drawn("['skin care'], {hops: 2}")
    assert nodes == ["e1", "e2", "e11", "e3", "e8"]  # branch by branch
    assert arrows == {
        ("e1", "e2", "SCORE_80_100", 0.9), ("e2", "e11", "SCORE_80_100", 0.8), ("e1", "e3", "SCORE_60_80", 0.6),
        ("e3", "e8", "SCORE_60_80", 0.7),
    }  # fmt: skip
    assert drawn("['e1'], {hops: 1, limit: 1}") == (["e1", "e2"], {("e1", "e2", "SCORE_80_100", 0.9)})
    assert drawn("['e7'], {reverse: true, hops: 1}") == (
        ["e7", "e6", "e5"], {("e6", "e7", "SCORE_80_100", 0.9), ("e5", "e7", "SCORE_40_60", 0.5)}
    )  # fmt: skip
    assert drawn("['e9']") == (["e9"], set())
    assert drawn("['e1'], {week: '2026-W29', hops: 1}")[0] == ["e1", "e3", "e4"]
    runner.write(
        cypher(
            "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e2'}), (c:Entity {id: 'e3'}), (d:Entity {id: 'e6'})"
            " CREATE (a)-[:REJECTED]->(b), (a)-[:CONFIRMED {score: .85}]->(c), (a)-[:CONFIRMED {score: .05}]->(d)"
        )
    )
    nodes, arrows = drawn("['e1'], {hops: 1}")
    assert (nodes, arrows) == (
        ["e1", "e3", "e6"], {("e1", "e3", "CONFIRMED_80_100", 0.85), ("e1", "e6", "CONFIRMED_0_20", 0.05)}
    )  # fmt: skip
    runner.write(cypher("MATCH (e:Entity {id: 'e3'}) SET e.sensitive = true"))
    assert drawn("['e1'], {hops: 3}")[0] == ["e1", "e6"]  # neither reached nor walked through
    assert drawn("['e1'], {hops: 1, sensitive: true, because: 'a test'}")[0] == ["e1", "e3", "e6"]
    assert "seeds: 'e3' is sensitive" in failure(runner, "audience.picture(['e3'])")
    assert "options.limit must be" in failure(runner, "audience.picture(['e1'], {limit: 0})")
    assert "options.depth is not an option" in failure(runner, "audience.picture(['e1'], {depth: 2})")
    assert "seeds must hold" in failure(runner, "audience.picture([])")


def test_a_picture_tells_its_relations_to_cypher_too(runner: Neo4jRunner) -> None:
    runner.write(
        cypher("MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e3'}) CREATE (a)-[:CONFIRMED {score: .856}]->(b)")
    )
    ask = "audience.picture(['e1'], {hops: 1}) YIELD relations UNWIND relations AS r"
    rows = call(runner, f"{ask} RETURN r.source, r.target, r.score, r.shown, r.confirmed, r.version ORDER BY r.target")
    assert [tuple(row.values()) for row in rows] == [
        ("e1", "e2", 0.9, 0.9, False, VERSION), ("e1", "e3", 0.856, 0.86, True, VERSION),
    ]  # fmt: skip
    back = "audience.picture(['e7'], {reverse: true, hops: 1}) YIELD relations UNWIND relations AS r"
    rows = call(runner, f"{back} RETURN r.source AS source, r.target AS target ORDER BY source")
    assert [(row["source"], row["target"]) for row in rows] == [("e5", "e7"), ("e6", "e7")]
    [row] = call(runner, "audience.picture(['e1'])")
    drawn = [(r.start_node["id"], r.end_node["id"], dict(r)) for r in row["relationships"]]
    told = [(r.pop("source"), r.pop("target"), r) for r in row["relations"]]
    assert told == drawn


def test_a_confirmed_relation_without_a_score_leads_nowhere(runner: Neo4jRunner) -> None:
    runner.write(
        cypher(
            "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e3'}), (c:Entity {id: 'e6'})"
            " CREATE (a)-[:CONFIRMED]->(b), (a)-[:CONFIRMED]->(c)"
        )
    )
    expanded = call(runner, "audience.expand(['e1'], {hops: 1})")
    assert [(r["entity"], r["relevance"]) for r in expanded] == [("e2", 0.9), ("e3", 0.6)]
    rows = call(runner, "audience.neighbours('e1')")
    assert [(r["entity"], r["score"], r["confirmed"]) for r in rows] == [("e2", 0.9, False), ("e3", 0.6, True)]
    assert call(runner, "audience.neighbours('e6', {reverse: true})")[0]["entity"] == "e5"
    [row] = call(runner, "audience.picture(['e1'], {hops: 1})")
    assert {(r.end_node["id"], r.type) for r in row["relationships"]} == {
        ("e2", "SCORE_80_100"), ("e3", "CONFIRMED_60_80"),
    }  # fmt: skip


def test_a_drawn_relation_is_in_no_store(runner: Neo4jRunner) -> None:
    ask = "audience.picture(['e1']) YIELD relationships UNWIND relationships AS r"
    rows = call(runner, f"{ask} RETURN type(r) AS type, startNode(r).id AS start, endNode(r).id AS end, r")
    assert {(row["start"], row["end"]) for row in rows} == {("e1", "e2"), ("e2", "e11"), ("e1", "e3"), ("e3", "e8")}
    assert {row["type"] for row in rows} == {"SCORE_60_80", "SCORE_80_100"}
    assert {row["r"]["version"] for row in rows} == {VERSION}
    assert {row["r"]["shown"] for row in rows} == {0.9, 0.8, 0.6, 0.7}
    assert call(runner, f"{ask} MATCH ()-[s]->() WHERE elementId(s) = elementId(r) RETURN s") == []


def test_diff(runner: Neo4jRunner) -> None:
    rows = call(runner, "audience.diff('2026-W29', '2026-W30', {entity: 'skin care'})")
    assert [(r["change"], r["target"], r["before"], r["after"]) for r in rows] == [
        ("new", "e2", None, 0.9), ("gone", "e4", 0.5, None), ("moved", "e3", 0.55, 0.6)
    ]  # fmt: skip
    whole = call(runner, f"audience.diff('{OLD_VERSION}', '{VERSION}')")
    assert len(whole) == 8
    assert [r["after"] for r in whole][:2] == [0.95, 0.9]
    assert len(call(runner, "audience.diff('2026-W29', '2026-W30', {limit: 2})")) == 2
    assert len(call(runner, "audience.diff('2026-W29', '2026-W30', {entity: 'e1', min_change: 0.1})")) == 2
    assert call(runner, "audience.diff('2026-W30', '2026-W30')") == []
    assert "earlier: no relation version of 2020-W01" in failure(runner, "audience.diff('2020-W01', '2026-W30')")
    assert "later" in failure(runner, "audience.diff('2026-W30', 'nonsense')")
    assert "options.entity: no entity" in failure(runner, "audience.diff('2026-W29', '2026-W30', {entity: 'x'})")
    runner.write(cypher("MATCH (e:Entity {id: 'e2'}) SET e.sensitive = true"))
    shown = call(runner, "audience.diff('2026-W29', '2026-W30')")
    assert not [r for r in shown if "e2" in (r["source"], r["target"])]
    said = failure(runner, "audience.diff('2026-W29', '2026-W30', {entity: 'e2'})")
    assert "options.entity: 'e2' is sensitive" in said
    assert "because" not in said


def test_diff_hides_what_was_rejected(runner: Neo4jRunner) -> None:
    runner.write(
        cypher("MATCH (a:Entity {id: 'e1'}), (b:Entity) WHERE b.id IN ['e2', 'e4'] CREATE (a)-[:REJECTED]->(b)")
    )
    rows = call(runner, "audience.diff('2026-W29', '2026-W30', {entity: 'e1'})")
    assert [(r["change"], r["target"]) for r in rows] == [("moved", "e3")]
    runner.write(cypher("MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e3'}) CREATE (a)-[:REJECTED]->(b)"))
    assert call(runner, "audience.diff('2026-W29', '2026-W30', {entity: 'e1'})") == []
    assert not [r for r in call(runner, "audience.diff('2026-W29', '2026-W30')") if r["source"] == "e1"]


def test_options_of_diff_are_named(runner: Neo4jRunner) -> None:
    for options, said in (
        ("{min_change: 2}", "options.min_change must be a number from 0 to 1, not 2"),
        ("{foo: 2}", "options.foo is not an option; there are entity, limit, min_change"),
        ("{min_relevance: 0.5}", "options.min_relevance is not an option; there are entity, limit, min_change"),
        ("{limit: 0}", "options.limit must be"),
    ):
        assert said in failure(runner, f"audience.diff('2026-W29', '2026-W30', {options})")


def test_a_version_is_read_while_it_is_whole(runner: Neo4jRunner) -> None:
    mark = cypher("MATCH (v:RelationVersion {version: $v}) SET v.status = $status")
    by_name = [
        (f"audience.expand(['e1'], {{version: '{OLD_VERSION}'}})", "options.version"),
        (f"audience.expandPacked(['e1'], {{version: '{OLD_VERSION}'}})", "options.version"),
        (f"audience.picture(['e1'], {{version: '{OLD_VERSION}'}})", "options.version"),
        (f"audience.neighbours('e1', {{version: '{OLD_VERSION}'}})", "options.version"),
        (f"audience.path('e1', 'e3', {{version: '{OLD_VERSION}'}})", "options.version"),
        (f"audience.diff('{OLD_VERSION}', '2026-W30')", "earlier"),
        (f"audience.diff('2026-W30', '{OLD_VERSION}')", "later"),
        (f"audience.exportRelations('{OLD_VERSION}')", "version"),
        (f"audience.project('{OLD_VERSION}')", "version"),
        (f"audience.projectEstimate('{OLD_VERSION}')", "version"),
    ]
    try:
        for status in ("staging", "retiring", "retired", "failed"):
            runner.write(mark, {"v": OLD_VERSION, "status": status})
            for text, argument in by_name:
                said = failure(runner, text)
                assert said.startswith(f"{argument}: relation version {OLD_VERSION} is {status}"), said
        runner.write(mark, {"v": OLD_VERSION, "status": "staged"})  # whole, and looked at before it is published
        for text, _ in by_name:
            assert call(runner, text), text
        assert "options.week: no relation version" in failure(runner, "audience.expand(['e1'], {week: '2026-W29'})")
    finally:
        runner.write(mark, {"v": OLD_VERSION, "status": "published"})
    both = f"{{week: '2026-W30', version: '{OLD_VERSION}'}}"
    for text in (f"audience.expand(['e1'], {both})", f"audience.neighbours('e1', {both})"):
        assert "options.week and options.version: give one of the two" in failure(runner, text)
    for text in ("audience.exportRelations('x')", "audience.project('x')", "audience.projectEstimate('x')"):
        assert failure(runner, text).startswith("version: there is no relation version x")


def test_size_current_and_week(runner: Neo4jRunner) -> None:
    [row] = call(runner, "audience.size(['skin care', 'e3', 'e5'])")
    assert (row["entities"], row["at_least"], row["at_most"], row["not_shown"]) == (3, 400, None, ["e5"])
    [row] = call(runner, "audience.size(['e5'])")
    assert (row["at_least"], row["at_most"], row["not_shown"]) == (None, None, ["e5"])
    assert "entities must hold" in failure(runner, "audience.size([])")
    [now] = call(runner, "audience.current()")
    assert (now["version"], now["week"], now["current"], now["release"]) == (VERSION, "2026-W30", True, 0)
    [old] = call(runner, "audience.week('2026-W29')")
    assert (old["version"], old["current"]) == (OLD_VERSION, False)
    assert call(runner, "audience.week('2020-W01')") == []
    for bad in ("'x'", "null", "''"):
        said = failure(runner, f"audience.week({bad})")
        assert said.startswith("name must be an ISO week such as 2026-W30, not ")
    assert "entities: no entity has the id, name or alias 'zzz'" in failure(runner, "audience.size(['zzz'])")
    assert "entities: 'Spa' means 2 entities" in failure(runner, "audience.size(['Spa'])")
    assert "entities holds a null" in failure(runner, "audience.size(['e1', null])")


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Straße", "STRASSE"), ("strasse", "Straẞe"), ("Wellness", "ＷＥＬＬＮＥＳＳ"),
        ("ｗｅｌｌｎｅｓｓ", "WELLNESS"), ("C#", "c＃"), ("ſpaß", "SPASS"),
        ("hot  stone", " Hot\u00a0\t Stone "), (" \x1chot stone", "hot stone"), ("ﬁtness", "FITNESS"), ("ΟΔΟΣ", "οδος"),
        ("İzmir", "i\u0307zmir"), ("e\u0301tude", "Étude"), ("É", "e\u0301"), ("Kelvin", "\u212aelvin"), ("🦄", "🦄"),
        ("🧖🏽‍♀️ 店", "🧖🏽‍♀️\u3000店"), ("丽人丽妆", "丽人丽妆"),
        ("①号店", "1号店"), ("か\u3099ん", "がん"),
    ],
)  # fmt: skip
def test_names_of_one_normal_form_are_one_name(runner: Neo4jRunner, name: str, typed: str) -> None:
    runner.write(
        cypher("MATCH (e:Entity {id: 'e8'}) SET e.name = $name, e.aliases = ['x', $name + ' two']"), {"name": name}
    )
    try:
        runner.auto_commit(cypher("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()"))
        for phrase in (typed, name, f"{typed} TWO"):
            [row] = call(runner, "audience.neighbours($p, {reverse: true})", p=phrase)
            assert row["entity"] == "e3"
        for phrase in (f"{typed} three", typed[1:] + "q", "q" + typed):
            assert "no entity has" in failure(runner, "audience.neighbours($p)", p=phrase)
    finally:
        runner.write(cypher("MATCH (e:Entity {id: 'e8'}) SET e.name = 'massage', e.aliases = []"))


def test_a_reason_is_asked_for_where_one_may_be_given(runner: Neo4jRunner) -> None:
    runner.write(cypher("MATCH (e:Entity {id: 'e2'}) SET e.sensitive = true"))
    for text, argument in (
        ("audience.expand(['e2'])", "seeds"),
        ("audience.neighbours('e2')", "entity"),
        ("audience.path('e1', 'e2')", "to"),
    ):
        said = failure(runner, text)
        assert f"{argument}: 'e2' is sensitive; ask with a reason: {{sensitive: true, because: 'why'}}" in said
    said = failure(runner, "audience.size(['e1', 'face mask'])")
    assert "entities: 'face mask' is sensitive" in said
    assert "because" not in said
    for text, argument in (("confirm('e2', 'e1')", "from"), ("reject('e1', 'e2')", "to")):
        with pytest.raises(QueryError) as refused:
            runner.write(cypher(f"CALL audience.{text}"))
        said = refused.value.message
        assert f"{argument}: 'e2' is sensitive" in said
        assert "because" not in said


def test_confirm_and_reject(runner: Neo4jRunner) -> None:
    def decide(text: str) -> dict[str, Any]:
        [row] = runner.write(cypher(f"CALL {text}"))
        return row

    done = decide("audience.confirm('skin care', 'Alex Morgan', 'same fans')")
    assert (done["source"], done["target"], done["decision"], done["by"]) == ("e1", "e6", "confirmed", "neo4j")
    held = runner.read(cypher("MATCH (:Entity {id: 'e1'})-[c:CONFIRMED]->(e) RETURN e.id AS id, properties(c) AS c"))
    assert [(r["id"], r["c"]["score"], r["c"]["sources"], r["c"]["note"]) for r in held] == [
        ("e6", 0.7, ["marketer"], "same fans")
    ]
    decide("audience.confirm('e1', 'e2')")
    assert call(runner, "audience.neighbours('e1')")[0]["score"] == 0.9  # the score that the week gives
    assert [r["entity"] for r in call(runner, "audience.expand(['e1'], {hops: 1})")] == ["e2", "e6", "e3"]
    decide("audience.reject('e1', 'e6')")
    assert [r["entity"] for r in call(runner, "audience.expand(['e1'], {hops: 1})")] == ["e2", "e3"]
    assert runner.read(cypher("MATCH (:Entity {id: 'e1'})-[c:CONFIRMED]->(:Entity {id: 'e6'}) RETURN c")) == []
    before = runner.read(cypher("MATCH ()-[r:REJECTED]->() RETURN r.at AS at"))
    decide("audience.reject('e1', 'e6')")
    assert runner.read(cypher("MATCH ()-[r:REJECTED]->() RETURN r.at AS at")) == before
    for text, said in (
        ("audience.confirm('e1', 'e1')", "to: 'e1' cannot be related to itself"),
        ("audience.confirm('e1', 'nobody')", "to: no entity"),
        ("audience.reject('nobody', 'e1')", "from: no entity"),
        ("audience.reject('e1', 'e2', null)", "note must be"),
    ):
        with pytest.raises(QueryError, match=said):
            runner.write(cypher(f"CALL {text}"))
    with pytest.raises(QueryError):
        call(runner, "audience.confirm('e1', 'e3')")  # READ access
    assert len(runner.read(cypher("MATCH ()-[r:CONFIRMED|REJECTED]->() RETURN r"))) == 2
