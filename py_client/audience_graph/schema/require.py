"""Refuse to write to a store whose schema is not the one of this installation."""

from __future__ import annotations

from collections.abc import Collection

from audience_graph.errors import MigrationError
from audience_graph.graph.runner import Runner
from audience_graph.resources import resource
from audience_graph.schema import alembic_scripts, cypher_scripts
from audience_graph.schema.scripts import read_scripts
from audience_graph.vectors.store import Store


def require_graph_schema(runner: Runner) -> None:
    """Raise MigrationError unless Neo4j has recorded every script: without its constraint, ids are not unique."""
    _require("neo4j", "Neo4j", cypher_scripts.applied(runner))


def require_table_schema(store: Store) -> None:
    """Raise MigrationError unless Postgres has recorded every script."""
    _require("postgres", "Postgres", alembic_scripts.applied(store))


def _require(store: str, shown: str, applied: Collection[str]) -> None:
    folder = resource("migrations") / ("postgres/versions" if store == "postgres" else "neo4j")
    missing = [script.name for script in read_scripts(store, folder) if script.name not in applied]
    if missing:
        raise MigrationError(
            f"{shown} lacks the schema: {', '.join(missing)} did not run", hint="run `audience-graph migrate` first"
        )
