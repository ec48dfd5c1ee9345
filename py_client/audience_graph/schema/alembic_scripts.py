"""Postgres scripts: alembic runs them, one transaction each, with the record of the script inside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config

from audience_graph.errors import AudienceGraphError, MigrationError
from audience_graph.schema.scripts import Script
from audience_graph.vectors.idle import allow_idling
from audience_graph.vectors.store import Store

# The bytes of "agschema": a number that nothing else in this database locks.
_LOCK = int.from_bytes(b"agschema", "big")

_RECORDS = """
CREATE TABLE IF NOT EXISTS schema_script (
    name text COLLATE "C" PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Hold the migration lock: others wait here. Freed when the process ends, however it ends."""
    with store.transaction(vectors=False) as tx:
        allow_idling(tx)
        tx.rows("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        yield


def applied(store: Store) -> dict[str, tuple[str, str]]:
    """Return name -> (checksum, when) of the scripts that ran; empty for a database that was never migrated."""
    with store.transaction(read_only=True, vectors=False) as tx:
        if tx.rows("SELECT to_regclass('schema_script') AS found")[0]["found"] is None:
            return {}
        rows = tx.rows("SELECT name, checksum, applied_at FROM schema_script")
    return {row["name"]: (row["checksum"], row["applied_at"].isoformat()) for row in rows}


def apply(store: Store, folder: Path, script: Script) -> None:
    """Run one script and record it, in one transaction. Raises MigrationError, naming it, when it fails."""
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=store.raw_connection, poolclass=sqlalchemy.pool.NullPool
    )
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(_RECORDS)
        with engine.connect() as connection:
            config = _config(folder, connection, script)
            command.upgrade(config, f"{script.number:04d}")
    except AudienceGraphError:
        raise
    except Exception as exc:
        raise MigrationError(f"script {script.path} failed: {exc}", hint="nothing of it was kept") from exc
    finally:
        engine.dispose()


def _config(folder: Path, connection: sqlalchemy.Connection, script: Script) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")

    def record(*, ctx: Any, **_: Any) -> None:
        ctx.connection.execute(
            sqlalchemy.text("INSERT INTO schema_script (name, checksum) VALUES (:name, :checksum)"),
            {"name": script.name, "checksum": script.checksum},
        )

    config.attributes["connection"] = connection
    config.attributes["on_version_apply"] = record
    return config
