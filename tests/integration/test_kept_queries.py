"""Saved queries that people keep: saved without code, run by name, shared as a file, removed; nothing that writes."""

from __future__ import annotations

import json
import subprocess
import sys
from os import environ
from pathlib import Path
from typing import Any

import pytest
from small_world import EVIL, cypher

from audience_graph.audit import read_log
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import ConfigError, NotFoundError, QueryError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.saved.definition import saved_queries
from audience_graph.saved.kept import write_package
from audience_graph.vectors.store import Store

OURS = """// title: Ours
// question: Which of ours are there?
// Purpose: entities of a type.
// params: kind (text, default "brand", choices brand|service), n (integer, default 3, at least 1)
// returns: id
MATCH (e:Entity {type: $kind}) RETURN e.id AS id ORDER BY id LIMIT $n
"""


@pytest.fixture
def ag(keeper: AudienceGraph) -> AudienceGraph:
    return keeper


def test_a_query_is_saved_without_code_and_shared_as_a_file(ag: AudienceGraph, store: Store) -> None:
    def logged() -> list[str]:
        with store.transaction(read_only=True) as tx:
            return [entry.action for entry in read_log(tx, about="query near_spa")]

    before = logged()  # the log only grows, from run to run
    ag.queries.save_as("near_spa", "similar_services", {"phrase": "skin care", "limit": "1"}, title="Near spa")
    assert ag.query("near_spa").columns["id"] == ("e2",)
    assert ag.query("near_spa", limit=9).columns["id"] == ("e2", "e3")
    kept = next(one for one in ag.queries.list() if one.query.name == "near_spa")
    assert (kept.by, kept.query.title, kept.query.question) == (
        "mia", "Near spa", "Which services are most strongly related to this one?"
    )  # fmt: skip
    text = ag.queries.get("near_spa").query.text
    ag.queries.remove("near_spa")
    with pytest.raises(NotFoundError):
        ag.query("near_spa")
    ag.queries.save("theirs", text)
    assert ag.query("theirs").columns["id"] == ("e2",)
    assert logged() == ["remove query", "save query", *before]


@pytest.mark.parametrize(
    "value", ["a, b (c)", 'default "x"', EVIL, "💄", "\\", "a|b", "// title: x", "'", "at least 3"]
)
def test_a_default_is_a_value_whatever_it_holds(ag: AudienceGraph, value: str) -> None:
    saved = ag.queries.save_as("mine", "near_of_a_type", {"type": value}, title="Mine")
    assert next(p.default for p in saved.parameters if p.name == "type") == value
    again = ag.queries.save("again", saved.query.text)
    assert [p.default for p in again.parameters] == [p.default for p in saved.parameters]
    assert len(ag.query("again", phrase="e1")) == 0


@pytest.mark.parametrize("values", [["e1", "e5"], ["a, b", "c] (d) [e", '"'], []])
def test_a_default_may_be_a_list(ag: AudienceGraph, values: list[str]) -> None:
    saved = ag.queries.save_as("ours", "near_all_of_these", {"phrases": values}, title="Ours")
    assert next(p.default for p in saved.parameters if p.name == "phrases") == values
    again = ag.queries.save("again", saved.query.text)
    assert [p.default for p in again.parameters] == [p.default for p in saved.parameters]
    if "a, b" in values:
        with pytest.raises(NotFoundError, match="'a, b'"):
            ag.query("again")
    else:
        assert ag.query("again").columns["id"] == ag.query("near_all_of_these", phrases=values).columns["id"]


def test_an_own_file_has_typed_parameters(ag: AudienceGraph) -> None:
    ag.queries.save("ours", OURS)
    assert ag.query("ours").columns["id"] == ("e4",)
    assert len(ag.query("ours", kind="service", n="2")) == 2
    for given, message in (({"kind": "topic"}, "must be brand or service"), ({"n": 0}, "at least 1"), ({"x": 1}, "no")):
        with pytest.raises(ConfigError, match=message):
            ag.query("ours", **given)
    ag.queries.save("ours", OURS.replace('default "brand"', 'default "service"'))
    assert ag.query("ours", n=1).columns["id"] == ("e1",)


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("similar_services", OURS, ConfigError, "of the package"),
        ("Ours", OURS, ConfigError, "no name of a query"),
        ("a b", OURS, ConfigError, "no name of a query"),
        ("x" * 65, OURS, ConfigError, "no name of a query"),
        ("ours", "", ConfigError, "a query is a text"),
        ("ours", "RETURN 1", ConfigError, "header lacks"),
        ("ours", OURS.replace("// title: Ours\n", ""), ConfigError, "title"),
        ("ours", OURS.replace("returns: id", "returns: name"), ConfigError, "says that it returns name"),
        ("ours", OURS.replace("kind (text", "kind (thing"), ConfigError, "'thing'"),
        ("ours", OURS.replace('"brand"', "brand"), ConfigError, "no JSON"),
        ("ours", OURS.replace('"brand"', '"topic"'), ConfigError, "must be brand"),
        ("ours", OURS.replace("choices brand|service", "suggest nothing"), NotFoundError, "no query"),
        ("ours", OURS.replace("RETURN e.id", "SET e.x = 1 RETURN e.id"), QueryError, "more than read"),
        (
            "ours",
            OURS.replace("RETURN e.id", "CALL db.createLabel('X') RETURN e.id"),
            QueryError,
            "may not|failed|more than",
        ),
        ("ours", OURS.replace("MATCH", "MTCH"), QueryError, "failed"),
    ],
)
def test_what_is_not_a_saved_query_is_not_kept(
    ag: AudienceGraph, name: str, text: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ag.queries.save(name, text)
    assert [one for one in ag.queries.list() if one.by] == []


def test_titles_are_one_line(ag: AudienceGraph) -> None:
    for title in ("", " ", "a\nb", "x" * 300, "a\u202eb"):
        with pytest.raises(ConfigError, match="one line"):
            ag.queries.save_as("mine", "similar_services", {}, title=title)
    for words in ({"title": "a\\u000aMATCH (n) RETURN n //"}, {"title": "a", "question": "a\\u000A RETURN 1 //"}):
        with pytest.raises(ConfigError, match="holds no"):  # it would end the comment that the title is
            ag.queries.save_as("mine", "similar_services", {}, **words)
    with pytest.raises(ConfigError, match="no parameter 'x'"):
        ag.queries.save_as("mine", "similar_services", {"x": 1}, title="t")
    with pytest.raises(NotFoundError):
        ag.queries.remove("similar_services")


def test_who_only_has_browser_finds_the_packages_queries(runner: Neo4jRunner, ag: AudienceGraph) -> None:  # noqa: ARG001 - emptied
    write_package(runner)
    runner.write(cypher("CREATE (:SavedQuery {name: 'of_an_older_package', cypher: ''})"))
    write_package(runner)
    rows = runner.read(cypher("MATCH (q:SavedQuery) RETURN q.name AS name, q.cypher AS cypher, q.question AS question"))
    assert {row["name"]: (row["cypher"], row["question"]) for row in rows} == {
        saved.name: (saved.query.text, saved.question) for saved in saved_queries()
    }
    before = runner.read(cypher("MATCH (q:SavedQuery) RETURN max(q.at) AS at"))
    write_package(runner)
    assert runner.read(cypher("MATCH (q:SavedQuery) RETURN max(q.at) AS at")) == before


def test_the_command_line(connections: Connections, ag: AudienceGraph, tmp_path: Path) -> None:  # noqa: ARG001 - emptied
    env = {**environ, "NEO4J_URI": connections.neo4j_uri, "NEO4J_USERNAME": connections.neo4j_username,
           "NEO4J_PASSWORD": connections.neo4j_password, "NEO4J_DATABASE": connections.neo4j_database,
           "DATABASE_URL": connections.database_url, "AUDIENCE_GRAPH_ACTOR": "mia"}  # fmt: skip

    def run(*words: str, code: int = 0) -> Any:
        command = [sys.executable, "-m", "audience_graph.cli", "query", *words]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    run(
        "save", "near_spa", "--of", "similar_services", "-p", "phrase=skin care", "-p", "limit=1", "--title", "Near spa"
    )
    assert [row["id"] for row in json.loads(run("run", "near_spa", "--json").stdout)["rows"]] == ["e2"]
    listed = json.loads(run("list", "--json").stdout)
    assert next(row for row in listed if row["name"] == "near_spa")["by"] == "mia"
    file = tmp_path / "near_spa.cypher"
    file.write_text(run("show", "near_spa").stdout, encoding="utf-8")
    run("remove", "near_spa")
    assert "no saved query" in run("run", "near_spa", code=1).stderr
    run("save", "near_spa", str(file))
    assert [row["id"] for row in json.loads(run("run", "near_spa", "--json").stdout)["rows"]] == ["e2"]
    assert "give a FILE, or --of" in run("save", "x", code=2).stderr
    assert "needs a --title" in run("save", "x", "--of", "hubs", code=2).stderr
