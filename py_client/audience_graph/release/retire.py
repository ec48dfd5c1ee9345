"""Delete a version: relations and vectors in batches beside the readers, then its tables; never the current one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from audience_graph.errors import NotFoundError, ReleaseError
from audience_graph.graph import projection
from audience_graph.graph.expansion import VersionRef
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.preferences import drop_space
from audience_graph.release.locks import lock_flip, version_locked
from audience_graph.release.progress import Progress, silent
from audience_graph.release.records import current
from audience_graph.vectors.store import Store

RETENTION_WEEKS = 8
_RELATIONS = 10_000
_VECTORS = 2_000


@dataclass(frozen=True, slots=True)
class Retired:
    """What retiring a version deleted from the graph."""

    version: str
    relations: int
    vectors: int


def retire(runner: Runner, store: Store, version: str, *, progress: Progress = silent) -> Retired:
    """Delete a version's relations, vectors, projection and user tables; its row stays, marked retired.

    Goes on where a killed run stopped; a retired version is left alone. An unfinished staging may be retired too.
    Raises ReleaseError for the version that is current, in Postgres or in the mirror, or that is being staged.
    """
    with version_locked(store, version, wait=False):
        relation_type = _mark(runner, store, version)
        return finish_retiring(runner, store, version, relation_type, progress)


def expired(store: Store, *, weeks: int = RETENTION_WEEKS) -> tuple[str, ...]:
    """Return the versions to retire, oldest first: older than the last `weeks` weeks up to the current release's.

    Those marked `retiring` are among them, whatever their week; with 0 weeks they are all.
    """
    try:
        now = current(store)
    except NotFoundError:
        return ()
    first = _monday(now.week) - timedelta(weeks=weeks - 1) if weeks else date.min
    with store.transaction(read_only=True) as tx:
        rows = tx.rows("SELECT version, week, status FROM relation_version WHERE status <> 'retired' ORDER BY 2, 1")
    return tuple(
        row["version"]
        for row in rows
        if (_monday(row["week"]) < first or row["status"] == "retiring") and row["version"] != now.version
    )


def mark_retiring(runner: Runner, store: Store, version: str) -> None:
    """Mark a version so that nobody reads or publishes it any more; `retire` deletes it then. Raises as `retire`."""
    with version_locked(store, version, wait=False):
        _mark(runner, store, version)


def finish_retiring(
    runner: Runner, store: Store, version: str, relation_type: str, progress: Progress = silent
) -> Retired:
    """Delete what is left of a version that is marked `retiring`. The caller holds its lock."""
    runner.write(load_query("releases/mark_version"), {"version": version, "status": "retiring"})
    projection.drop(runner, VersionRef(version, "", relation_type))
    count = load_query("relations/count_version").at_version(relation_type)
    total = runner.read(count, {"relation_type": relation_type})[0]["relations"]
    delete = load_query("releases/delete_relations").at_version(relation_type)
    relations = 0
    while batch := runner.write(delete, {"size": _RELATIONS})[0]["deleted"]:
        relations += batch
        progress("relations deleted", relations, max(total, relations))
    spaces = _spaces(store, version)
    vectors = sum(_delete_vectors(runner, space, progress) for space in spaces)
    with store.transaction() as tx:
        for space in spaces:
            drop_space(tx, space)
        tx.execute("UPDATE release SET status = 'retired' WHERE relation_version = %s", (version,))
    runner.write(load_query("releases/mark_version"), {"version": version, "status": "retired"})
    with store.transaction() as tx:
        tx.execute(
            "UPDATE relation_version SET status = 'retired', retired_at = now() "
            "WHERE version = %s AND status <> 'retired'",
            (version,),
        )
    return Retired(version=version, relations=relations, vectors=vectors)


def _mark(runner: Runner, store: Store, version: str) -> str:
    """Mark a version so that nobody can publish it any more; return its relationship type."""
    mirrored = {row["version"] for row in runner.read(load_query("releases/read_mirror"))}
    with store.transaction() as tx:
        lock_flip(tx)
        rows = tx.rows("SELECT relation_type FROM relation_version WHERE version = %s", (version,))
        if not rows:
            raise NotFoundError(f"no version {version}", hint="`audience-graph release list` shows them")
        in_use = tx.rows(
            "SELECT FROM current_release c JOIN release r ON r.id = c.release_id WHERE r.relation_version = %s",
            (version,),
        )
        if in_use or version in mirrored:
            raise ReleaseError(f"version {version} is current", hint="publish or roll back to another one first")
        tx.execute(
            "UPDATE relation_version SET status = 'retiring' WHERE version = %s AND status <> 'retired'", (version,)
        )
    return str(rows[0]["relation_type"])


def _spaces(store: Store, version: str) -> Sequence[str]:
    """Spaces of this version alone: those of its releases, and the one that staging names after it."""
    own = "pref_" + version.replace("-", "_").lower()
    with store.transaction(read_only=True) as tx:
        rows = tx.rows(
            "SELECT space FROM space s WHERE (space = %(own)s OR EXISTS (SELECT FROM release r "
            "WHERE r.preference_space = s.space AND r.relation_version = %(version)s)) "
            "AND NOT EXISTS (SELECT FROM release r WHERE r.preference_space = s.space "
            "AND r.relation_version <> %(version)s AND r.status <> 'retired') ORDER BY 1",
            {"own": own, "version": version},
        )
    return [row["space"] for row in rows]


def _delete_vectors(runner: Runner, space: str, progress: Progress) -> int:
    total = runner.read(load_query("releases/count_vectors"), {"space": space})[0]["vectors"]
    done = 0
    parameters = {"space": space, "size": _VECTORS}
    while batch := runner.write(load_query("releases/delete_vectors"), parameters)[0]["deleted"]:
        done += batch
        progress("vectors deleted", done, max(total, done))
    return done


def _monday(week: str) -> date:
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
