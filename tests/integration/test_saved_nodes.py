"""Saved queries that are not what they seem: Cypher that hides, nodes that plain Cypher wrote, names that the package
takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from small_world import cypher

from audience_graph import schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import AudienceGraphError, ConfigError, QueryError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.saved.definition import saved_queries
from audience_graph.saved.kept import write_package

HEAD = "// title: Ours\n// question: Ours?\n// Purpose: {purpose}\n// params: {params}\n// returns: id\n"
DELETES = "MATCH (n:SavedQuery {name: 'victim'}) DETACH DELETE n RETURN 1 AS id"


def text(body: str, purpose: str = "ours.", params: str = "none") -> str:
    return HEAD.format(purpose=purpose, params=params) + body


HIDDEN = {
    "an escape": text(f"{DELETES}\n// */ RETURN 1 AS id", "harmless \\u000a/*"),
    "a return": text(f"{DELETES}\n// */ RETURN 1 AS id", "harmless \r/*"),
    "a line of another kind": text("// a\u2028" + DELETES + "\nRETURN 1 AS id"),
    "a quote": text(f"WITH '\\u0027 AS x //' AS x\n{DELETES} //'\nRETURN 1 AS id"),
}


@pytest.fixture
def ag(keeper: AudienceGraph) -> AudienceGraph:
    return keeper


def plant(runner: Neo4jRunner, name: object, body: object, own: object = True) -> None:
    create = cypher("CREATE (:SavedQuery {name: $name, own: $own, by: 'x', at: datetime(), title: 't', question: 'q', "
                    "cypher: $cypher})")  # fmt: skip
    runner.write(create, {"name": name, "cypher": body, "own": own})


def exports(ag: AudienceGraph, folder: Path, notes: list[str]) -> str:
    for kind in ("browser", "guide", "neodash"):
        ag.queries.export(kind, folder / kind, note=notes.append)  # type: ignore[arg-type]
    with ZipFile(folder / "browser") as archive:
        scripts = [archive.read(name).decode() for name in archive.namelist()]
    return "\n".join([*scripts, *((folder / kind).read_text(encoding="utf-8") for kind in ("guide", "neodash"))])


@pytest.mark.parametrize("kind", HIDDEN)
def test_cypher_that_hides_is_neither_kept_nor_exported(
    ag: AudienceGraph, runner: Neo4jRunner, tmp_path: Path, kind: str
) -> None:
    with pytest.raises((ConfigError, QueryError)):
        ag.queries.save("ours", HIDDEN[kind])
    plant(runner, "ours", HIDDEN[kind])
    notes: list[str] = []
    assert "DETACH DELETE" not in exports(ag, tmp_path, notes)
    assert [note for note in notes if "'ours'" in note] == notes
    assert len(notes) == 3


def test_what_writes_without_hiding_is_not_exported(ag: AudienceGraph, runner: Neo4jRunner, tmp_path: Path) -> None:
    plant(runner, "ours", text(DELETES))
    plant(runner, "fine", text("RETURN 1 AS id"))
    notes: list[str] = []
    told = exports(ag, tmp_path, notes)
    assert "DETACH DELETE" not in told
    assert "RETURN 1 AS id" in told
    assert all("saved query 'ours' is left out" in note and "does more than read" in note for note in notes)
    assert len(notes) == 3


def test_every_text_of_an_export_is_planned_before_it_is_kept(ag: AudienceGraph) -> None:
    params = "n (integer, at least 1), x (number, default 0.5), y (yes or no), c (text, choices p|it's), t (text)"
    body = "WITH $x AS x, $y AS y, $c AS c, $t AS t MATCH (e:Entity) WHERE y AND c <> t RETURN e.id AS id LIMIT $n"
    saved = ag.queries.save("ours", text(body, params=params))
    assert [p.name for p in saved.parameters] == ["n", "x", "y", "c", "t"]


def test_a_dashboard_asks_by_the_type_of_a_parameter(ag: AudienceGraph, runner: Neo4jRunner, tmp_path: Path) -> None:
    params = "n (integer), x (number), y (yes or no), c (text, choices p|it's)"
    ag.queries.save("ours", text("UNWIND [1, 2, 3] AS id WITH id, $x AS x, $y AS y, $c AS c WHERE y AND x > .1 AND "
                                 "c = \"it's\" RETURN id LIMIT $n", params=params))  # fmt: skip
    ag.queries.export("neodash", tmp_path / "dashboard.json")
    pages = json.loads((tmp_path / "dashboard.json").read_text(encoding="utf-8"))["pages"]
    reports = next(page["reports"] for page in pages if any(r["title"] == "Ours?" for r in page["reports"]))
    table = next(r for r in reports if r["type"] == "table")
    values = {"neodash_n": "2", "neodash_x": "0.5", "neodash_y": "true", "neodash_c": "it's"}
    assert [row["id"] for row in runner.read(cypher(table["query"]), values)] == [1, 2]
    chosen = {r["title"]: [row["value"] for row in runner.read(cypher(r["query"]), {"input": ""})] for r in reports
              if r["type"] == "select"}  # fmt: skip
    assert (chosen["c"], chosen["y"]) == (["p", "it's"], ["true", "false"])


def test_words_are_found_by_what_their_selector_gives(ag: AudienceGraph, runner: Neo4jRunner, tmp_path: Path) -> None:
    assert ag.queries.suggest("find_by_words", "words", "foot") == (("football shoes", "football shoes"),)
    ag.queries.export("neodash", tmp_path / "dashboard.json")
    pages = json.loads((tmp_path / "dashboard.json").read_text(encoding="utf-8"))["pages"]
    page = next(page["reports"] for page in pages if page["title"] == "By words")
    [chosen, *_] = runner.read(cypher(page[0]["query"]), {"input": "foot"})
    rows = runner.read(cypher(page[1]["query"]), {"neodash_words": chosen["value"]})
    assert "football shoes" in [row["name"] for row in rows]


UNREADABLE: dict[str, tuple[object, object, object]] = {
    "no header": ("slip", "RETURN 'a' AS a", True),
    "no text": ("slip", 5, True),
    "a name that is none": ("../My slip", text("RETURN 1 AS id"), True),
    "a name that is a number": (7, text("RETURN 1 AS id"), True),
    "a name of the package": ("weeks", text("RETURN 1 AS id"), True),
    "a suggestion that there is not": ("slip", text("RETURN $a AS id", params="a (text, suggest no)"), True),
    "an own that is a word": ("slip", "RETURN 1", "yes"),
    "a plan": ("slip", text("EXPLAIN RETURN 1 AS id"), True),
    "too deep": ("slip", text(f"RETURN {'[' * 200}{']' * 200} AS id"), True),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_node_that_is_no_saved_query_is_told_and_removed(
    ag: AudienceGraph, runner: Neo4jRunner, tmp_path: Path, kind: str
) -> None:
    ag.queries.save("fine", text("RETURN 1 AS id"))
    name, body, own = UNREADABLE[kind]
    plant(runner, name, body, own)
    listed = ag.queries.list()
    assert [one.query.name for one in listed if one.by is not None] == ["fine"]
    [told] = listed.unreadable
    assert told.name == str(name)
    assert f"saved query {str(name)!r} cannot be read: " in str(told)
    assert ".cypher" not in str(told)
    notes: list[str] = []
    exports(ag, tmp_path, notes)
    assert notes == [str(told)] * 3
    ag.queries.remove(told.name)
    assert ag.queries.list().unreadable == ()


def test_a_query_that_cannot_be_read_says_so_when_it_is_asked_for(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    plant(runner, "slip", "RETURN 'a' AS a")
    for ask in (ag.queries.get, ag.query):
        with pytest.raises(ConfigError, match=r"^saved query 'slip' cannot be read: the header lacks") as error:
            ask("slip")
        assert error.value.hint == "`audience-graph query remove slip` removes it"


def test_the_command_line_goes_on_beside_one_that_cannot_be_read(
    connections: Connections, ag: AudienceGraph, runner: Neo4jRunner, tmp_path: Path
) -> None:
    plant(runner, "my slip", "RETURN 'a' AS a")
    ag.queries.save("fine", text("RETURN 1 AS id"))
    env = {**os.environ, "NEO4J_URI": connections.neo4j_uri, "NEO4J_USERNAME": connections.neo4j_username,
           "NEO4J_PASSWORD": connections.neo4j_password, "NEO4J_DATABASE": connections.neo4j_database,
           "DATABASE_URL": connections.database_url}  # fmt: skip

    def run(*words: str) -> Any:
        command = [sys.executable, "-m", "audience_graph.cli", "query", *words]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done

    listed = run("list", "--json")
    assert "fine" in {row["name"] for row in json.loads(listed.stdout)}
    note = "Note: saved query 'my slip' cannot be read: its name is none that a query may have; "
    assert note + "audience-graph query remove 'my slip'" in listed.stderr
    assert note in run("export", "guide", "guide.html").stderr
    run("remove", "my slip")
    assert "Note" not in run("list").stderr


def test_a_file_with_a_byte_order_mark_and_other_line_ends_is_kept(ag: AudienceGraph) -> None:
    own = text("RETURN 'a\u2028b' AS id\n")
    saved = ag.queries.save("ours", "\ufeff" + own.replace("\n", "\r\n"))
    assert saved.query.text == own
    assert ag.query("ours").columns["id"] == ("a\u2028b",)


def test_a_copy_of_a_query_answers_as_its_source(ag: AudienceGraph) -> None:
    params = 'n (integer, default 5, at most 1234567), a (text, default "x, y"), b (text, default "p(q)")'
    ag.queries.save("source", text("RETURN [toString($n), $a, $b, 'a\u2028b\x85c'] AS id", params=params))
    ag.queries.save_as("copied", "source", {"n": 1_234_567}, title="Copied")
    assert ag.query("copied").columns["id"] == (["1234567", "x, y", "p(q)", "a\u2028b\x85c"],)
    with pytest.raises(ConfigError, match="at most 1234567, not 1234568"):
        ag.query("copied", n=1_234_568)
    for blank in ("", " "):
        with pytest.raises(ConfigError, match="no entity is called"):
            ag.queries.save_as("blank", "similar_services", {"phrase": blank}, title="Blank")


def test_a_query_of_a_newer_package_takes_no_name_from_a_person(
    ag: AudienceGraph, runner: Neo4jRunner, connections: Connections
) -> None:
    write_package(runner)
    runner.write(cypher("MATCH (q:SavedQuery {name: 'weeks'}) DELETE q"))
    plant(runner, "weeks", text("RETURN 1 AS id"))
    ag.queries.save("weeks_kept", text("RETURN 2 AS id"))
    notes: list[str] = []
    schema.migrate(connections, note=notes.append)
    assert notes == ["the package has a saved query 'weeks' now: the one that people keep is called 'weeks_kept_2'"]
    assert ag.query("weeks_kept_2").columns["id"] == (1,)
    assert ag.query("weeks_kept").columns["id"] == (2,)
    there = runner.read(cypher("MATCH (q:SavedQuery) WHERE NOT q.own RETURN q.name AS name"))
    assert {row["name"] for row in there} == {saved.name for saved in saved_queries()}
    assert write_package(runner) == {}


def test_errors_name_the_query_and_no_file(ag: AudienceGraph) -> None:
    for body in ("RETURN 1", text("RETURN nothing AS id"), text("RETURN $a AS id")):
        with pytest.raises(AudienceGraphError, match=r"saved query 'ours'") as error:
            ag.queries.save("ours", body)
        assert ".cypher" not in str(error.value)
