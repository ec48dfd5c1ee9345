"""What keeps the demo's world out of other people's data. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from audience_graph.config import Connections, Home
from audience_graph.demo import GENERATOR_VERSION
from audience_graph.entities.dictionary import entity_of, read_dictionary
from audience_graph.errors import ConfigError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import open_runner
from audience_graph.ingest.warehouse import warehouse
from audience_graph.schema import alembic_scripts, cypher_scripts
from audience_graph.vectors.store import open_store

FILES = ("entities", "users", "events", "corpus")
# Tables of people, not of the server or of an extension.
_TABLES = """
SELECT c.relname AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'f') AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  )
ORDER BY name
"""
# What tells a row of the warehouse from another, its id first.
_ROWS = {"events": "event_id, user_id, time, text", "corpus": "doc_id, text"}


def world_folder(home: Home) -> Path:
    """Return where the demo keeps its world: files and truth."""
    return home.path / "demo"


def kept_world(home: Home, size: str, seed: int) -> Mapping[str, Any] | None:
    """Return what world.json says when the folder holds this world, whole; None for any other and for none."""
    folder = world_folder(home)
    try:
        world = json.loads((folder / "world.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    wanted = {"size": size, "seed": seed, "generator_version": GENERATOR_VERSION}
    if any(world.get(key) != value for key, value in wanted.items()):
        return None
    return world if all((folder / f"{what}.parquet").is_file() for what in FILES) else None


def check_free(home: Home, connections: Connections, size: str, seed: int) -> None:
    """Raise ConfigError when the folder or the servers hold anything that is not of this world. Writes nothing.

    Compared with the files of the world that the folder keeps: entities with all that is known of them, user ids,
    events and documents. Without such files whatever is stored is other data, and so is any node or table of a
    database that was never migrated. Releases, runs and vectors are made from these rows: they are not looked at.
    """
    folder = world_folder(home) if kept_world(home, size, seed) is not None else None
    servers = [*_in_neo4j(connections, folder), *_in_postgres(connections, folder)]
    files = list(_in_warehouse(home, folder))
    if not servers and not files:
        return
    named = bool(servers) and not connections.embedded
    place = "what the environment names" if named else str(home.path)
    raise ConfigError(
        f"{place} already holds other data ({'; '.join((*servers, *files))}): "
        f"the demo will not mix the {size} world of seed {seed} into it",
        hint="unset NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD and DATABASE_URL, or name empty databases"
        if named
        else "give the demo a folder of its own: audience-graph demo --data-dir FOLDER",
    )


def _in_neo4j(connections: Connections, folder: Path | None) -> Iterator[str]:
    with open_runner(connections) as runner:
        if not cypher_scripts.applied(runner):
            nodes = runner.read(load_query("schema/count_nodes"))[0]["nodes"]
            if nodes:
                yield f"{nodes:,} nodes in a Neo4j database without our schema"
            return
        stored = read_dictionary(runner).entities
    rows = [] if folder is None else pq.read_table(folder / "entities.parquet").to_pylist()
    world = {entity.id: entity for entity in map(entity_of, rows)}
    # who decided on a flag, and why, is not in the file
    other = [e.id for e in stored if world.get(e.id) != replace(e, category=None, decided_by=None)]
    if other:
        yield f"{len(other):,} entities, such as {other[0]!r}"


def _in_postgres(connections: Connections, folder: Path | None) -> Iterator[str]:
    store = open_store(connections)
    migrated = bool(alembic_scripts.applied(store))
    with store.transaction(read_only=True, vectors=False) as tx:
        if not migrated:
            tables = [row["name"] for row in tx.rows(_TABLES) if row["name"] != "schema_script"]
            if tables:
                yield f"{len(tables):,} tables in a Postgres database without our schema, such as {tables[0]!r}"
            return
        stored = [row["user_id"] for row in tx.rows("SELECT user_id FROM user_key ORDER BY user_id")]
    world = set() if folder is None else set(pq.read_table(folder / "users.parquet")["user_id"].to_pylist())
    other = [user for user in stored if user not in world]
    if other:
        yield f"{len(other):,} users, such as {other[0]!r}"


def _in_warehouse(home: Home, folder: Path | None) -> Iterator[str]:
    for what, columns in _ROWS.items():
        batches = [str(path) for path in warehouse(home).batches(what)]
        if not batches:
            continue
        if folder is None:
            yield f"{len(batches):,} loaded batches of {what}"
            continue
        with duckdb.connect() as db:
            first, count = db.execute(
                f"SELECT min(id), count(*) FROM (SELECT {columns} FROM read_parquet($batches) "
                f"EXCEPT SELECT {columns} FROM read_parquet($file)) AS other (id)",
                {"batches": batches, "file": str(folder / f"{what}.parquet")},
            ).fetchall()[0]
        if count:
            yield f"{count:,} {what}, such as {first!r}"
