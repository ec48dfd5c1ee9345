"""Bad input: a clear message, exit code 1, and nothing changed in either store or in the warehouse."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_files import GOOD, Case, all_cases, write

from audience_graph import cli, ingest
from audience_graph.config import Connections, Home
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

CASES = all_cases()


def _query(text: str, *returns: str) -> Query:
    return Query(name="tests/bad_input", text=text, params=(), returns=returns, path=Path(__file__))


_NODES = _query("MATCH (n) RETURN labels(n) AS labels, properties(n) AS properties, COUNT { (n)--() } AS degree")


def fingerprint(runner: Neo4jRunner, store: Store, home: Home) -> dict[str, object]:
    """Return row counts and hashes of the content of both stores, and the hash of every file of the warehouse."""
    nodes = sorted(
        repr((sorted(n["labels"]), sorted(n["properties"].items()), n["degree"])) for n in runner.read(_NODES)
    )
    found: dict[str, object] = {"nodes": (len(nodes), hashlib.sha256("\n".join(nodes).encode()).hexdigest())}
    with store.transaction(read_only=True, vectors=False) as tx:
        tables = [row["name"] for row in tx.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")]
        counts = " UNION ALL ".join(
            f"SELECT '{t}' AS name, count(*) AS n, md5(string_agg(t::text, '|' ORDER BY t::text)) AS hash FROM {t} AS t"
            for t in sorted(tables)
        )
        found |= {row["name"]: (row["n"], row["hash"]) for row in tx.rows(counts)}
    for path in sorted(p for p in home.path.rglob("*") if p.is_file() and p.name != ".lock"):
        found[str(path.relative_to(home.path))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture(scope="module")
def stored(
    connections: Connections, runner: Neo4jRunner, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Home, dict[str, object]]]:
    """A home and stores with a few good rows of each kind, and their fingerprint."""
    _empty(runner, store)
    folder = tmp_path_factory.mktemp("bad-input")
    home = Home(folder / "home")
    for what, rows in GOOD.items():
        path = write(folder / f"{what}.jsonl", rows, "jsonl")
        report = ingest.load(what, path, home=home, connections=connections)
        assert (report.read, report.written, report.rejected) == (3, 3, 0)
    yield home, fingerprint(runner, store, home)
    _empty(runner, store)


def _empty(runner: Neo4jRunner, store: Store) -> None:
    runner.write(_query("MATCH (n:Entity) DETACH DELETE n"))
    with store.transaction(vectors=False) as tx:
        tx.execute("TRUNCATE user_key CASCADE")


@pytest.fixture
def servers_in_environment(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", connections.neo4j_uri)
    monkeypatch.setenv("NEO4J_USERNAME", connections.neo4j_username)
    monkeypatch.setenv("NEO4J_PASSWORD", connections.neo4j_password)
    monkeypatch.setenv("NEO4J_DATABASE", connections.neo4j_database)
    monkeypatch.setenv("DATABASE_URL", connections.database_url)


def test_there_are_at_least_200_cases() -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.usefixtures("servers_in_environment")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_refused_and_changes_nothing(
    case: Case,
    stored: tuple[Home, dict[str, object]],
    runner: Neo4jRunner,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home, before = stored
    path = case.make(tmp_path)
    monkeypatch.setattr(sys, "argv", ["audience-graph", "load", case.what, str(path), "--data-dir", str(home.path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, words = capsys.readouterr()
    assert ended.value.code == 1
    assert out == ""
    assert words.startswith("Error: ")
    assert "Traceback" not in words
    assert len(words) < 12_000
    assert [said for said in case.says if said not in words] == [], words
    assert fingerprint(runner, store, home) == before


@pytest.mark.usefixtures("servers_in_environment")
def test_the_same_rows_again_change_nothing(
    stored: tuple[Home, dict[str, object]],
    connections: Connections,
    runner: Neo4jRunner,
    store: Store,
    tmp_path: Path,
) -> None:
    home, before = stored
    for what, rows in GOOD.items():
        for fmt in ("csv", "parquet"):
            path = write(tmp_path / f"{what}.{fmt}", rows, fmt)
            report = ingest.load(what, path, home=home, connections=connections)
            assert (report.written, report.unchanged) == (0, 3)
    assert fingerprint(runner, store, home) == before
