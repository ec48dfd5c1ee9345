"""Every saved query on the small world: the rows that a person would expect, the same through every door, and nothing
written, nothing scanned, nothing sensitive."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import neo4j
import pytest
from saved_cases import CASES, build_saved_world, names_nobody
from small_world import cypher

from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import ConfigError, NotFoundError, SensitiveError
from audience_graph.graph.queries import list_queries, load_query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.saved.definition import SavedQuery, saved_queries, saved_query
from audience_graph.vectors.store import Store

ALL = [(name, *case) for name, cases in CASES.items() for case in cases]


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    build_saved_world(connections, runner, store)


@pytest.fixture
def ag(connections: Connections, world: None) -> Iterator[AudienceGraph]:  # noqa: ARG001 - built first
    with AudienceGraph.connect(connections=connections) as client:
        yield client


def rows_of(found: list[dict[str, Any]], columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in found]


def test_there_are_cases_for_every_saved_query() -> None:
    assert set(CASES) == {saved.name for saved in saved_queries()}
    assert len(CASES) >= 20


@pytest.mark.parametrize(("name", "given", "columns", "expected"), ALL)
def test_rows(
    ag: AudienceGraph,
    runner: Neo4jRunner,
    name: str,
    given: dict[str, Any],
    columns: tuple[str, ...],
    expected: list[tuple[Any, ...]],
) -> None:
    saved = saved_query(name)
    as_it_is = runner.read(saved.query, saved.check(given))
    assert rows_of(as_it_is, columns) == expected
    if names_nobody(given):
        with pytest.raises(NotFoundError, match="nobody"):
            ag.query(name, **given)
        return
    assert list(ag.query(name, **given).rows()) == as_it_is


def test_the_http_endpoint_and_the_command_line_give_the_same(
    ag: AudienceGraph, connections: Connections, runner: Neo4jRunner
) -> None:
    http = _http_address(runner)
    secret = base64.b64encode(f"{connections.neo4j_username}:{connections.neo4j_password}".encode()).decode()
    env = {
        **os.environ,
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
    }
    for name, cases in CASES.items():
        given, saved = cases[0][0], saved_query(name)
        told = list(ag.query(name, **given).rows())
        request = urllib.request.Request(
            f"{http}/db/{connections.neo4j_database}/tx/commit",
            json.dumps({"statements": [{"statement": saved.query.text, "parameters": saved.check(given)}]}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Basic {secret}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = json.load(answer)
        assert body["errors"] == []
        result = body["results"][0]
        assert [dict(zip(result["columns"], row["row"], strict=True)) for row in result["data"]] == told, name
    for name in ("similar_services", "near_all_of_these", "weeks"):
        given = CASES[name][0][0]
        words = [f"{k}={','.join(v) if isinstance(v, list) else v}" for k, v in given.items()]
        command = [sys.executable, "-m", "audience_graph.cli", "query", "run", name, "--json"]
        for word in words:
            command += ["--param", word]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["rows"] == list(ag.query(name, **given).rows())


def _http_address(runner: Neo4jRunner) -> str:
    row = runner.read(cypher("SHOW SETTINGS 'server.http.listen_address' YIELD value RETURN value"))[0]
    return f"http://{row['value']}"


def operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["operatorType"].split("@")[0]
    for child in plan.get("children", ()):
        yield from operators(child)


@pytest.mark.parametrize("saved", saved_queries(), ids=lambda saved: saved.name)
def test_plans_read_and_scan_no_label(connections: Connections, world: None, saved: SavedQuery) -> None:  # noqa: ARG001 - built first
    literal = saved.query.at_version("RELATES_2026_W30_1a2b3c4d")
    parameters = saved.check(CASES[saved.name][0][0])
    auth = (connections.neo4j_username, connections.neo4j_password)
    with neo4j.GraphDatabase.driver(connections.neo4j_uri, auth=auth) as driver, driver.session() as session:
        for text in (saved.query.text, literal.text):
            summary = session.run(neo4j.Query("EXPLAIN " + text), parameters).consume()
            assert summary.query_type == "r"
            found = set(operators(summary.plan))
            assert not {one for one in found if "LabelScan" in one or one.startswith("AllNodes")}, found


def test_nothing_sensitive_is_told(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    runner.write(cypher("MATCH (e:Entity) WHERE e.id IN ['e2', 'e6', 'e7'] SET e.sensitive = true"))
    try:
        for name, cases in CASES.items():
            saved = saved_query(name)
            for given, _, _ in cases:
                told = json.dumps(runner.read(saved.query, saved.check(given)), ensure_ascii=False, default=str)
                for hidden in ('"e2"', '"e6"', '"e7"', "face mask", "Alex Morgan", "football shoes"):
                    assert hidden not in told, (name, given)
    finally:
        runner.write(cypher("MATCH (e:Entity) REMOVE e.sensitive"))
    assert ag.query("similar_services", phrase="e1").columns["id"] == ("e2", "e3", "e6")


def test_a_rejected_relation_is_in_no_answer(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    runner.write(
        cypher(
            "MATCH (a:Entity {id: 'e1'}), (b:Entity) WHERE b.id IN ['e3', 'e4', 'e9']"
            " CREATE (a)-[:REJECTED {note: 'a test'}]->(b)"
        )
    )
    try:
        assert ag.query("gone_this_week", phrase="e1").columns["id"] == ()
        [card] = ag.query("entity_card", phrase="e1").rows()
        assert (card["leads_to"], card["rejected"]) == (1, 3)  # one of the three is a relation of this week
        hubs = ag.query("hubs", type="service").columns
        assert (hubs["id"], hubs["leads_to"]) == (("e1",), (1,))
        assert ag.query("without_relations", type="service").columns["id"] == ("e3", "e10", "e8", "e9")
    finally:
        runner.write(cypher("MATCH ()-[r:REJECTED {note: 'a test'}]->() DELETE r"))


def test_a_confirmed_relation_without_a_score_leads_nowhere(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    def told() -> dict[str, list[Any]]:
        asked: dict[str, dict[str, Any]] = {
            "similar_services": {"phrase": "e1"},
            "near_of_a_type": {"phrase": "e1", "type": "service"},
            "who_leads_here": {"phrase": "e9"},
            "relations_among_these": {"phrases": ["e1", "e9"]},
            "near_all_of_these": {"phrases": ["e1", "e5"]},
            "bridges": {"phrase": "e1", "other": "e5"},
            "path_between": {"phrase": "e1", "other": "e9"},
            "within_two_hops": {"phrase": "e1"},
        }
        return {name: list(ag.query(name, **given).rows()) for name, given in asked.items()}

    before = told()
    runner.write(
        cypher(
            "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e5'}), (c:Entity {id: 'e9'})"
            " CREATE (a)-[:CONFIRMED {note: 'a test'}]->(c), (b)-[:CONFIRMED {note: 'a test'}]->(c)"
        )
    )
    try:
        assert told() == before
    finally:
        runner.write(cypher("MATCH ()-[r:CONFIRMED {note: 'a test'}]->() DELETE r"))


@pytest.mark.parametrize(
    ("name", "typed", "expected"),
    [
        ("entities", "s", ["e3", "e1"]),
        ("entity_types", "", ["service", "product", "brand", "person", "topic"]),
        ("audiences", "s", ["spring"]),
    ],
)
def test_suggestions(runner: Neo4jRunner, world: None, name: str, typed: str, expected: list[str]) -> None:  # noqa: ARG001 - built first
    rows = runner.read(load_query(f"suggest/{name}"), {"typed": typed, "limit": 10})
    assert [row["value"] for row in rows][: len(expected)] == expected
    assert all(set(row) == {"value", "label"} for row in rows)


def test_every_suggestion_is_used() -> None:
    used = {p.suggest for saved in saved_queries() for p in saved.parameters if p.suggest}
    assert used == {name.removeprefix("suggest/") for name in list_queries() if name.startswith("suggest/")}


def test_lists_of_entities_are_phrases_and_nothing_in_them_is_lost(ag: AudienceGraph) -> None:
    both = list(ag.query("near_all_of_these", phrases=["skin care", "e5"]).rows())
    assert both == list(ag.query("near_all_of_these", phrases="skin  CARE, e5").rows())
    assert both == list(ag.query("near_all_of_these", phrases='["skin care", "e5", "e1"]').rows())
    with pytest.raises(NotFoundError, match="qqq zzz"):
        ag.query("near_all_of_these", phrases=["skin care", "qqq zzz"])
    with pytest.raises(ConfigError, match="phrases must be a list of texts"):
        ag.query("near_all_of_these", phrases='["skin care", 5]')


def test_plain_cypher_finds_nothing_near_all_of_what_is_not_there(runner: Neo4jRunner, world: None) -> None:  # noqa: ARG001
    saved = saved_query("near_all_of_these")
    assert runner.read(saved.query, saved.check({"phrases": ["e1"]})) != []
    assert runner.read(saved.query, saved.check({"phrases": ["e1", "e1"]})) != []
    assert runner.read(saved.query, saved.check({"phrases": ["e1", "nobody"]})) == []


def test_no_rows_of_a_name_that_nobody_has_comes_with_a_note(ag: AudienceGraph) -> None:
    assert ag.query("audience_picks", audience="nope").notes == ("audience: the graph knows no 'nope'",)
    assert ag.query("hubs", type="nosuch").notes == ("type: the graph knows no 'nosuch'",)
    assert ag.query("audience_picks", audience="spring").notes == ()


def test_rows_that_did_not_come_are_told_of(ag: AudienceGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audience_graph.saved.run._MOST_ROWS", 2)
    found = ag.query("best_services")
    assert (len(found), found.more, found.notes) == (2, True, ("there are more than these 2 rows",))
    assert "the first 2 rows" in str(found)
    with pytest.raises(ConfigError, match="min_relevance must be a number"):
        ag.query("within_two_hops", phrase="e1", min_relevance=10**400)


def test_a_sensitive_one_is_refused_alone_and_noted_in_a_list(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    runner.write(cypher("MATCH (e:Entity {id: 'e2'}) SET e.sensitive = true"))
    try:
        with pytest.raises(SensitiveError, match="saved queries leave that out") as refused:
            ag.query("similar_services", phrase="e2")
        assert "expand" in str(refused.value.hint)
        found = ag.query("reach_of_these", phrases=["e2", "e1"])
        assert [row["id"] for row in found.rows()] == ["e1"]
        assert found.notes == ("'e2' means face mask (product, id e2): sensitive, and saved queries leave that out",)
        assert list(ag.query("near_all_of_these", phrases=["e1", "e2"]).rows()) == []
    finally:
        runner.write(cypher("MATCH (e:Entity {id: 'e2'}) REMOVE e.sensitive"))
