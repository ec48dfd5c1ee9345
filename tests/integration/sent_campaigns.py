"""A sent campaign on the small world, written with plain SQL: audience, revision, snapshot, export with arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from small_world import AS_OF, SPACE, VERSION, WEEK, World

from audience_graph.audience.keep.snapshots import Draft, Members, write_snapshot
from audience_graph.vectors.store import Store, Transaction

PICKED = [
    {"id": "e1", "name": "skin care", "hop": 0, "relevance": 1.0, "weight": 1.0, "path": ["e1"]},
    {"id": "e2", "name": "face mask", "hop": 1, "relevance": 0.9, "weight": 0.9, "path": ["e1", "e2"]},
    {"id": "e11", "name": "lipstick", "hop": 2, "relevance": 0.72, "weight": 0.72, "path": ["e1", "e2", "e11"]},
    {"id": "e3", "name": "spa", "hop": 1, "relevance": 0.6, "weight": 0.6, "path": ["e1", "e3"]},
]
QUESTION = {
    "kind": "graph",
    "phrases": ["skin care"],
    "space": SPACE,
    "query": [0.0],
    "picked": [{**p, "type": "service", "phrase": "skin care"} for p in PICKED],
    "score_at_cut": None,
}


@dataclass(frozen=True)
class Campaign:
    """What was written: the export's number, and the users in it by arm."""

    audience: str
    export: int
    arms: dict[str, list[str]]


def clear(tx: Transaction) -> None:
    tx.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
    tx.execute("TRUNCATE audience, audit_log RESTART IDENTITY CASCADE")
    tx.execute("ALTER TABLE audit_log ENABLE TRIGGER USER")


def send(
    store: Store,
    arms: dict[str, list[str]],
    *,
    name: str = "spring",
    questions: list[dict[str, Any]] | None = None,
    status: str = "done",
) -> Campaign:
    """Write a campaign; the arm `holdout` is not sent."""
    asked = [QUESTION] if questions is None else questions
    with store.transaction() as tx:
        keys = {row["user_id"]: row["key"] for row in tx.rows("SELECT user_id, key FROM user_key")}
        release = tx.rows("SELECT release_id FROM current_release")[0]["release_id"]
        audience = tx.rows(
            "INSERT INTO audience (name, created_by) VALUES (%s, 'maker') ON CONFLICT (name) DO UPDATE SET name ="
            " EXCLUDED.name RETURNING id",
            [name],
        )[0]["id"]
        revision = tx.rows(
            "INSERT INTO audience_revision (audience_id, number, definition, made_by) SELECT %s,"
            " 1 + count(*), %s, 'maker' FROM audience_revision WHERE audience_id = %s RETURNING id",
            [audience, '{"format": 1, "kind": "everyone"}', audience],
        )[0]["id"]
        members = np.array(sorted(keys[u] for users in arms.values() for u in users), np.int64)
        empty = np.full(len(members), np.nan), np.full(len(members), -1, np.int16)
        source = {"release": release, "version": VERSION, "week": WEEK}
        draft = Draft(revision, "maker", 1.5, "hash", source, as_of=AS_OF, questions=asked)
        snapshot = write_snapshot(tx, draft, Members(members, *empty))
        export = tx.rows(
            "INSERT INTO export (snapshot_id, purpose, destination, format, mode, status, made_by) VALUES"
            " (%s, 'ads', 'file', 'csv', 'replace', %s, 'maker') RETURNING id",
            [snapshot, status],
        )[0]["id"]
        rows = [(export, keys[u], arm, arm != "holdout") for arm, users in arms.items() for u in users]
        tx.copy_in("export_member", ("export_id", "key", "arm", "sent"), rows)
    return Campaign(name, export, arms)


def add_users(store: Store, world: World, copies: int) -> dict[str, list[str]]:
    """Write every user `copies` times more, with vectors and events of their own; return user -> copies."""
    with store.transaction() as tx:
        made: dict[str, list[str]] = {user: [] for user in world.users}
        for n in range(copies):
            pairs = [(user, f"{user}-{n}") for user in world.users]
            tx.execute("INSERT INTO user_key (user_id) SELECT unnest(%s::text[])", [[new for _, new in pairs]])
            for old, new in pairs:
                made[old].append(new)
            listed = {"old": [old for old, _ in pairs], "new": [new for _, new in pairs]}
            same = (
                "FROM unnest(%(old)s::text[], %(new)s::text[]) AS p(old, new) JOIN user_key o ON o.user_id = p.old"
                " JOIN user_key n ON n.user_id = p.new"
            )
            tx.execute(
                f"INSERT INTO user_vector_{SPACE} SELECT n.key, v.vector {same} JOIN user_vector_{SPACE} v"
                " ON v.key = o.key",
                listed,
            )
            tx.execute(
                "INSERT INTO user_event SELECT n.key, e.event_id, e.time, e.channel, e.text, e.entity_ids "
                f"{same} JOIN user_event e ON e.key = o.key",
                listed,
            )
    return made
