"""Bring both stores to the schema of this installation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from audience_graph.config import Connections
from audience_graph.graph.runner import open_runner
from audience_graph.resources import resource
from audience_graph.saved.kept import write_package
from audience_graph.saved.pages import write_pages
from audience_graph.schema import alembic_scripts, cypher_scripts
from audience_graph.schema.scripts import Script, pending, read_scripts
from audience_graph.vectors.store import open_store


@dataclass(frozen=True, slots=True)
class Applied:
    """One script: `applied_at` is None while it waits (after a dry run, or in `status`)."""

    store: str
    name: str
    checksum: str
    applied_at: str | None


def migrate(
    connections: Connections,
    *,
    dry_run: bool = False,
    folder: Path | None = None,
    note: Callable[[str], object] | None = None,
) -> list[Applied]:
    """Apply the scripts that either store lacks and return them, in the order in which they ran; then write the
    package's saved queries and the pages for Browser into Neo4j, where they are others, and label entities by type.

    A saved query that somebody keeps under a name that the package has now gets another; `note` is told of it.
    With `dry_run` nothing is written; what would run is returned with `applied_at=None`. Raises MigrationError,
    before anything is written to either store, when a script that ran was edited or is missing.
    """
    root = folder if folder is not None else resource("migrations")
    store = open_store(connections)
    scripts = {name: read_scripts(name, _scripts_folder(root, name)) for name in ("postgres", "neo4j")}
    with ExitStack() as stack:
        runner = stack.enter_context(open_runner(connections))
        if not dry_run:
            stack.enter_context(alembic_scripts.locked(store))
        before = {"postgres": alembic_scripts.applied(store), "neo4j": cypher_scripts.applied(runner)}
        waiting = {name: pending(scripts[name], _checksums(before[name])) for name in scripts}
        if dry_run:
            return [_applied(script, None) for name in scripts for script in waiting[name]]
        for script in waiting["postgres"]:
            alembic_scripts.apply(store, root / "postgres", script)
        for script in waiting["neo4j"]:
            cypher_scripts.apply(runner, script)
        if folder is None:
            for old, new in write_package(runner).items():
                if note is not None:
                    note(f"the package has a saved query {old!r} now: the one that people keep is called {new!r}")
            write_pages(runner)
        after = {"postgres": alembic_scripts.applied(store), "neo4j": cypher_scripts.applied(runner)}
    return [_applied(script, after[name][script.name][1]) for name in scripts for script in waiting[name]]


def status(connections: Connections, *, folder: Path | None = None) -> list[Applied]:
    """Return every script of both stores, applied or waiting. Writes nothing; raises as `migrate` does."""
    root = folder if folder is not None else resource("migrations")
    found: list[Applied] = []
    with open_runner(connections) as runner:
        ran = {"postgres": alembic_scripts.applied(open_store(connections)), "neo4j": cypher_scripts.applied(runner)}
    for name, rows in ran.items():
        scripts = read_scripts(name, _scripts_folder(root, name))
        pending(scripts, _checksums(rows))
        found += [_applied(s, rows[s.name][1] if s.name in rows else None) for s in scripts]
    return found


def _scripts_folder(root: Path, store: str) -> Path:
    return root / "postgres" / "versions" if store == "postgres" else root / "neo4j"


def _checksums(rows: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {name: checksum for name, (checksum, _) in rows.items()}


def _applied(script: Script, applied_at: str | None) -> Applied:
    return Applied(script.store, script.name, script.checksum, applied_at)
