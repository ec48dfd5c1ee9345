"""Audiences on the command line: from a phrase to a snapshot, as somebody types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from audience_world import build_audience_world

from audience_graph import schema
from audience_graph.config import Connections
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store


@pytest.fixture(scope="module")
def env(connections: Connections, runner: Neo4jRunner, store: Store) -> dict[str, str]:
    schema.migrate(connections)
    build_audience_world(runner, store)
    return {
        **os.environ,
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
        "AUDIENCE_GRAPH_ACTOR": "ann",
    }


def run(env: dict[str, str], *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "audience_graph.cli", "audience", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def told(env: dict[str, str], *words: str) -> dict:  # type: ignore[type-arg]
    found = json.loads(run(env, *words, "--json").stdout)
    assert isinstance(found, dict)
    return found


def test_from_a_phrase_to_a_snapshot(env: dict[str, str], tmp_path: Path) -> None:
    sized = told(env, "size", "skin care", "--where", "age >= 19", "--size", "150")
    assert sized["users"] == 150
    assert [row["kind"] for row in sized["rows"] if row["kind"] != "entity"] == [
        "everyone",
        "filter",
        "eligible",
        "cut",
    ]
    saved = run(env, "save", "spring", "skin care", "--size", "150", "--where", "age >= 19", "--note", "first")
    assert saved.stdout.splitlines() == ["best 150 for 'skin care'", "  among age >= 19"]
    assert "revision 1 (draft)" in saved.stderr
    taken = told(env, "take", "spring")["rows"][0]
    assert (taken["name"], taken["revision"], taken["users"]) == ("spring", 1, 150)
    assert [row["place"] for row in told(env, "preview", "spring", "--count", "3")["rows"]] == [1, 2, 3]
    run(env, "save", "spring", "skin care", "--size", "200")
    assert "- best 150" in run(env, "diff", "spring", "1").stdout
    again = told(env, "take", "spring")["rows"][0]
    changed = {row["change"]: row["users"] for row in told(env, "changes", str(taken["snapshot"]),
                                                           str(again["snapshot"]))["rows"]}  # fmt: skip
    assert changed["before"] == 150
    assert "approved 'spring', revision 2, by ann" in run(env, "approve", "spring").stderr
    shown = told(env, "show", "spring")
    assert [row["status"] for row in shown["rows"]] == ["approved", "draft"]
    assert len(told(env, "show", "spring", "--snapshots")["rows"]) == 2
    file = tmp_path / "spring.json"
    file.write_text(run(env, "show", "spring", "--definition").stdout, encoding="utf-8")
    assert "saved 'copy'" in run(env, "save", "copy", "--definition", str(file)).stderr
    run(env, "take", "copy")
    assert [(row["a"], row["b"]) for row in told(env, "overlap")["rows"]] == [("copy", "spring")]
    assert [row["name"] for row in told(env, "list")["rows"]] == ["copy", "spring"]
    actions = [row["action"] for row in told(env, "log", "--about", "audience spring")["rows"]]
    assert actions[:5] == ["approve", "snapshot", "save", "snapshot", "save"]


def test_audiences_of_audiences_and_of_users(env: dict[str, str], tmp_path: Path) -> None:
    run(env, "save", "fans", "skin care", "--size", "200")
    run(env, "save", "mix", "--among", "fans", "--where", "city = Lyon|Nice", "--without-event", "face mask:7d:search")
    assert "without search events for 'face mask' in the last 7 days" in run(env, "show", "mix").stderr
    seeds = tmp_path / "seeds.txt"
    seeds.write_text("u1\nu2\nu3\n", encoding="utf-8")
    alike = told(env, "size", "--like-users", str(seeds), "--method", "graph", "--size", "300", "--no-entities")
    assert alike["users"] == 300
    assert told(env, "size", "--like", "fans", "--width", "narrow", "--no-entities")["users"] is None
    assert told(env, "widths", "skin care")["rows"][2]["share"] == 0.15
    lifts = told(env, "composition", "fans", "--column", "vip")["rows"]
    assert all(row["low"] <= row["lift"] <= row["high"] for row in lifts)
    run(env, "archive", "mix")
    assert "mix" not in run(env, "list").stdout


def test_why_a_user_is_in_or_not(env: dict[str, str]) -> None:
    run(env, "save", "why", "skin care", "--size", "150", "--where", "age >= 30", "--method", "graph")
    number = told(env, "take", "why")["rows"][0]["snapshot"]
    first = told(env, "preview", "why", "--count", "1")["rows"][0]
    why = told(env, "explain", first["user_id"], "why", "--purpose", "marketing")
    assert (why["status"], why["score"], why["reason"]) == ("in", first["score"], None)
    assert sum(row["part"] for row in why["rows"]) == pytest.approx(first["score"], rel=1e-4)
    stored = told(env, "explain", first["user_id"], "why", "--snapshot", str(number))
    assert (stored["snapshot"], stored["score"]) == (number, first["score"])
    out = run(env, "explain", "u7", "why")  # 25 years old
    assert "user u7 is not in audience 'why'\n  not age >= 30 (age is 25)" in out.stderr
    assert "No user has this id" in run(env, "explain", "nobody", "why").stderr
    assert "one of audience 'why'" in run(env, "explain", "u7", "fans", "--snapshot", str(number), code=1).stderr
    log = told(env, "log", "--about", "audience why")["rows"]
    looks = [row["what"].get("user_id") for row in log if row["action"] == "explain"]
    assert looks[:4] == [None, "u7", first["user_id"], first["user_id"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("take", "nobody"), "no audience 'nobody'"),
        (("size", "skin care", "--where", "shoe size"), "is no filter"),
        (("size", "skin care", "--where", "shoes = 43"), "no user has a column 'shoes'"),
        (("size", "skin care", "--event", ":"), "is no filter over events"),
        (("size", "skin care", "--size", "0"), "size must be a whole number"),
        (("size", "skin care", "--size", "10", "--width", "broad"), "pass a size or a width"),
        (("size", "--size", "10"), "a cut needs a ranking"),
        (("size", "skin care", "--like", "fans"), "one of them"),
        (("save", "a/b", "skin care"), "holds a control character or a slash"),
        (("save", " ", "skin care"), "an audience is named by"),
        (("size", "--definition", "pyproject.toml"), "is no JSON"),
        (("changes", "1", "999999"), "no snapshot 999999"),
        (("overlap", "fans"), "two audiences or more"),
        (("widths", "--where", "age >= 3"), "only a ranking has widths"),
        (("diff", "fans", "7"), "has no revision 7"),
    ],
)
def test_what_cannot_be_is_one_line_with_a_hint(env: dict[str, str], words: tuple[str, ...], said: str) -> None:
    if "fans" in words:
        run(env, "save", "fans", "skin care", "--size", "200")
    assert said in run(env, *words, code=1).stderr
