"""The command-line twins on the small world: what they print, write and refuse."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_world import VERSION, build

from audience_graph.config import Connections
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store


@pytest.fixture(scope="module", autouse=True)
def _world(runner: Neo4jRunner, store: Store) -> None:
    build(runner, store)


@pytest.fixture(scope="module")
def env(connections: Connections) -> dict[str, str]:
    return {
        **os.environ,
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
    }


def run(env: dict[str, str], *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "audience_graph.cli", *words], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_expand_prints_json_csv_and_a_table(env: dict[str, str]) -> None:
    found = json.loads(run(env, "expand", "skin care", "--hops", "1", "--json").stdout)
    assert (found["version"], [row["id"] for row in found["rows"]]) == (VERSION, ["e2", "e3"])
    rows = list(csv.DictReader(io.StringIO(run(env, "expand", "skin care", "--csv").stdout)))
    assert [row["id"] for row in rows] == ["e2", "e11", "e3", "e8"]
    table = run(env, "expand", "skin care")
    assert "face mask" in table.stdout
    assert VERSION in table.stderr


def test_target_writes_a_file_and_explain_says_why(env: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "users.parquet"
    done = run(env, "target", "skin care", "--size", "20", "--out", str(out))
    assert done.stdout == ""
    assert "20 of 300 eligible" in done.stderr
    table = pq.read_table(out)
    assert table.num_rows == 20
    assert set(table["version"].to_pylist()) == {VERSION}
    user = table["user_id"][0].as_py()
    why = json.loads(run(env, "explain", user, "skin care", "--json").stdout)
    assert why["score"] == table["score"][0].as_py()
    assert sum(row["part"] for row in why["rows"]) + why["rounding"] == pytest.approx(why["score"])
    run(env, "target", "skin care", "--out", str(tmp_path / "users.xlsx"), code=1)


def test_excluded_users_come_from_a_file(env: dict[str, str], tmp_path: Path) -> None:
    first = json.loads(run(env, "target", "skin care", "--size", "5", "--json").stdout)["rows"]
    (tmp_path / "out.txt").write_text("\n".join(row["user_id"] for row in first[:2]) + "\n")
    rest = run(env, "target", "skin care", "--size", "3", "--json", "--exclude-users", str(tmp_path / "out.txt"))
    found = json.loads(rest.stdout)
    assert ([row["user_id"] for row in found["rows"]], found["eligible"]) == ([r["user_id"] for r in first[2:]], 298)


def test_show_query_prints_text_and_parameters(env: dict[str, str]) -> None:
    done = run(env, "target", "skin care", "--size", "3", "--csv", "--show-query")
    assert "-- cypher entities/resolve_exact" in done.stderr
    assert "-- parameters: " in done.stderr
    assert "ORDER BY vector <#>" in done.stderr
    assert len(done.stdout.splitlines()) == 4


def test_saved_queries_list_and_run(env: dict[str, str]) -> None:
    names = [row["name"] for row in json.loads(run(env, "query", "list", "--json").stdout)]
    assert "path_between" in names
    done = run(env, "query", "run", "similar_services", "--param", "phrase=skin care", "-p", "limit=1", "--csv")
    assert list(csv.reader(io.StringIO(done.stdout)))[1][:2] == ["e2", "face mask"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("expand", "spa"), "may mean 2 entities"),
        (("resolve", "zzzz"), "no entity is called"),
        (("expand", "skin care", "--hops", "9"), "hops must be"),
        (("expand", "skin care", "--week", "2020-W01"), "no release of week"),
        (("explain", "nobody", "skin care"), "no user 'nobody'"),
        (("query", "run", "nope"), "no saved query"),
        (("query", "run", "similar_services"), "needs phrase"),
        (("query", "run", "similar_services", "-p", "phrase=e1", "-p", "limit=x"), "limit must be"),
    ],
)
def test_an_expected_error_is_one_line_and_a_hint(env: dict[str, str], words: tuple[str, ...], message: str) -> None:
    done = run(env, *words, code=1)
    assert message in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stdout == ""
