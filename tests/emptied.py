"""Both stores without rows: schema and its recorded migrations stay."""

from __future__ import annotations

from pathlib import Path

from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store


def wipe(runner: Neo4jRunner, store: Store) -> None:
    """Remove every row and node, and the tables of vector spaces."""
    runner.auto_commit(_query("MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 20000 ROWS"))
    runner.auto_commit(
        _query("MATCH (n) WHERE NOT n:SchemaScript CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 20000 ROWS")
    )
    with store.transaction() as tx:
        tables = [row["name"] for row in tx.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")]
        spaces = [t for t in tables if t.startswith(("user_vector_", "entity_vector_", "user_short_"))]
        kept = [t for t in tables if t not in spaces and t not in {"alembic_version", "schema_script"}]
        if spaces:
            tx.execute(f"DROP TABLE {', '.join(spaces)}")
        if "audit_log" in kept:
            tx.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
        if kept:
            tx.execute(f"TRUNCATE {', '.join(kept)} RESTART IDENTITY CASCADE")
        if "audit_log" in kept:
            tx.execute("ALTER TABLE audit_log ENABLE TRIGGER USER")


def _query(text: str) -> Query:
    return Query(name="tests/wipe", text=text, params=(), returns=(), path=Path(__file__))
