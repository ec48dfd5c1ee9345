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
from small_world import build, cypher

from audience_graph import schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.graph.queries import list_queries, load_query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.saved.definition import SavedQuery, saved_queries, saved_query
from audience_graph.vectors.store import Store

# What is asked of each, and the rows that come: the columns that tell them apart.
CASES: dict[str, list[tuple[dict[str, Any], tuple[str, ...], list[tuple[Any, ...]]]]] = {
    "audience_picks": [({"audience": "spring"}, ("id", "hop", "by"), [("e1", 0, "mia"), ("e2", 1, "mia")])],
    "audience_results": [({"audience": "spring"}, ("id", "lift", "conversions"), [("e2", 2.0, 80), ("e1", 0.8, 120)])],
    "audiences_of_a_service": [
        ({"phrase": "e2"}, ("audience", "relevance", "lift"), [("spring", 0.9, 2.0), ("autumn", 0.5, None)]),
    ],
    "best_services": [
        ({}, ("id", "audience", "lift_low"), [("e6", "autumn", 1.7), ("e2", "spring", 1.4), ("e1", "spring", 0.6)]),
    ],
    "both_ways": [({"phrase": "e1"}, ("id", "score"), [("e2", 0.3)]), ({"phrase": "e5"}, ("id",), [])],
    "bridges": [
        ({"phrase": "e5", "other": "e6"}, ("id", "score", "from_first"), [("e7", 0.5, 0.5)]),
        ({"phrase": "e5", "other": "e5"}, ("id",), []),
    ],
    "confirmed_relations": [
        ({}, ("source", "target", "sources", "note", "in_this_week"),
         [("skin care", "Alex Morgan", ["marketer"], "fans", False)]),
    ],
    "entity_card": [
        ({"phrase": "skin care"}, ("id", "reach", "leads_to", "led_from", "confirmed", "rejected"),
         [("e1", 300, 2, 1, 1, 0)]),
        ({"phrase": "nobody"}, ("id",), []),
    ],
    "find_by_words": [
        ({"words": "football"}, ("id",), [("e5",), ("e7",)]),
        ({"words": "C++"}, ("id",), [("e11",)]),
        ({"words": 'women" OR name:* "'}, ("id",), []),
    ],
    "gone_this_week": [({"phrase": "e1"}, ("id", "score"), [("e4", 0.5)])],
    "hubs": [({"type": "product"}, ("id", "led_from"), [("e7", 2), ("e11", 1), ("e2", 1)])],
    "most_met": [({"type": "service"}, ("id", "reach"), [("e3", 400), ("e1", 300)])],
    "moved_this_week": [({"phrase": "e1"}, ("id", "score", "before"), [("e3", 0.6, 0.55)])],
    "near_all_of_these": [
        ({"phrases": ["e5", "Alex Morgan"]}, ("id", "score"), [("e7", 0.5)]),
        ({"phrases": ["e1", "e5"]}, ("id", "score"), [("e6", 0.4)]),
    ],
    "near_of_a_type": [({"phrase": "e1", "type": "product"}, ("id", "score"), [("e2", 0.9)])],
    "new_this_week": [({"phrase": "e1"}, ("id", "score"), [("e2", 0.9)])],
    "nobody_uses": [({"type": "service"}, ("id",), [("e3",)])],
    "overlap_of_audiences": [
        ({"audience": "spring", "other": "autumn"}, ("id", "used_by", "relevance", "other_relevance"),
         [("e2", "both", 0.9, 0.5), ("e1", "first", 1.0, None), ("e6", "other", None, 1.0)]),
    ],
    "path_between": [
        ({"phrase": "e5", "other": "e7"}, ("ids", "hops"), [(["e5", "e6", "e7"], 2)]),
        ({"phrase": "e7", "other": "e5"}, ("ids",), []),
    ],
    "reach_of_these": [
        ({"phrases": ["e1", "spa", "e2", "skin care", "nobody"]}, ("id", "reach"),
         [("e3", 400), ("e1", 300), ("e2", None)]),
    ],
    "relations_among_these": [
        ({"phrases": ["e1", "face mask", "e3", "e6", "nobody"]}, ("source", "target", "score", "confirmed"),
         [("e1", "e2", 0.9, False), ("e1", "e3", 0.6, False), ("e1", "e6", 0.4, True), ("e2", "e1", 0.3, False)]),
        ({"phrases": ["e3", "e8"]}, ("source",), []),
    ],
    "rejected_relations": [
        ({}, ("source", "target", "by", "in_this_week"), [("spa", "massage", "mia", True)]),
    ],
    "similar_services": [
        ({"phrase": "e1"}, ("id", "score", "confirmed"), [("e2", 0.9, False), ("e3", 0.6, False), ("e6", 0.4, True)]),
        ({"phrase": "e3"}, ("id",), []),
    ],
    "unused_winners": [({"audience": "spring"}, ("id", "in_audience"), [("e6", "autumn")])],
    "weeks": [({}, ("week", "current"), [("2026-W30", True), ("2026-W29", False)])],
    "who_else_fits": [
        ({"audience": "spring"}, ("id", "led_from", "score"), [("e11", 1, 0.8), ("e3", 1, 0.6)]),
    ],
    "who_leads_here": [({"phrase": "e7"}, ("id", "score"), [("e6", 0.9), ("e5", 0.5)])],
    "why_related": [
        ({"phrase": "e1", "other": "e2"}, ("score", "rank", "provenance", "rejected"), [(0.9, 1, "both", False)]),
        ({"phrase": "e1", "other": "e6"}, ("score", "rank", "confirmed_by"), [(0.4, None, ["marketer"])]),
        ({"phrase": "e3", "other": "e8"}, ("score", "rejected"), [(0.7, True)]),
        ({"phrase": "e1", "other": "e9"}, ("score",), []),
    ],
    "within_two_hops": [
        ({"phrase": "e1"}, ("id", "hop", "via"),
         [("e2", 1, "skin care"), ("e11", 2, "face mask"), ("e3", 1, "skin care"), ("e6", 1, "skin care"),
          ("e7", 2, "Alex Morgan")]),
        ({"phrase": "e1", "fan_out": 1}, ("id",), [("e2",), ("e11",), ("e6",), ("e7",)]),
    ],
    "without_relations": [({"type": "service"}, ("id",), [("e10",), ("e8",), ("e9",)])],
}  # fmt: skip
ALL = [(name, *case) for name, cases in CASES.items() for case in cases]


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    schema.migrate(connections)
    runner.write(cypher("MATCH (a:Audience) DETACH DELETE a"))
    build(runner, store)
    decide = (
        "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e6'}), (c:Entity {id: 'e3'}), (d:Entity {id: 'e8'}), (e:Entity {id: 'e2'})"  # noqa: E501
        " CREATE (a)-[:CONFIRMED {score: .4, source: 'marketer', sources: ['marketer'], by: 'mia', at: datetime(), note: 'fans'}]->(b)"  # noqa: E501
        " CREATE (c)-[:REJECTED {source: 'marketer', sources: ['marketer'], by: 'mia', at: datetime(), note: ''}]->(d)"
        " CREATE (e)-[:RELATES_2026_W30_1a2b3c4d {score: .3, rank: 2, margin: 1.0, provenance: 'text'}]->(a)"
        " SET a.reach = 300, c.reach = 400"
    )
    runner.write(cypher(decide))
    campaigns = (
        "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e2'}), (c:Entity {id: 'e6'})"
        " CREATE (s:Audience {id: 1, name: 'spring'}), (t:Audience {id: 2, name: 'autumn'})"
        " CREATE (s)-[:PICKED {hop: 0, relevance: 1.0, by: 'mia'}]->(a), (s)-[:PICKED {hop: 1, relevance: .9, by: 'mia'}]->(b)"  # noqa: E501
        " CREATE (t)-[:PICKED {hop: 0, relevance: 1.0, by: 'tom'}]->(c), (t)-[:PICKED {hop: 1, relevance: .5, by: 'tom'}]->(b)"  # noqa: E501
        " CREATE (s)-[:PERFORMED {exposures: 500, conversions: 120, lift: .8, lift_low: .6, lift_high: 1.1}]->(a)"
        " CREATE (s)-[:PERFORMED {exposures: 200, conversions: 80, lift: 2.0, lift_low: 1.4, lift_high: 2.9}]->(b)"
        " CREATE (t)-[:PERFORMED {exposures: 300, conversions: 90, lift: 2.2, lift_low: 1.7, lift_high: 3.0}]->(c)"
    )
    runner.write(cypher(campaigns))


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
    phrases = {p.name for p in saved.parameters if p.kind == "entity"}
    if phrases & set(given) and "nobody" in given.values():
        return  # Python says that there is no such phrase
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
