"""Neo4j scripts: each statement may repeat, the record is written last."""

from __future__ import annotations

from audience_graph.errors import MigrationError, QueryError
from audience_graph.graph.queries import Query, load_query
from audience_graph.graph.runner import Runner
from audience_graph.schema.scripts import Script


def applied(runner: Runner) -> dict[str, tuple[str, str]]:
    """Return name -> (checksum, when) of the scripts that ran; empty for a database that was never migrated."""
    rows = runner.read(load_query("schema/list_applied"))
    return {row["name"]: (row["checksum"], row["applied_at"]) for row in rows}


def apply(runner: Runner, script: Script) -> None:
    """Run one script and record it. Raises MigrationError, naming it, when a statement fails.

    Schema commands and the record cannot share a transaction: after a failure the next run repeats the script,
    so every statement must be written to be repeated (IF NOT EXISTS).
    """
    for statement in script.statements:
        query = Query(name=script.name, text=statement, params=(), returns=(), path=script.path)
        try:
            runner.auto_commit(query)
        except QueryError as exc:
            raise MigrationError(
                f"script {script.path} failed: {exc.message}", hint="it is repeated next time"
            ) from exc
    runner.write(load_query("schema/record_applied"), {"name": script.name, "checksum": script.checksum})
