"""Stage a mining run: write everything a release needs to both stores, publish nothing.

    1  Postgres   the version's row, status `staging`
    2  Neo4j      relations, entity vectors, text vectors, in batches that count themselves
    3  Postgres   user and entity vectors, events: one transaction
    4  Neo4j      the version is complete
    5  Postgres   version `staged`, release row: one transaction

Killed anywhere and run again, step 2 goes on where it stopped and the others repeat what was not committed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from audience_graph.config import Home
from audience_graph.erased import Erased, read_erased, read_erased_of
from audience_graph.errors import ReleaseError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.preferences import Sequences, build_space, open_sequences
from audience_graph.preferences.sequences import texts_of
from audience_graph.release.content import Content, read_content
from audience_graph.release.figures import readable_metrics
from audience_graph.release.locks import version_locked
from audience_graph.release.progress import Progress, silent
from audience_graph.release.records import Release, select
from audience_graph.release.relations import require_entities, write_relations, write_text_vectors, write_vectors
from audience_graph.release.retire import finish_retiring
from audience_graph.vectors.store import Store, Transaction


def stage(
    runner: Runner,
    store: Store,
    run_folder: Path,
    *,
    warehouse: Path | None = None,
    home: Home | None = None,
    progress: Progress = silent,
) -> Release:
    """Stage a finished mining run and return its release; the same content again writes nothing.

    It returns the same release then, or the latest one of its version when a daily run has replaced the user vectors.

    `warehouse` is the folder of loaded events: with it the users' events keep their text, to explain with. Erased users
    are left out; `home` holds the key that knows them. Raises RunError when the folder is unfinished or broken,
    ReleaseError when it names entities that the graph lacks, ConfigError when users were erased and the key is missing.
    """
    erased = read_erased_of(store, home)
    content = read_content(run_folder)
    require_entities(runner, content)
    texts = texts_of(warehouse)
    with (
        version_locked(store, content.version, wait=True),
        open_sequences(run_folder / "sequences.parquet", content.entity_ids, erased) as sequences,
    ):
        found = _begin(store, content)
        if found == "retiring":
            finish_retiring(runner, store, content.version, content.relation_type, progress)
            found = _begin(store, content)
        if found == "staged":
            return _same(store, content, sequences, erased)
        _write_graph(runner, content, progress)
        progress("user vectors", 0, 1)
        with store.transaction() as tx:
            _require_nobody_new(erased, read_erased(tx, home))
            users = build_space(tx, content.space, content.entity_ids, content.vectors, sequences, texts)
        progress("user vectors", 1, 1)
        counts = _counts(content)
        _close(runner, content, counts)
        with store.transaction() as tx:
            return _finish(tx, content, counts, users, content_key(content, sequences))


def _require_nobody_new(before: Erased | None, now: Erased | None) -> None:
    if (before.hashes if before else frozenset()) != (now.hashes if now else frozenset()):
        raise ReleaseError("users were erased while this was staged", hint="stage it again: it goes on where it was")


def content_key(content: Content, sequences: Sequences) -> str:
    """Return what a release is: its version, the day and the users' sequences."""
    return release_key(content.version, content.as_of.isoformat(), sequences.fingerprint())


def release_key(version: str, as_of: str, fingerprint: int) -> str:
    """Return the content key of a release: equal for equal relations, vectors, day and sequences."""
    return f"{version}/{as_of}/{fingerprint:016x}"


def _begin(store: Store, content: Content) -> str:
    """Insert the rows of the version and its space when they are new; return the version's status."""
    with store.transaction() as tx:
        tx.execute(
            "INSERT INTO relation_version (version, week, relation_type, content_hash, status, run_id) "
            "VALUES (%s, %s, %s, %s, 'staging', %s) ON CONFLICT (version) DO UPDATE SET status = 'staging', "
            "retired_at = NULL, run_id = excluded.run_id WHERE relation_version.status = 'retired'",
            (content.version, content.week, content.relation_type, content.content_hash, content.run_id),
        )
        tx.execute(
            "INSERT INTO space (space, kind, dims, model, week, as_of, days) "
            "VALUES (%s, 'preference', %s, %s, %s, %s, %s) "
            "ON CONFLICT (space) DO NOTHING",
            (content.space, content.vectors.shape[1], content.model, content.week, content.as_of, content.days),
        )
        row = tx.rows("SELECT status, content_hash FROM relation_version WHERE version = %s", (content.version,))[0]
    if row["content_hash"] != content.content_hash:
        raise ReleaseError(f"another content already has the name {content.version}", hint="mine with another seed")
    return str(row["status"])


def _same(store: Store, content: Content, sequences: Sequences, erased: Erased | None) -> Release:
    """Return the release of a version that is staged; where users were erased, their sequences may be missing now."""
    with store.transaction(read_only=True) as tx:
        known = select(tx, "WHERE r.content_key = %s", (content_key(content, sequences),))
        latest = select(
            tx,
            "WHERE r.preference_space = %s AND r.status <> 'retired' ORDER BY r.id DESC LIMIT 1",
            (content.space,),
        )
    if not latest or not (known or erased is not None or latest[0].preference_as_of > content.as_of):
        raise ReleaseError(
            f"version {content.version} is staged with the sequences of other days or users",
            hint="bring its user vectors to this day with `audience-graph preferences refresh`",
        )
    return latest[0]


def _write_graph(runner: Runner, content: Content, progress: Progress) -> None:
    opened = runner.write(
        load_query("releases/open_version"),
        {
            "version": content.version,
            "week": content.week,
            "relation_type": content.relation_type,
            "content_hash": content.content_hash,
        },
    )[0]
    if opened["status"] == "staging":
        write_relations(runner, content, opened["written"], progress)
        write_vectors(runner, content, opened["vectors"], progress)
    write_text_vectors(runner, content, progress)


def _counts(content: Content) -> dict[str, int]:
    sources = len(np.unique(content.relations.source))
    return {"relations": len(content.relations), "entities": len(content.entity_ids), "sources": sources}


def _close(runner: Runner, content: Content, counts: dict[str, int]) -> None:
    degrees = content.in_degrees
    reached = degrees[degrees > 0]
    parameters: dict[str, Any] = {
        "version": content.version,
        **counts,
        "mean_in_degree": float(reached.mean()),
        "max_in_degree": int(reached.max()),
        "metrics": json.dumps(content.metrics, sort_keys=True),
        "readable": readable_metrics(content),
    }
    runner.write(load_query("releases/close_version"), parameters)


def _finish(tx: Transaction, content: Content, counts: dict[str, int], users: int, key: str) -> Release:
    tx.execute(
        "UPDATE relation_version SET status = 'staged', counts = %s::jsonb, metrics = %s::jsonb WHERE version = %s",
        (json.dumps(counts), json.dumps(content.metrics), content.version),
    )
    tx.execute("UPDATE space SET as_of = %s WHERE space = %s", (content.as_of, content.space))
    tx.execute(
        "INSERT INTO release (relation_version, preference_space, preference_as_of, content_key, users) "
        "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (content_key) DO UPDATE SET users = excluded.users, "
        "status = 'staged', published_at = NULL, created_at = now()",
        (content.version, content.space, content.as_of, key, users),
    )
    return select(tx, "WHERE r.content_key = %s", (key,))[0]
