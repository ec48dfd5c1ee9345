"""The demo never mixes its world into other data, and may be run again on its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pandas as pd
import pytest

from audience_graph.config import Connections, Home
from audience_graph.demo import write_world
from audience_graph.demo.sizes import WorldSize
from audience_graph.errors import ConfigError
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import load
from audience_graph.vectors.store import Store
from audience_trainers.demo_guard import FILES, check_free, world_folder
from audience_trainers.demo_loop import DemoOptions, run_demo

pytestmark = pytest.mark.usefixtures("clean_stores")
TINY = WorldSize("small", 300, 50, 5.0, 1, 0.1)
OWN: dict[str, dict[str, list[Any]]] = {
    "entities": {"id": ["x"], "name": ["spa"], "type": ["service"]},
    "users": {"user_id": ["someone"], "region": ["north"]},
    "events": {"user_id": ["u0000001"], "time": ["2025-07-20T10:00:00Z"], "channel": ["visit"], "text": ["my own"]},
    "corpus": {"doc_id": ["own"], "text": ["a text of our own"]},
}


def load_own(what: str, home: Home, connections: Connections, folder: Path, **change: list[Any]) -> None:
    pd.DataFrame(OWN[what] | change).to_csv(folder / "own.csv", index=False)
    load(what, folder / "own.csv", home=home, connections=connections)


def load_world(home: Home, connections: Connections) -> None:
    write_world(world_folder(home), TINY, 7)
    for what in FILES:
        load(what, world_folder(home) / f"{what}.parquet", home=home, connections=connections)


def test_empty_stores_are_free(home: Home, connections: Connections) -> None:
    check_free(home, connections, "small", 7)


@pytest.mark.parametrize("what", FILES)
def test_other_data_is_left_alone(what: str, home: Home, connections: Connections, tmp_path: Path) -> None:
    load_own(what, home, connections, tmp_path)
    with pytest.raises(ConfigError, match=f"already holds other data .*1 .*{what}") as refused:
        check_free(home, connections, "small", 7)
    assert refused.value.hint is not None
    assert "--data-dir" in refused.value.hint


def test_the_same_world_may_run_again_and_another_may_not(home: Home, connections: Connections) -> None:
    load_world(home, connections)
    check_free(home, connections, "small", 7)
    with pytest.raises(ConfigError, match=r"300 entities, .*; 50 users, .*1 loaded batches of events"):
        check_free(home, connections, "small", 8)
    with pytest.raises(ConfigError):
        check_free(home, connections, "medium", 7)


@pytest.mark.parametrize("what", FILES)
def test_the_same_world_may_not_run_again_beside_own_data(
    what: str, home: Home, connections: Connections, tmp_path: Path
) -> None:
    load_world(home, connections)
    load_own(what, home, connections, tmp_path)
    with pytest.raises(ConfigError, match=rf"already holds other data \(1 {what}, such as '"):
        check_free(home, connections, "small", 7)


def test_an_entity_of_the_world_that_was_changed_is_own_data(
    home: Home, connections: Connections, tmp_path: Path
) -> None:
    load_world(home, connections)
    load_own("entities", home, connections, tmp_path, id=["ent000000"])
    with pytest.raises(ConfigError, match=r"\(1 entities, such as 'ent000000'\)"):
        check_free(home, connections, "small", 7)


@pytest.fixture
def bare(connections: Connections, store: Store) -> Iterator[Connections]:
    """The servers as the environment would name them, with a Postgres database that was never migrated."""
    url = urlsplit(connections.database_url)
    with store.raw_connection() as connection:
        connection.autocommit = True
        connection.execute("DROP DATABASE IF EXISTS demo_guard")
        connection.execute("CREATE DATABASE demo_guard")
        yield replace(connections, database_url=urlunsplit(url._replace(path="/demo_guard")), embedded=False)
        connection.execute("DROP DATABASE demo_guard WITH (FORCE)")


def tables(connections: Connections) -> list[str]:
    with Store(connections.database_url).transaction(vectors=False) as tx:
        rows = tx.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [row["tablename"] for row in rows]


def name(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("neo4j_uri", "neo4j_username", "neo4j_password", "neo4j_database", "database_url"):
        monkeypatch.setenv(key.upper(), getattr(connections, key))


def test_a_named_database_with_tables_of_others_is_not_even_migrated(
    home: Home, bare: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_free(home, bare, "small", 7)
    with Store(bare.database_url).transaction(vectors=False) as tx:
        tx.execute("CREATE TABLE orders (id int)")
    name(bare, monkeypatch)
    with pytest.raises(ConfigError, match="1 tables in a Postgres database without our schema, such as 'orders'") as no:
        run_demo(home, DemoOptions(), tell=lambda _: None)
    assert no.value.hint is not None
    assert "DATABASE_URL" in no.value.hint
    assert tables(bare) == ["orders"]
    assert not world_folder(home).exists()


def test_a_named_graph_with_nodes_of_others_is_refused(home: Home, bare: Connections, runner: Neo4jRunner) -> None:
    def change(text: str) -> list[dict[str, Any]]:
        return runner.auto_commit(Query(name="tests/guard", text=text, params=(), returns=(), path=Path(__file__)))

    kept = change("MATCH (s:SchemaScript) RETURN properties(s) AS own")
    try:
        change("MATCH (s:SchemaScript) DELETE s")
        check_free(home, bare, "small", 7)
        change("CREATE (:Person {name: 'Ada'})")
        with pytest.raises(ConfigError, match="1 nodes in a Neo4j database without our schema"):
            check_free(home, bare, "small", 7)
    finally:
        for row in kept:
            query = Query(
                name="tests/guard", text="MERGE (s:SchemaScript {name: $own.name}) SET s = $own", params=("own",),
                returns=(), path=Path(__file__),
            )  # fmt: skip
            runner.auto_commit(query, {"own": row["own"]})
