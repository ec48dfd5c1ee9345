"""The servers of the session: versions, parts, safety settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audience_graph.config import Connections
from audience_graph.errors import StoreError, StoreUnavailable
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Neo4jRunner, open_runner
from audience_graph.local.lock import read_lock
from audience_graph.vectors.store import Store


def test_the_servers_are_the_versions_of_the_lock(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    if not connections.embedded:
        pytest.skip("the environment names existing servers")
    versions = read_lock().versions
    components = {row["name"]: row["version"] for row in runner.read(load_query("stack/components"))}
    assert components["Neo4j Kernel"] == versions["neo4j"]
    with store.transaction(vectors=False) as tx:
        tx.execute("CREATE EXTENSION IF NOT EXISTS vector")
        found = tx.rows(
            "SELECT current_setting('server_version') AS postgres, extversion AS pgvector "
            "FROM pg_extension WHERE extname = 'vector'"
        )[0]
    assert found == {"postgres": versions["postgres"], "pgvector": versions["pgvector"]}


def test_gds_is_loaded(runner: Neo4jRunner) -> None:
    names = {row["name"] for row in runner.read(load_query("stack/procedures"))}
    assert {"gds.graph.project", "gds.pageRank.stream"} <= names
    assert sum(name.startswith("gds.") for name in names) > 300


def test_a_lock_that_is_not_given_and_a_cancelled_statement_are_no_silence(store: Store) -> None:
    for setting, statement, said in (
        ("lock_timeout", "SELECT pg_advisory_xact_lock(77)", "did not give a lock in time"),
        ("statement_timeout", "SELECT pg_sleep(5)", "cancelled a statement"),
    ):
        with store.transaction(vectors=False) as holder:
            holder.rows("SELECT pg_advisory_xact_lock(77)")
            with store.transaction(vectors=False) as other:
                other.execute(f"SET LOCAL {setting} = '100ms'")
                with pytest.raises(StoreError, match=said) as error:
                    other.rows(statement)
        assert not isinstance(error.value, StoreUnavailable)


def test_a_wrong_password_is_refused(connections: Connections) -> None:
    with open_runner(replace(connections, neo4j_password="wrong")) as other, pytest.raises(StoreUnavailable):
        other.read(load_query("stack/components"))
    url = connections.database_url.replace("@", "x@", 1)
    with pytest.raises(StoreUnavailable), Store(url).transaction(vectors=False):
        pass
