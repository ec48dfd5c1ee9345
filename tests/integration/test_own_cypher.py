"""Cypher of one's own on a real server: what reads runs once, everything else is refused before it runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from os import environ
from pathlib import Path
from typing import Any

import pytest
from small_world import EVIL, build, cypher

from audience_graph import schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import ConfigError, QueryError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

READ = [
    "MATCH (e:Entity) RETURN count(*) AS n",
    "MATCH (e:Entity)-[r]->(f) RETURN e, r, f LIMIT 3",
    "MATCH p = (:Entity {id: 'e1'})-[*1..3]->() RETURN p",
    "MATCH p = shortestPath((:Entity {id: 'e5'})-[*..4]->(:Entity {id: 'e7'})) RETURN length(p) AS n",
    "MATCH (a:Entity)((x)-[r]->(y)){1,2}(b:Entity) RETURN count(*) AS n",
    "MATCH (e:Entity) WHERE e.name CONTAINS $x OR EXISTS { (e)-->() } OR COUNT { (e)--() } > 2 RETURN e.id AS id",
    "MATCH (e:Entity) OPTIONAL MATCH (e)-[r:CONFIRMED]->(f) RETURN e.type AS t, count(f) AS n ORDER BY n, t SKIP 1",
    "UNWIND range(1, 3) AS x CALL (x) { RETURN x * 2 AS y UNION RETURN x AS y } RETURN DISTINCT x, y",
    "CALL db.index.fulltext.queryNodes('entity_text', 'football') YIELD node, score RETURN node.id AS id, score",
    "CALL db.labels() YIELD label RETURN label",
    "CALL audience.neighbours('e1') YIELD name, score RETURN name, score",
    "CALL audience.diff('2026-W29', '2026-W30')",
    "CALL audience.picture(['e1']) YIELD nodes, relationships RETURN nodes, relationships",
    "MATCH ()-[r:PICKED|PERFORMED]->() RETURN count(r) AS n",
    "MATCH (n) RETURN labels(n) AS l, count(*) AS n",
    "MATCH ()-[r]->() RETURN type(r) AS t, count(*) AS n",
    "MATCH (a:Entity), (b:Entity) WHERE a.name < b.name RETURN count(*) AS n",
    "RETURN datetime('2026-07-26') AS t, point({x: 1, y: 2}) AS p, [1, {a: 2}] AS l",
]
REFUSED = [
    "CREATE (:Entity {id: 'x'})",
    "MATCH (e:Entity) SET e.name = 'x'",
    "MATCH (e:Entity) REMOVE e.name",
    "MATCH (e:Entity) DETACH DELETE e",
    "MERGE (:Entity {id: 'x'})",
    "MATCH (e:Entity) WITH e LIMIT 1 FOREACH (x IN [1] | SET e.name = 'x')",
    "MATCH (e:Entity) CALL (e) { SET e.name = 'x' } IN TRANSACTIONS OF 1 ROWS",
    "MATCH (e:Entity) CALL (e) { RETURN 1 AS x } IN TRANSACTIONS OF 1 ROWS RETURN x",
    "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "LOAD CSV FROM 'http://127.0.0.1:1/x' AS line RETURN line",
    "CALL dbms.listConfig() YIELD name, value RETURN name, value",
    "CALL db.createLabel('X')",
    "CALL gds.graph.list() YIELD graphName RETURN graphName",
    "CALL gds.graph.drop('x', false) YIELD graphName RETURN graphName",
    "CALL audience.confirm('e1', 'e2')",
    "SHOW USERS",
    "SHOW SETTINGS",
    "SHOW TRANSACTIONS",
    "SHOW INDEXES",
    "TERMINATE TRANSACTION 'neo4j-transaction-1'",
    "CREATE INDEX x FOR (e:Entity) ON (e.x)",
    "DROP CONSTRAINT entity_id",
    "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'b'",
    "CREATE USER eve SET PASSWORD 'secret12'",
    "USE system SHOW USERS",
    "PROFILE MATCH (e:Entity) SET e.x = 1",
    "RETURN 1; MATCH (e) DETACH DELETE e",
    "MATCH (e:Entity) RETURN e UNION MATCH (e:Entity) SET e.x = 1 RETURN e",
    "/* RETURN 1 */ MATCH (e) DELETE e",
    "nonsense",
    EVIL,
]


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    schema.migrate(connections)
    build(runner, store)


@pytest.fixture
def ag(connections: Connections, world: None) -> Iterator[AudienceGraph]:  # noqa: ARG001 - built first
    with AudienceGraph.connect(connections=connections) as client:
        yield client


def everything(runner: Neo4jRunner) -> list[dict[str, Any]]:
    text = (
        "MATCH (n) WITH count(*) AS nodes, sum(size(keys(n))) AS keys, collect(DISTINCT n.name) AS names"
        " MATCH ()-[r]->() RETURN nodes, keys, names, count(*) AS relations, sum(size(keys(r))) AS told"
    )
    return runner.read(cypher(text))


@pytest.mark.parametrize("text", READ)
def test_what_reads_is_run(ag: AudienceGraph, text: str) -> None:
    found = ag.cypher(text, {"x": "spa"} if "$x" in text else {})
    json.dumps(list(found.rows()))  # plain values all through
    assert not found.more


@pytest.mark.parametrize("text", REFUSED)
def test_everything_else_is_refused_and_nothing_changes(ag: AudienceGraph, runner: Neo4jRunner, text: str) -> None:
    before = everything(runner)
    with pytest.raises(QueryError):
        ag.cypher(text)
    assert everything(runner) == before


def test_rows_are_capped_and_time_too(ag: AudienceGraph) -> None:
    found = ag.cypher("UNWIND range(1, 10000000) AS x RETURN x", max_rows=5)
    assert (found.columns["x"], found.more) == ((1, 2, 3, 4, 5), True)
    assert len(ag.cypher("UNWIND range(1, 5) AS x RETURN x", max_rows=5)) == 5
    start = time.monotonic()
    with pytest.raises(QueryError, match=r"(?i)timed out|timeout|terminated"):
        ag.cypher(
            "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b WHERE a * b < 0 RETURN a", timeout=1
        )
    assert time.monotonic() - start < 20


SLOW_TO_PLAN = "MATCH (n:Entity) RETURN n.id AS id LIMIT toInteger(reduce(s = 0, i IN range(1, 400000000) | s + 1))"


def test_a_query_that_the_server_does_not_stop_is_given_up(ag: AudienceGraph) -> None:
    start = time.monotonic()
    with pytest.raises(QueryError, match=r"given up|terminated|timed out"):
        ag.cypher(SLOW_TO_PLAN, timeout=0.5)
    assert time.monotonic() - start < 9
    assert ag.cypher("RETURN 1 AS x").columns["x"] == (1,)  # the next one has a connection of its own


def test_wide_rows_are_capped_by_what_they_hold(ag: AudienceGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audience_graph.graph.runner.MOST_VALUES", 1000)
    found = ag.cypher("UNWIND range(1, 50) AS i RETURN i, [x IN range(1, 99) | x] AS l")
    assert (len(found), found.more) == (10, True)
    assert (len(ag.cypher("UNWIND range(1, 50) AS i RETURN i")), found.more) == (50, True)


def test_what_cannot_be_a_query_is_refused_in_words(ag: AudienceGraph) -> None:
    for text, said in (
        ("EXPLAIN RETURN 1", "EXPLAIN is not run here"),
        ("SHOW INDEXES", "SHOW is not run here"),
        ("cypher runtime=slotted  profile MATCH (n) RETURN n", "PROFILE is not run here"),
        ("/* why */ explain RETURN 1", "EXPLAIN is not run here"),
        (f"RETURN {'[' * 400}{']' * 400} AS x", "at most 100 brackets"),
    ):
        with pytest.raises((ConfigError, QueryError), match=said):
            ag.cypher(text)
    assert ag.cypher(f"RETURN '{'(' * 400}' AS explain").columns["explain"] == ("(" * 400,)
    deep: list[Any] = []
    for _ in range(600):
        deep = [deep]
    for params, said in (
        ([1], "a map of names"),
        ("abc", "a map of names"),
        ({"x": deep}, "x has more than 100 lists"),
    ):
        with pytest.raises(ConfigError, match=said):
            ag.cypher("RETURN 1 AS x", params)  # type: ignore[arg-type]


def test_durations_and_points_are_plain_values(ag: AudienceGraph) -> None:
    row = next(
        ag.cypher(
            "RETURN duration('P1Y2DT3S') AS d, point({x: 1, y: 2}) AS p,"
            " point({longitude: 1, latitude: 2, height: 3}) AS q"
        ).rows()
    )
    assert row == {
        "d": "P1Y2DT3S",
        "p": {"srid": 7203, "x": 1.0, "y": 2.0},
        "q": {"srid": 4979, "x": 1.0, "y": 2.0, "z": 3.0},
    }


def test_nodes_relationships_and_paths_are_maps(ag: AudienceGraph) -> None:
    row = next(ag.cypher("MATCH p = (a:Entity {id: 'e1'})-[r]->(b {id: 'e2'}) RETURN a, r, p").rows())
    assert row["a"] == {"labels": ["Entity"], "id": "e1", "name": "skin care", "type": "service",
                        "aliases": ["skincare", "护肤"]}  # fmt: skip
    assert (row["r"]["type"], row["r"]["score"]) == ("RELATES_2026_W30_1a2b3c4d", 0.9)
    assert [part.get("id", part.get("type")) for part in row["p"]] == ["e1", "RELATES_2026_W30_1a2b3c4d", "e2"]


@pytest.mark.parametrize("payload", ["' OR 1=1 //", "`}) DETACH DELETE e //", '"', "\\", "💄", "$x", "a\nb", "' + '"])
def test_parameters_stay_values(ag: AudienceGraph, runner: Neo4jRunner, payload: str) -> None:
    before = everything(runner)
    found = ag.cypher("MATCH (e:Entity) WHERE e.name = $x RETURN $x AS x, e.id AS id", {"x": payload})
    assert len(found) == 0
    assert ag.cypher("RETURN $x AS x", {"x": payload}).columns["x"] == (payload,)
    assert everything(runner) == before


def test_the_command_line_reads_parameters_and_the_standard_input(
    connections: Connections,
    world: None,  # noqa: ARG001 - built first
    tmp_path: Path,
) -> None:
    env = {**environ, "NEO4J_URI": connections.neo4j_uri, "NEO4J_USERNAME": connections.neo4j_username,
           "NEO4J_PASSWORD": connections.neo4j_password, "NEO4J_DATABASE": connections.neo4j_database,
           "DATABASE_URL": connections.database_url}  # fmt: skip

    def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "audience_graph.cli", "query", "cypher", *words]
        return subprocess.run(command, env=env, cwd=tmp_path, input=stdin, capture_output=True, text=True, check=False)

    typed = "MATCH (e:Entity {type: $type}) RETURN e.id AS id ORDER BY id LIMIT $n"
    done = run("-", "-p", "type=product", "-p", "n=2", "--json", stdin=typed)
    assert [row["id"] for row in json.loads(done.stdout)["rows"]] == ["e11", "e2"]
    short = run("UNWIND range(1, 9) AS x RETURN x", "--max-rows", "3")
    assert "more than 3 rows" in short.stderr
    refused = run("MATCH (n) DETACH DELETE n")
    assert refused.returncode == 1
    assert "does more than read" in refused.stderr
    assert "Traceback" not in refused.stderr
    odd = run("RETURN 0.0 / 0.0 AS x, 1.0 / 0.0 AS y, 1.5 AS z", "--json")
    assert json.loads(odd.stdout, parse_constant=pytest.fail)["rows"] == [{"x": None, "y": None, "z": 1.5}]
    twice = run("RETURN $x AS x", "-p", "x=1", "-p", "x=2")
    assert (twice.returncode, "x is given twice" in twice.stderr) == (2, True)
    (tmp_path / "latin.cypher").write_bytes("// title: Caf\xe9".encode("latin-1"))
    command = [sys.executable, "-m", "audience_graph.cli", "query", "save", "latin", "latin.cypher"]
    latin = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (latin.returncode, "latin.cypher is no UTF-8" in latin.stderr) == (1, True)
